"""Write commands for a shell that call a local installation as each of its providers would."""

import json
import secrets
import shlex
from pathlib import Path
from typing import Final

from ops.local.installation_text import PIVOT_PATH, SAMPLE_PDF, UAEPASS_PATH, WALLET_PATH
from runtime.configuration import Configuration
from runtime.path_token import mint
from simulator.pki_files import BANK_A

_SRTP_PATH: Final = "/srtp/detached/send"


def curl_commands(directory: Path, *, url: str) -> dict[str, str]:
    """Return, for each provider by its name for people, what sends one correct callback."""
    return {
        "Pivot": _pivot(directory / "keys", url),
        "UAE PASS": _uaepass(directory / "keys", url),
        "a bank of SRTP (a signature in headers)": _srtp(directory / "pki" / "identities", url),
        "the wallet's gateway (our own announcement first)": _wallet(directory / "keys", url),
    }


def send_road(directory: Path, configuration: Configuration, *, url: str) -> str:
    """Return the shell script that goes SEND's whole road in the installation of `directory`."""
    variables = {
        "KEYS": directory / "keys",
        "PDF": directory / SAMPLE_PDF,
        "INTAKE": configuration.intake.public_url,
        "STREAMS": configuration.streams.public_url,
        "INGRESS": url,
    }
    assigned = "\n".join(f"{name}={shlex.quote(str(text))}" for name, text in variables.items())
    return f"{assigned}\n{(Path(__file__).parent / 'send-road.sh').read_text()}"


def _pivot(keys: Path, url: str) -> str:
    session = f"pay-{secrets.token_hex(6)}"
    amount = '{"value":10001,"currency":"IDR"}'
    paid = f'{{"id":"{session}","status":"PAID","amount":{amount}}}'
    return (
        f"curl -i {url}{PIVOT_PATH} -H 'Content-Type: application/json' \\\n"
        f'  -H "X-API-Key: $(cat {keys / "pivot.key"})" \\\n'
        f'  -d \'{{"event":"PAYMENT.PAID","data":{paid}}}\''
    )


def _uaepass(keys: Path, url: str) -> str:
    consent = f"c{secrets.token_hex(8)}"
    return (
        f'T=$(date +%s); B=\'{{"spTransactionID":"{consent}","status":"ACCEPTED"}}\'\n'
        f'S=$(printf %s.%s "$T" "$B" | openssl dgst -sha256 -r '
        f'-hmac "$(cat {keys / "uaepass-hmac.key"})" | cut -d" " -f1)\n'
        f"curl -i {url}{UAEPASS_PATH} -H 'Content-Type: application/json' \\\n"
        f'  -H "X-API-Key: $(cat {keys / "uaepass.key"})" \\\n'
        '  -H "X-Timestamp: $T" -H "X-UAEPASS-Signature: $S" -d "$B"'
    )


def _srtp(identities: Path, url: str) -> str:
    body = json.dumps(
        {
            "CdtrPmtActvtnReqStsRpt": {
                "GrpHdr": {
                    "MsgId": secrets.token_hex(16),
                    "InitgPty": {"Id": {"OrgId": {"AnyBIC": BANK_A.bic}}},
                },
                "OrgnlGrpInfAndSts": {"OrgnlMsgId": secrets.token_hex(16)},
                "OrgnlPmtInfAndSts": {"TxInfAndSts": {"TxSts": "ACTC"}},
            }
        },
        separators=(",", ":"),
    )
    chain, key = identities / f"{BANK_A.id}.pem", identities / f"{BANK_A.id}.key"
    return (
        f"U={url}{_SRTP_PATH}; B='{{\"AsynchronousSepaRequestToPayResponse\":{body}}}'\n"
        r"S=$(printf 'POST\n%s\ncontent-type: application/json\n%s' "
        f'"$U" "$B" | openssl dgst -sha256 -sign {key} | openssl base64 -A)\n'
        f"C=$(openssl x509 -in {chain} -outform DER | openssl base64 -A)\n"
        'curl -i "$U" -H \'Content-Type: application/json\' -H "X-SRTP-Signature: $S" \\\n'
        '  -H "X-SRTP-Signature-Certificate: $C" \\\n'
        f'  -H "X-SRTP-Signature-Certificate-Chain: $(openssl base64 -A -in {chain})" -d "$B"'
    )


def _wallet(keys: Path, url: str) -> str:
    state, code = secrets.token_hex(16), secrets.token_hex(8)
    secret = (keys / "wallet-path.key").read_bytes().rstrip(b"\r\n")
    path = mint(secret, endpoint="wallet-local", state=state)
    bound = {"state": state, "code": code}
    announced = {
        "transaction_id": path.transaction_id,
        **bound,
        "interaction": "issuance",
        "templates": [31],
    }
    issued = {**bound, "template_id": 31, "status": "Issued", "completed": True}
    return (
        f"curl -i {url}/expectations/wallet-local -H 'Content-Type: application/json' \\\n"
        f'  -H "X-API-Key: $(cat {keys / "wallet-expectations.key"})" \\\n'
        f"  -d '{json.dumps(announced)}'\n"
        f"curl -i {url}{WALLET_PATH}/{path.segment} -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(issued)}'"
    )
