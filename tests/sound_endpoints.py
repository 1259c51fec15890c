"""Two endpoints with every kind of file that signatures need, to be broken one by one."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from ops.configuration.check import Checked, check
from ops.configuration.signatures import SCHEMA_NAMES
from runtime.configuration import Configuration
from tests.certificates import intermediate, leaf, revocation_list, root
from tests.jose import jwk_members, jwks
from tests.updates import NOON

ROOT: Final = root()
ISSUING_CA: Final = intermediate(ROOT)
BANK: Final = leaf(ISSUING_CA)
DAY: Final = timedelta(days=1)
SCHEMA: Final = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'
BANK_A: Final = {
    "id": "bank-a",
    "bics": ["UNCRITMM"],
    "organization_identifiers": ["PSDIT-BI-12345"],
}
EDGE: Final = {"seen_by": "edge", "header": "x-certificate", "edges": ["10.0.0.0/8"]}


def write_sound_files(folder: Path) -> Path:
    """Write what the two endpoints name, all of it sound; return the folder."""
    (folder / "a.key").write_text("a-key-of-the-unit-tests-01")
    (folder / "root.pem").write_bytes(ROOT.pem)
    (folder / "issuing.pem").write_bytes(ISSUING_CA.pem)
    (folder / "bank.pem").write_bytes(BANK.pem)
    (folder / "jwks.json").write_bytes(jwks(jwk_members("ES256")))
    write_list(folder, next_update=NOON + DAY)
    (folder / "xsd").mkdir()
    for name in SCHEMA_NAMES:
        (folder / "xsd" / f"{name}.xsd").write_text(SCHEMA)
    return folder


def write_list(folder: Path, **settings: Any) -> None:  # noqa: ANN401 - settings of any type
    crl = revocation_list(ISSUING_CA, **settings)
    (folder / "issuing.crl").write_bytes(crl.public_bytes(Encoding.DER))


def srtp(folder: Path, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - settings of any type
    """Return an endpoint with every kind of file."""
    return {
        "name": "srtp",
        "provider": "srtp",
        "path": "/send",
        "detached_signature": {},
        "xmldsig": {"required": False},
        "client_certificate": EDGE,
        "certificates": {
            "root_files": [folder / "root.pem"],
            "intermediate_files": [folder / "issuing.pem"],
            "crl_files": [folder / "issuing.crl"],
        },
        "service_providers": [BANK_A],
        "schema_directory": folder / "xsd",
        **settings,
    }


def wallet(folder: Path, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - settings of any type
    keys = {"keys": [{"id": "a", "file": folder / "a.key"}]}
    return {
        "name": "wallet",
        "provider": "wallet",
        "path": "/wallet",
        "path_token": keys,
        "expectations": keys,
        "early_seconds": 60,
        "tokens": {
            "issuers": [
                {"issuer": "filed", "jwks_file": folder / "jwks.json"},
                {
                    "issuer": "served",
                    "jwks_uri": "https://192.168.0.1/k",
                    "allow_private_addresses": True,
                },
            ],
            "presentations": {
                "policy": "required",
                "issuer_root_files": [folder / "root.pem"],
                "credential_types": ["urn:eudi:pid:1"],
            },
        },
        **settings,
    }


def checked(*endpoints: dict[str, Any], **settings: Any) -> Checked:  # noqa: ANN401 - any setting
    given = Configuration.model_validate({"endpoints": endpoints, **settings})
    return check(given, now=NOON)
