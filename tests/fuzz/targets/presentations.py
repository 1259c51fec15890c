"""Target what reads credential presentations: SD-JWT, and mdoc with its CBOR and COSE."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import cbor2
from cbor2 import CBORTag

from simulator.mdoc import item_digest, tdate
from tests.fuzz.keys import (
    BANK,
    BANK_NUMBER,
    HOLDER_NUMBER,
    ISSUER_URI,
    public_jwk,
    sign_es256,
    trust,
)
from tests.fuzz.target import Forged, Target, rejections
from tests.fuzz.targets.documents import JSON_TOKENS
from tests.fuzz.targets.signatures import JOSE_TOKENS, encoded
from tests.fuzz.targets.vectors import NOON
from workers.verifier.cbor import plain, read_cbor
from workers.verifier.cose import verify_sign1
from workers.verifier.mdoc import DOCUMENT_SIGNER
from workers.verifier.presentation_policy import PresentationPolicy
from workers.verifier.presentations import verify_presentations

SD_TOKENS: Final = (
    *(
        b"~",
        b'"_sd":["',
        b'"_sd_alg":"sha-512"',
        b'{"...":"',
        b'"cnf":{"jwk":',
        b'"vct":"',
        b'"iss":',
    ),
    *(b'["salt","', b'["salt"]', b'"sd_hash":"', b'"nonce":"', b'"status":'),
)
CBOR_TOKENS: Final = (
    *(b"\xd8\x18", b"\x9f", b"\xff", b"\xbf", b"\x5f", b"\xf9\x7e\x00", b"\xc0", b"\xc2\x41\x01"),
    *(
        b"\xd9\xd9\xf7",
        b"\xd8\x1c\xd8\x1d\x00",
        b"\xfb",
        b"\xa1\x01",
        b"\x61\xff",
        b"\x1b",
        b"\x3b",
    ),
    *(b"gversion", b"fstatus", b"idocuments", b"jnameSpaces", b"jissuerAuth", b"hdigestID"),
)
_TYPE: Final = "urn:eudi:pid:1"
_DOCUMENT: Final = "org.iso.18013.5.1.mDL"
_SPACE: Final = "org.iso.18013.5.1"
_DAY: Final = 86_400
# What the seeds disclose, written by hand.
GENUINE_NAMES: Final = frozenset(
    {"address/country", "address/locality", "age_over_18", "given_name", "nationalities/*"}
)


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    return (
        Target(
            "sd-jwt",
            "an SD-JWT as text; an accepted one must show what its issuer signed",
            _sd_jwts,
            _verify_sd_jwt,
            SD_TOKENS,
        ),
        Target(
            "sd-jwt-signed",
            "any claims, disclosures and key binding, each signed by its trusted key",
            _sd_jwt_parts,
            _verify_signed_sd_jwt,
            (*JSON_TOKENS, *SD_TOKENS, *JOSE_TOKENS),
        ),
        Target("mdoc", "a DeviceResponse (mdoc, cose, cbor)", _mdocs, _verify_mdoc, CBOR_TOKENS),
        Target(
            "mdoc-signed",
            "any security object and items, signed by a trusted document signer",
            _mdoc_parts,
            _verify_signed_mdoc,
            CBOR_TOKENS,
        ),
        Target("cbor", "CBOR, and as a COSE_Sign1 (cbor, cose)", _items, _read_cbor, CBOR_TOKENS),
    )


@cache
def _policy(binding: str) -> PresentationPolicy:
    return PresentationPolicy(
        policy="required",
        trust=trust(),
        credential_types=frozenset({_TYPE, _DOCUMENT}),
        holder_binding="verified" if binding == "verified" else "gateway_attested",
        audience="esito",
        nonce_claim="nonce",
    )


def _verify(text: str) -> list[Any]:
    """Return what each policy makes of a presentation; nothing where all reject it."""
    found: list[Any] = []
    for binding in ("verified", "gateway_attested"):
        with rejections():
            claims = {"vp_token": {"pid": [text]}, "nonce": "n-1"}
            found += verify_presentations(
                claims,
                _policy(binding),
                at=NOON,
                digest=lambda said: hashlib.sha256(said).hexdigest(),
            )
    return found


def _sd_jwts() -> Iterator[bytes]:
    return (_sd_jwt(parts).encode() for parts in _sd_jwt_parts())


def _verify_sd_jwt(data: bytes) -> None:
    for shown in _verify(data.decode("utf-8", "replace")):
        if shown.issuer != ISSUER_URI or not GENUINE_NAMES.issuperset(shown.claim_names):
            raise Forged("claims that no issuer signed")


def _sd_jwt_parts() -> Iterator[bytes]:
    """Yield the issuer's payload, the disclosures and the claims of the key binding, one a line."""
    bound = {"iat": int(NOON.timestamp()), "aud": "esito", "nonce": "n-1", "sd_hash": "SDHASH"}
    usual = {
        "iss": ISSUER_URI,
        "vct": _TYPE,
        "iat": int(NOON.timestamp()) - 60,
        "exp": int(NOON.timestamp()) + _DAY,
        "cnf": {"jwk": public_jwk(HOLDER_NUMBER)},
    }
    name, city = ["salt-1", "given_name", "Ada"], ["salt-2", "locality", "Roma"]
    address = ["salt-3", "address", {"_sd": [_digest(city)], "country": "IT"}]
    nation = ["salt-4", "IT"]
    yield _lines(usual)
    yield _lines({**usual, "age_over_18": True}, bound)
    yield _lines({**usual, "_sd": [_digest(name)]}, name, bound)
    yield _lines({**usual, "_sd_alg": "sha-256", "_sd": [_digest(address)]}, address, city, bound)
    yield _lines({**usual, "nationalities": [{"...": _digest(nation)}, "FR"]}, nation)
    yield _lines({**usual, "iss": "https://another.example.org"}, bound)
    yield _lines({**usual, "exp": 1, "nbf": 2}, name)


def _lines(*parts: object) -> bytes:
    return b"\n".join(_json(part) for part in parts)


def _json(part: object) -> bytes:
    return json.dumps(part, separators=(",", ":")).encode()


def _digest(disclosure: object) -> str:
    return encoded(hashlib.sha256(encoded(_json(disclosure))).digest()).decode()


def _verify_signed_sd_jwt(data: bytes) -> None:
    _verify(_sd_jwt(data))


def _sd_jwt(data: bytes) -> str:
    """Return the presentation of these lines; a last line with an object is the key binding's."""
    payload, *lines = data.split(b"\n")
    bound = lines.pop() if lines and lines[-1].startswith(b"{") else None
    chain = [b64encode(BANK.der).decode()]
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "x5c": chain}
    parts = [_compact(header, payload, BANK_NUMBER), *(encoded(line) for line in lines)]
    covered = b"~".join(parts) + b"~"
    if bound is None:
        return covered.decode()
    digest = encoded(hashlib.sha256(covered).digest())
    claims = bound.replace(b"SDHASH", digest)
    binding = _compact({"alg": "ES256", "typ": "kb+jwt"}, claims, HOLDER_NUMBER)
    return (covered + binding).decode()


def _compact(header: object, payload: bytes, signer: int) -> bytes:
    signing_input = encoded(_json(header)) + b"." + encoded(payload)
    return signing_input + b"." + encoded(sign_es256(signer, signing_input))


def _mdocs() -> Iterator[bytes]:
    return (_response(parts) for parts in _mdoc_parts())


def _verify_mdoc(data: bytes) -> None:
    for shown in _verify(encoded(data).decode()):
        if shown.format != "mso_mdoc" or set(shown.claim_names) - _MDOC_NAMES:
            raise Forged("elements that no issuer signed")


_ELEMENTS: Final = {
    "family_name": "Rossi",
    "birth_date": CBORTag(1004, "1990-01-01"),
    "portrait": bytes(20),
    "driving_privileges": [{"code": "B", "since": CBORTag(0, "2010-01-01T00:00:00Z")}],
    "height": 1.75,
}
_MDOC_NAMES: Final = frozenset(f"{_SPACE}/{name}" for name in _ELEMENTS)


def _mdoc_parts() -> Iterator[bytes]:
    """Yield the security object and the items: a field in hexadecimal, and the body."""
    items = [
        CBORTag(
            24,
            cbor2.dumps(
                {
                    "digestID": number,
                    "random": bytes(16),
                    "elementIdentifier": name,
                    "elementValue": value,
                }
            ),
        )
        for number, (name, value) in enumerate(_ELEMENTS.items())
    ]
    day = tdate(NOON)
    mso = {
        "version": "1.0",
        "digestAlgorithm": "SHA-256",
        "valueDigests": {_SPACE: {number: item_digest(one) for number, one in enumerate(items)}},
        "deviceKeyInfo": {"deviceKey": {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}},
        "docType": _DOCUMENT,
        "validityInfo": {"signed": day, "validFrom": day, "validUntil": day},
    }
    for shown in (items, items[:1], [], [*items, items[0]]):
        yield _mdoc_input(cbor2.dumps(mso), cbor2.dumps({_SPACE: shown}))
    yield _mdoc_input(cbor2.dumps({**mso, "docType": "another"}), cbor2.dumps({}))
    yield _mdoc_input(
        cbor2.dumps({**mso, "digestAlgorithm": "SHA-512"}), cbor2.dumps({_SPACE: items})
    )


def _mdoc_input(mso: bytes, spaces: bytes) -> bytes:
    return len(mso).to_bytes(2, "big") + mso + spaces


def _verify_signed_mdoc(data: bytes) -> None:
    _verify(encoded(_response(data)).decode())


def _response(data: bytes) -> bytes:
    """Return the DeviceResponse with the security object and the items that an input has."""
    length = int.from_bytes(data[:2], "big")
    mso, spaces = data[2 : 2 + length], data[2 + length :]
    payload = cbor2.dumps(CBORTag(24, mso))
    protected = cbor2.dumps({1: -7})
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    auth = [protected, {33: BANK.der}, payload, sign_es256(BANK_NUMBER, signed)]
    device = {
        "nameSpaces": CBORTag(24, b"\xa0"),
        "deviceAuth": {"deviceMac": [b"", {}, None, b"m"]},
    }
    marker = b"items of the input"
    response = {
        "version": "1.0",
        "status": 0,
        "documents": [
            {
                "docType": _DOCUMENT,
                "deviceSigned": device,
                "issuerSigned": {"issuerAuth": auth, "nameSpaces": marker},
            }
        ],
    }
    return cbor2.dumps(response).replace(cbor2.dumps(marker), spaces)


def _items() -> Iterator[bytes]:
    for seed in _mdoc_parts():
        yield seed[2 : 2 + int.from_bytes(seed[:2], "big")]
    for value in (*_ELEMENTS.values(), {1: [None, True, -1, 2**70]}, CBORTag(55_799, {"a": b""})):
        yield cbor2.dumps(value)
    yield cbor2.dumps([cbor2.dumps({1: -7}), {33: [BANK.der, BANK.der]}, b"payload", bytes(64)])


def _read_cbor(data: bytes) -> None:
    try:
        value = read_cbor(data)
    except ValueError:
        return  # as it declares
    # What is read can be told as JSON, of which a digest is made.
    json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    verify_sign1(value, trust(), DOCUMENT_SIGNER, at=NOON)
    raise Forged("a COSE_Sign1 of nobody holds")
