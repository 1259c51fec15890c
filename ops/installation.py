"""Write what a local Esito needs into one directory: new secrets, a golden vector, esito.yaml.

Nothing here has a default secret: every directory gets its own, in files that their owner alone may
read. Files that exist are left as they are, so a directory can be started again and edited by hand.
"""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.mac import Encoding, Hash, MacInput, MacProfile, Part, TimestampFormat, write_mac

UAEPASS_PATH: Final = "/api/v1/consent/transaction/callback"  # fixed by UAE PASS
PIVOT_PATH: Final = "/callbacks/pivot"
_SECRETS: Final = ("pivot.key", "pivot-expectations.key", "uaepass.key", "uaepass-hmac.key")
# The simulator plays UAE PASS, so this recipe is our own; a real one comes from a captured request.
_PROFILE: Final = MacProfile(
    Hash.SHA256,
    (Part.TIMESTAMP, Part.BODY),
    ".",
    Encoding.HEX,
    TimestampFormat.EPOCH_SECONDS,
)
_YAML: Final = """\
# A local Esito, for one machine: one broker without replicas, everything on 127.0.0.1.
kafka_bootstrap_servers: {kafka}
topic_prefix: "{topic_prefix}"
management_port: {management_port}

ingress:
  port: {ingress_port}
  public_url: http://127.0.0.1:{ingress_port}

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
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a local installation listens; workers take the management ports after the ingress's."""

    kafka: str = "127.0.0.1:9092"
    ingress_port: int = 8080
    # Five in a row, and none of them Kafka's 9092.
    management_port: int = 9190
    topic_prefix: str = ""


def write_installation(directory: Path, addresses: Addresses) -> Path:
    """Write what is missing in `directory`; return the path of its configuration."""
    keys = directory / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _SECRETS:
        _write_once(keys / name, lambda: secrets.token_urlsafe(32) + "\n")
    _write_once(keys / "uaepass-golden.json", _golden_vector)
    configuration = directory / "esito.yaml"
    _write_once(
        configuration,
        lambda: _YAML.format(
            kafka=addresses.kafka,
            topic_prefix=addresses.topic_prefix,
            ingress_port=addresses.ingress_port,
            management_port=addresses.management_port,
            pivot_path=PIVOT_PATH,
            uaepass_path=UAEPASS_PATH,
        ),
    )
    return configuration


def curl_commands(directory: Path, *, url: str) -> tuple[str, str]:
    """Return a command for a shell for each provider, which sends one correct callback."""
    keys = directory / "keys"
    session = f"pay-{secrets.token_hex(6)}"
    consent = f"c{secrets.token_hex(8)}"
    amount = '{"value":10001,"currency":"IDR"}'
    paid = f'{{"id":"{session}","status":"PAID","amount":{amount}}}'
    pivot = (
        f"curl -i {url}{PIVOT_PATH} -H 'Content-Type: application/json' \\\n"
        f'  -H "X-API-Key: $(cat {keys / "pivot.key"})" \\\n'
        f'  -d \'{{"event":"PAYMENT.PAID","data":{paid}}}\''
    )
    uaepass = (
        f'T=$(date +%s); B=\'{{"spTransactionID":"{consent}","status":"ACCEPTED"}}\'\n'
        f'S=$(printf %s.%s "$T" "$B" | openssl dgst -sha256 -r '
        f'-hmac "$(cat {keys / "uaepass-hmac.key"})" | cut -d" " -f1)\n'
        f"curl -i {url}{UAEPASS_PATH} -H 'Content-Type: application/json' \\\n"
        f'  -H "X-API-Key: $(cat {keys / "uaepass.key"})" \\\n'
        '  -H "X-Timestamp: $T" -H "X-UAEPASS-Signature: $S" -d "$B"'
    )
    return pivot, uaepass


def _golden_vector() -> str:
    secret, timestamp = secrets.token_urlsafe(32), b"1767225600"
    body = b'{"spTransactionID":"golden","status":"ACCEPTED"}'
    target_uri = f"https://esito.example.org{UAEPASS_PATH}"
    signed = MacInput(timestamp, "POST", UAEPASS_PATH, target_uri, body)
    vector = {
        "method": signed.method,
        "path": signed.path,
        "target_uri": signed.target_uri,
        "timestamp": timestamp.decode(),
        "signature": write_mac(_PROFILE, signed, secret.encode()).decode(),
        "secret": secret,
        "body_base64": b64encode(body).decode(),
    }
    return json.dumps(vector, indent=2) + "\n"


def _write_once(file: Path, text: Callable[[], str]) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text())
