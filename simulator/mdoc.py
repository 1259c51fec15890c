"""Issue and present mdoc credentials (ISO 18013-5): right ones, or with any fault wanted.

A response is a plain structure until `device_response` writes it, so a fault is an edit of it; what
the issuer signs is overridden when it is issued. Own code, apart from the verifier's.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import cbor2
from cbor2 import CBORTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.pki import Identity, Life
from simulator.sign_jws import SigningKey, algorithm_of, encode, sign_input

_EMBEDDED: Final = 24
_X5CHAIN: Final = 33
_ALGORITHMS: Final = {"ES256": -7, "ES384": -35, "ES512": -36, "EdDSA": -8, "PS256": -37}
_HASHES: Final = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512", "SHA-1": "sha1"}


@dataclass(frozen=True, slots=True)
class Request:
    """What an OpenID4VP request has that the holder's signature covers."""

    client_id: str
    nonce: str
    response_uri: str
    thumbprint: bytes | None = None

    @property
    def transcript(self) -> list[Any]:
        """Return the SessionTranscript of the redirect flow (OpenID4VP 1.0, Appendix B.2.6.1)."""
        request = [self.client_id, self.nonce, self.thumbprint, self.response_uri]
        handover = ["OpenID4VPHandover", hashlib.sha256(cbor2.dumps(request)).digest()]
        return [None, None, handover]


@dataclass(frozen=True, slots=True)
class Mdoc:
    """An issued credential: its items by namespace and name as embedded CBOR, and issuerAuth."""

    doc_type: str
    items: Mapping[str, Mapping[str, CBORTag]]
    issuer_auth: list[Any]
    holder: ec.EllipticCurvePrivateKey

    def present(self, request: Request, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return a document with the elements of these names; default: all."""
        spaces = {
            space: [one for name, one in items.items() if names is None or name in names]
            for space, items in self.items.items()
        }
        return {
            "docType": self.doc_type,
            "issuerSigned": {
                "nameSpaces": {space: items for space, items in spaces.items() if items},
                "issuerAuth": list(self.issuer_auth),
            },
            "deviceSigned": self._device_signed(request),
        }

    def _device_signed(self, request: Request) -> dict[str, Any]:
        spaces = embed({})
        about = ["DeviceAuthentication", request.transcript, self.doc_type, spaces]
        protected, _, _, signature = sign1(cbor2.dumps(embed(about)), self.holder)
        auth = {"deviceSignature": [protected, {}, None, signature]}
        return {"nameSpaces": spaces, "deviceAuth": auth}


def issue_mdoc(
    doc_type: str,
    elements: Mapping[str, Mapping[str, Any]],
    signer: Identity,
    *,
    life: Life,
    hash_name: str = "SHA-256",
    security_object: Mapping[str, Any] | None = None,
    headers: Mapping[int, Any] | None = None,
) -> Mdoc:
    """Return a credential with these elements by namespace.

    `security_object` comes over members of what the issuer signs, `headers` over the protected
    headers; None takes one away.
    """
    holder = ec.generate_private_key(ec.SECP256R1())
    items: dict[str, dict[str, CBORTag]] = {}
    digests: dict[str, dict[int, bytes]] = {}
    for space, named in elements.items():
        numbered = list(enumerate(named.items()))
        items[space] = {name: new_item(number, name, one) for number, (name, one) in numbered}
        digests[space] = {
            number: item_digest(items[space][name], hash_name) for number, (name, _) in numbered
        }
    members = {
        "version": "1.0",
        "digestAlgorithm": hash_name,
        "valueDigests": digests,
        "deviceKeyInfo": {"deviceKey": _cose_key(holder)},
        "docType": doc_type,
        "validityInfo": validity(life),
        **(security_object or {}),
    }
    signed = embed({name: one for name, one in members.items() if one is not None})
    chain = [one.public_bytes(Encoding.DER) for one in signer.chain]
    unprotected = {_X5CHAIN: chain[0] if len(chain) == 1 else chain}
    auth = sign1(cbor2.dumps(signed), signer.key, headers=headers, unprotected=unprotected)
    return Mdoc(doc_type, items, auth, holder)


def device_response(documents: Sequence[Any], /, **members: Any) -> str:  # noqa: ANN401 - any CBOR
    """Return the base64url DeviceResponse of these documents; `members` come over its own."""
    response = {"version": "1.0", "documents": list(documents), "status": 0, **members}
    return encode(cbor2.dumps({name: one for name, one in response.items() if one is not None}))


def new_item(
    number: int,
    name: str,
    value: object,
    **members: Any,  # noqa: ANN401 - any CBOR
) -> CBORTag:
    """Return an IssuerSignedItem as embedded CBOR; `members` come over its own."""
    item = {
        "digestID": number,
        "random": secrets.token_bytes(32),
        "elementIdentifier": name,
        "elementValue": value,
        **members,
    }
    return embed({name: one for name, one in item.items() if one is not None})


def item_digest(item: CBORTag, hash_name: str = "SHA-256") -> bytes:
    """Return the digest that the issuer signs for an item."""
    return hashlib.new(_HASHES[hash_name], cbor2.dumps(item)).digest()


def embed(value: object) -> CBORTag:
    """Return #6.24(bstr .cbor value)."""
    return CBORTag(_EMBEDDED, cbor2.dumps(value))


def validity(life: Life, *, signed: datetime | None = None) -> dict[str, Any]:
    """Return the validityInfo of a credential with this life, signed when it begins or else."""
    return {
        "signed": tdate(signed or life.begins),
        "validFrom": tdate(life.begins),
        "validUntil": tdate(life.ends),
    }


def tdate(moment: datetime) -> CBORTag:
    """Return a date and time without fractions of a second."""
    whole = moment.astimezone(UTC) - timedelta(microseconds=moment.microsecond)
    return CBORTag(0, whole.replace(tzinfo=None).isoformat() + "Z")


def sign1(
    payload: bytes,
    key: SigningKey,
    *,
    headers: Mapping[int, Any] | None = None,
    unprotected: Mapping[int, Any] | None = None,
) -> list[Any]:
    """Return a COSE_Sign1 (RFC 9052 §4.2) whose protected headers have alg, unless overridden."""
    algorithm = algorithm_of(key)
    members = {1: _ALGORITHMS[algorithm], **(headers or {})}
    protected = cbor2.dumps({label: one for label, one in members.items() if one is not None})
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    return [protected, dict(unprotected or {}), payload, sign_input(key, algorithm, signed)]


def _cose_key(key: ec.EllipticCurvePrivateKey) -> dict[int, Any]:
    """Return the public key as a COSE_Key (RFC 9053 §7.1)."""
    numbers = key.public_key().public_numbers()
    return {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
