"""Verify the documents of an mdoc DeviceResponse as their issuers signed them. Pure.

ISO 18013-5 §9.3.1, for the response of an OpenID4VP request (its Appendix B.2). What the device
signed is never surfaced: it is what the holder says of itself. Its signature is over a transcript
with the response URI and the key of the request, which a gateway does not disclose; so the holder
is never verified here. Not checked: revocation, as no status list is fetched.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import cbor2
from cbor2 import CBORTag
from cryptography import x509

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.base64url import decode_base64url
from workers.verifier.cbor import EMBEDDED, embedded, plain, read_cbor
from workers.verifier.cose import verify_sign1
from workers.verifier.issuer_certificate import subject_of
from workers.verifier.presentation_policy import (
    CLAIM_NAME_CHARACTERS_MAX,
    GATEWAY_ATTESTED,
    PRESENTATION_CHARACTERS_MAX,
    Disclosed,
    PresentationPolicy,
)

FORMAT: Final = "mso_mdoc"
DOCUMENTS_MAX: Final = 10  # OpenID4VP has one per presentation
ITEMS_MAX: Final = 500  # a driving licence has 40 elements, a PID 30
RANDOM_BYTES_MIN: Final = 16  # ISO 18013-5 §9.1.2.5: less can be guessed
# ISO 18013-5 §B.1.4: the key usage of who signs documents.
DOCUMENT_SIGNER: Final = x509.ObjectIdentifier("1.0.18013.5.1.2")
_VERSION: Final = "1.0"
_HASHES: Final[Mapping[str, Callable[[bytes], "hashlib._Hash"]]] = {
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}
_DATE_TAG: Final = 0
# ISO 18013-5 §9.1.2.4: a tdate, in UTC. Fractions of a second are forbidden there, and written.
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z", re.ASCII
)


def verify_mdoc(text: str, policy: PresentationPolicy, *, at: datetime) -> tuple[Disclosed, ...]:
    """Return what each document of the base64url DeviceResponse discloses, if all hold at `at`.

    1. Read the response: one document at least. Of each document:
    2. Verify that a trusted issuer signed its mobile security object.
    3. Check the object: version, docType, life. 4. Compare every disclosed item's digest with it.

    Raises:
        Rejected: `presentation_*`, `algorithm_forbidden`.
    """
    if policy.holder_binding == "verified":
        raise Rejected(
            RejectionCode.PRESENTATION_BINDING_MISSING, "mdoc: its transcript is the gateway's"
        )
    return tuple(_verify_document(one, policy, at=at) for one in _documents(text))


def _documents(text: str) -> list[Any]:
    if len(text) > PRESENTATION_CHARACTERS_MAX:
        raise _malformed(f"more than {PRESENTATION_CHARACTERS_MAX} characters")
    try:
        response = read_cbor(decode_base64url(text.encode("ascii")))
    except ValueError:
        raise _malformed("not the base64url of CBOR to be read in one way") from None
    if not isinstance(response, dict) or response.get("version") != _VERSION:
        raise _malformed(f"not a DeviceResponse of version {_VERSION}")
    status, documents = response.get("status"), response.get("documents")
    # True equals 1 and False 0.
    if isinstance(status, bool) or status != 0:
        raise _malformed("status: not 0")
    if not isinstance(documents, list) or not 0 < len(documents) <= DOCUMENTS_MAX:
        raise _malformed(f"documents: not a list of 1 to {DOCUMENTS_MAX}")
    return documents


def _verify_document(document: object, policy: PresentationPolicy, *, at: datetime) -> Disclosed:
    match document:
        case {"docType": str(kind), "issuerSigned": {"issuerAuth": message, **others}}:
            spaces = others.get("nameSpaces", {})
        case _:
            raise _malformed("a document without docType and issuerSigned")
    _require_device_signature(document)
    # 2.
    payload, signer = verify_sign1(message, policy.trust, DOCUMENT_SIGNER, at=at)
    # 3.
    mso = _security_object(payload)
    if mso.get("docType") != kind:
        raise Rejected(RejectionCode.PRESENTATION_TYPE_WRONG, "docType: not what the issuer signed")
    if kind not in policy.credential_types:
        raise Rejected(RejectionCode.PRESENTATION_TYPE_WRONG, "docType: not one that is taken")
    _check_life(mso, signer, policy, at=at)
    # 4.
    claims = _verified_items(spaces, mso)
    names = frozenset(
        f"{space[:CLAIM_NAME_CHARACTERS_MAX]}/{name}"
        for space, items in claims.items()
        for name in items
    )
    return Disclosed(FORMAT, kind, subject_of(signer), claims, names, GATEWAY_ATTESTED)


def _require_device_signature(document: object) -> None:
    """Refuse a document without the holder's proof: there would be nothing for a gateway to attest.

    It is not verified, for want of its transcript.
    """
    match document:
        case {"deviceSigned": {"deviceAuth": {"deviceSignature": [_, _, _, bytes(proof)]}}}:
            pass
        case {"deviceSigned": {"deviceAuth": {"deviceMac": [_, _, _, bytes(proof)]}}}:
            pass
        case _:
            proof = b""
    if not proof:
        raise Rejected(RejectionCode.PRESENTATION_BINDING_MISSING, "deviceSigned")


def _security_object(payload: bytes) -> dict[str, Any]:
    try:
        mso = read_cbor(embedded(read_cbor(payload)))
    except ValueError:
        raise _malformed("the security object is not CBOR embedded in CBOR") from None
    if not isinstance(mso, dict) or mso.get("version") != _VERSION:
        raise _malformed(f"the security object is not of version {_VERSION}")
    match mso.get("deviceKeyInfo"):
        case {"deviceKey": dict()}:
            return mso
        case _:
            raise _missing("deviceKeyInfo")


def _check_life(
    mso: Mapping[str, Any], signer: x509.Certificate, policy: PresentationPolicy, *, at: datetime
) -> None:
    life = mso.get("validityInfo")
    if not isinstance(life, dict):
        raise _missing("validityInfo")
    signed, begins, ends = (_date(life, name) for name in ("signed", "validFrom", "validUntil"))
    if max(signed, begins) - at > policy.leeway:
        raise Rejected(RejectionCode.PRESENTATION_NOT_YET_VALID, "validityInfo")
    if at - ends > policy.leeway:
        raise Rejected(RejectionCode.PRESENTATION_EXPIRED, "validityInfo")
    # ISO 18013-5 §9.3.1, step 5: not signed outside the life of the certificate.
    if not signer.not_valid_before_utc <= signed <= signer.not_valid_after_utc:
        raise Rejected(
            RejectionCode.PRESENTATION_UNTRUSTED, "signed outside the life of its certificate"
        )


def _date(life: Mapping[str, Any], name: str) -> datetime:
    tagged = life.get(name)
    text = tagged.value if isinstance(tagged, CBORTag) and tagged.tag == _DATE_TAG else None
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise _missing(f"validityInfo.{name}: not a date and time in UTC")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _missing(f"validityInfo.{name}: no such date and time") from None


def _verified_items(spaces: object, mso: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the disclosed elements by namespace and name, each covered by the issuer's digest."""
    algorithm, digests = mso.get("digestAlgorithm"), mso.get("valueDigests")
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise Rejected(
            RejectionCode.ALGORITHM_FORBIDDEN, "digestAlgorithm: not one that is allowed"
        )
    if not isinstance(digests, dict):
        raise _missing("valueDigests")
    if not isinstance(spaces, dict) or not all(isinstance(one, list) for one in spaces.values()):
        raise _malformed("nameSpaces: not lists by name")
    if sum(len(items) for items in spaces.values()) > ITEMS_MAX:
        raise _invalid(f"more than {ITEMS_MAX}")
    claims: dict[str, dict[str, Any]] = {}
    for space, items in spaces.items():
        if not isinstance(space, str) or not isinstance(digests.get(space), dict):
            raise _invalid("a namespace that the issuer did not sign")
        claims[space] = _elements(items, digests[space], _HASHES[algorithm])
    return claims


def _elements(
    items: Sequence[object],
    digests: Mapping[int, object],
    digest: Callable[[bytes], "hashlib._Hash"],
) -> dict[str, Any]:
    elements: dict[str, Any] = {}
    for encoded, item in _items(items):
        expected = digests.get(item["digestID"])
        # ISO 18013-5 §9.1.2.5: over the tagged bytes, not over the item alone.
        actual = digest(cbor2.dumps(CBORTag(EMBEDDED, encoded))).digest()
        if not isinstance(expected, bytes) or not hmac.compare_digest(expected, actual):
            raise _invalid("an item whose digest the issuer did not sign")
        name = item["elementIdentifier"]
        if name in elements:
            raise _invalid("one element stands twice")
        elements[name] = plain(item["elementValue"])
    return elements


def _items(items: Sequence[object]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for tagged in items:
        try:
            encoded = embedded(tagged)
            item = read_cbor(encoded)
        except ValueError:
            raise _invalid("not CBOR embedded in CBOR") from None
        match item:
            case {"digestID": bool()}:
                raise _invalid("digestID: not a number")
            case {
                "digestID": int(),
                "random": bytes(random),
                "elementIdentifier": str(),
                "elementValue": _,
            } if len(random) >= RANDOM_BYTES_MIN:
                yield encoded, item
            case _:
                raise _invalid("an item without id, name, value and enough salt")


def _malformed(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_MALFORMED, f"mdoc: {rule}")


def _missing(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_CLAIM_MISSING, f"mdoc: {rule}")


def _invalid(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_DISCLOSURE_INVALID, f"mdoc: {rule}")
