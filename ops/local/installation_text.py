"""Hold the configuration of a local installation as text: one endpoint for each way to prove."""

from typing import Final

UAEPASS_PATH: Final = "/api/v1/consent/transaction/callback"  # fixed by UAE PASS
PIVOT_PATH: Final = "/callbacks/pivot"
WALLET_PATH: Final = "/callbacks/wallet"
SEND_PATH: Final = "/callbacks/send"
SAMPLE_PDF: Final = "notice.pdf"
SRTP_PATH: Final = "/rtp/cb/v1/send"  # as pagoPA's; the other endpoints' are below /srtp

CONFIGURATION: Final = """\
# A local Esito, for one machine: one broker without replicas, everything on 127.0.0.1.
kafka_bootstrap_servers: {kafka}
topic_prefix: "{topic_prefix}"
management_port: {management_port}

ingress:
  port: {ingress_port}
  public_url: http://127.0.0.1:{ingress_port}

# PostgreSQL is the embedded one; its address is given when it runs (ESITO_DATABASE__URL).
object_store:
  url: file://{directory}/attachments

intake: # SEND: public bodies upload files and send requests
  port: {intake_port}
  public_url: http://127.0.0.1:{intake_port}

streams: # status events over HTTP: of SEND for public bodies, of every provider for a consumer
  port: {streams_port}
  public_url: http://127.0.0.1:{streams_port}
  retry_milliseconds: 1000
  consumers:
    - id: local
      keys: [{{id: local, file: keys/consumer.key}}]
      endpoints: [pivot-local, uaepass-local, wallet-local, srtp-xmldsig, send-local]

topics:
  partitions: 4
  replication_factor: 1
  min_insync_replicas: 1

endpoints:
  - name: pivot-local
    provider: pivot
    path: {pivot_path}
    api_key: {{keys: [{{id: local, file: keys/pivot.key}}]}}
    # esito expect, or POST /expectations/pivot-local, announces a transaction of ours.
    expectations: {{keys: [{{id: local, file: keys/pivot-expectations.key}}]}}

  - name: uaepass-local
    provider: uaepass
    path: {uaepass_path}
    api_key: {{keys: [{{id: local, file: keys/uaepass.key}}]}}
    hmac:
      keys: [{{id: local, file: keys/uaepass-hmac.key}}]
      hash: sha256
      parts: [timestamp, body]
      separator: "."
      encoding: hex
      timestamp_format: epoch_seconds
      tolerance_seconds: 300
      golden_vector_file: keys/uaepass-golden.json

  # The wallet's gateway: a path for each transaction, and tokens whose keys rotate over HTTPS.
  - name: wallet-local
    provider: wallet
    path: {wallet_path}
    path_token: {{keys: [{{id: local, file: keys/wallet-path.key}}]}}
    expectations: {{keys: [{{id: local, file: keys/wallet-expectations.key}}]}}
    registration: required
    early_seconds: 60
    tokens:
      issuers:
        - issuer: https://127.0.0.1:{jwks_port}
          jwks_uri: https://127.0.0.1:{jwks_port}/jwks.json
          jwks_ca_file: pki/trust/root.pem
          allow_private_addresses: true  # the simulator's; never so in production
          audiences: [esito]
          required_claims: [iss, verification_id, iat, exp]
          refresh_seconds_min: 0.5
          unknown_key_seconds: 2
      presentations:
        policy: required
        issuer_jwks_files:
          https://credentials.example.org: wallet/credential-issuer-jwks.json
        credential_types: ["urn:eudi:pid:1"]

  # SEND: requests of two public bodies come through the intake; what the delivery system tells of
  # their notifications comes to this path.
  - name: send-local
    provider: send
    path: {send_path}
    api_key: {{keys: [{{id: local, file: keys/send-delivery.key}}]}}
    settle_seconds: 5  # elements that come later are too late; SEND's own wait 30 to 90
    notifications:
      bodies:
        - id: provincia
          tax_id: "01234567897"
          keys: [{{id: local, file: keys/send-provincia.key}}]
          addresses_looked_up: true
          sheets_max: 3
        - id: regione
          tax_id: "98765432103"
          keys: [{{id: local, file: keys/send-regione.key}}]
          pades: required
      attachments: {{slot_keys: [{{id: local, file: keys/send-slots.key}}]}}
      iun_keys: {{keys: [{{id: local, file: keys/send-iun.key}}]}}
      pdf: {{bytes_max: 4194304, trust_files: [pki/trust/root.pem]}}
      registry: {{give_up_seconds: 1}}  # the local one is away for some, as its rules say
      tax_ids_refused: [RSSMRA80A01H501U]

  # SRTP, five times: one endpoint for each way in which a bank may prove who it is.
{srtp}"""

_SRTP: Final = """\
  - name: srtp-{name}
    provider: srtp
    path: {path}
    more_paths: [{cancel}]
{sections}{trust}
"""
_EDGE: Final = """\
    client_certificate:
      seen_by: edge
      header: x-client-certificate
      edges: [127.0.0.1]
"""
_SCHEMES: Final = {
    "xmldsig": "    xmldsig: {}\n",
    "detached": "    detached_signature: {}\n",
    "jws": "    detached_jws: {}\n",
    "mtls": _EDGE,
    "strict": f"    xmldsig: {{}}\n{_EDGE}",
}


def srtp_endpoints(trust: str) -> str:
    """Return the YAML of the endpoints; `trust` is certificates: and service_providers:."""
    found = []
    for name, sections in _SCHEMES.items():
        base = SRTP_PATH.removesuffix("/send") if name == "xmldsig" else f"/srtp/{name}"
        found.append(
            _SRTP.format(
                name=name,
                path=f"{base}/send",
                cancel=f"{base}/cancel",
                sections=sections,
                trust=trust,
            )
        )
    return "".join(found).rstrip("\n") + "\n"
