"""Write what a local Esito needs into one directory: new secrets, a test PKI, esito.yaml.

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

from ops.local.installation_text import (
    CONFIGURATION,
    PIVOT_PATH,
    SAMPLE_PDF,
    SEND_PATH,
    UAEPASS_PATH,
    WALLET_PATH,
    srtp_endpoints,
)
from ops.local.pki_configuration import pki_configuration
from runtime.mac import Encoding, Hash, MacInput, MacProfile, Part, TimestampFormat, write_mac
from simulator.pki_files import PUBLIC_BODY, make_pki, now_utc, read_identity, write_pki
from simulator.send.pdf import pdf, signed_pdf
from simulator.wallet.files import write_wallet_keys

_SECRETS: Final = (
    "pivot.key",
    "pivot-expectations.key",
    "uaepass.key",
    "uaepass-hmac.key",
    "wallet-path.key",
    "wallet-expectations.key",
    "send-delivery.key",
    "send-provincia.key",
    "send-regione.key",
    "send-slots.key",
    "send-iun.key",
    "consumer.key",
)
_OWN_MODE: Final = 0o600
_SHARED_MODE: Final = 0o444
# The simulator plays UAE PASS, so this recipe is our own; a real one comes from a captured request.
_PROFILE: Final = MacProfile(
    Hash.SHA256,
    (Part.TIMESTAMP, Part.BODY),
    ".",
    Encoding.HEX,
    TimestampFormat.EPOCH_SECONDS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a local installation listens; workers take the management ports after the ingress's."""

    kafka: str = "127.0.0.1:9092"
    ingress_port: int = 8080
    intake_port: int = 8081
    streams_port: int = 8082
    # Thirteen in a row, and none of them Kafka's 9092.
    management_port: int = 9190
    jwks_port: int = 9180
    topic_prefix: str = ""


def write_installation(directory: Path, addresses: Addresses) -> Path:
    """Write what is missing in `directory`; return the path of its configuration."""
    write_secrets(directory / "keys", parties=directory)
    _write_once(directory / SAMPLE_PDF, lambda: _sample(directory / "pki"))
    configuration = directory / "esito.yaml"
    _write_once(
        configuration,
        lambda: CONFIGURATION.format(
            kafka=addresses.kafka,
            topic_prefix=addresses.topic_prefix,
            directory=directory,
            ingress_port=addresses.ingress_port,
            intake_port=addresses.intake_port,
            streams_port=addresses.streams_port,
            management_port=addresses.management_port,
            jwks_port=addresses.jwks_port,
            pivot_path=PIVOT_PATH,
            uaepass_path=UAEPASS_PATH,
            wallet_path=WALLET_PATH,
            send_path=SEND_PATH,
            srtp=srtp_endpoints(pki_configuration(Path("pki/trust"), spaces=4)),
        ),
    )
    return configuration


def write_secrets(keys: Path, *, parties: Path) -> None:
    """Write what is missing: our secrets in `keys`; in `parties`, the keys of those who are played.

    Raises:
        Broken: a directory cannot be written to.
    """
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _SECRETS:
        _write_once(keys / name, _secret)
    _write_once(keys / "uaepass-golden.json", _golden_vector)
    if not (parties / "pki").exists():
        write_pki(make_pki(now=now_utc()), parties / "pki")
    if not (parties / "wallet").exists():
        write_wallet_keys(parties / "wallet")


def write_password(file: Path) -> None:
    """Write a new password if there is none, for every user who reaches the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _write_once(file, _secret, mode=_SHARED_MODE)


def _secret() -> str:
    return secrets.token_urlsafe(32) + "\n"


def _sample(pki: Path) -> bytes:
    """Return a document to send by hand, signed by a public body's seal."""
    return signed_pdf(pdf("A notice to try Esito with"), read_identity(pki, PUBLIC_BODY))


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


def _write_once(file: Path, content: Callable[[], str | bytes], *, mode: int = _OWN_MODE) -> None:
    if file.exists():
        return
    given = content()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(given.encode() if isinstance(given, str) else given)
