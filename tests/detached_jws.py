"""Sign a body with a detached JWS, rightly or wrongly, and judge it at noon."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import pytest
from jwt.algorithms import get_default_algorithms

from contracts.errors import Rejected
from tests.certificates import Issued, intermediate, leaf, root, trust
from tests.jose import NOON, b64, x5c
from workers.verifier.certificates import Trust
from workers.verifier.detached_jws import verify_detached_jws

BODY: Final = b'{"Document":{"status":"ACTC"}}'
ROOT: Final = root()
ISSUING: Final = intermediate(ROOT)
BANK: Final = leaf(ISSUING)
RSA_BANK: Final = leaf(ROOT, "Bank R", key_type="rsa")
OTHER: Final = leaf(ROOT, "Bank B")
STRANGER: Final = leaf(root("Other Root"), "Stranger")
CHAINED: Final = trust(ROOT)
PINNED: Final = trust(pinned=[BANK])
TWO_PINNED: Final = trust(pinned=[BANK, OTHER])
CODES: Final = {
    "signature_malformed",
    "signature_mismatch",
    "token_header_forbidden",
    "algorithm_forbidden",
    "certificate_missing",
    "certificate_malformed",
    "certificate_untrusted",
}


def header(**changes: object) -> dict[str, Any]:
    """Return an honest protected header; a member of None is left out."""
    made = {
        "alg": "ES256",
        "b64": False,
        "crit": ["b64"],
        "x5c": x5c(BANK.der, ISSUING.der),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def value(
    protected: dict[str, Any] | str | bytes | None = None,
    *,
    body: bytes = BODY,
    signer: Issued = BANK,
    algorithm: str = "ES256",
) -> bytes:
    """Return a header value with a signature that holds over exactly this protected header."""
    given = protected if isinstance(protected, str | bytes) else json.dumps(protected or header())
    first = b64(given).encode()
    made = get_default_algorithms()[algorithm].sign(first + b"." + body, signer.key)
    return first + b".." + b64(made).encode()


def verified(
    given: bytes,
    *,
    body: bytes = BODY,
    by: Trust = CHAINED,
    algorithms: tuple[str, ...] = ("ES256", "PS256"),
    at: datetime = NOON,
) -> tuple[str, str]:
    certificate, key_id, algorithm = verify_detached_jws(given, body, by, algorithms, at=at)
    assert sha256(Issued(certificate, BANK.key).der).hexdigest() == key_id
    return key_id, algorithm


def code(given: bytes, **settings: Any) -> str:  # noqa: ANN401 - settings of any type
    with pytest.raises(Rejected) as caught:
        verified(given, **settings)
    assert "canary" not in str(caught.value)
    return str(caught.value.code)


HONEST: Final = value()


def thumbprint(one: Issued) -> str:
    return b64(sha256(one.der).digest())


def rejected_or_same(given: bytes, by: Trust = CHAINED) -> None:
    try:
        key_id, _ = verified(given, by=by)
    except Rejected:
        return
    assert key_id in {BANK.fingerprint, OTHER.fingerprint}
