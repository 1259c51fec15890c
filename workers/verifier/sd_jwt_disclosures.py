"""Put the disclosed claims of an SD-JWT where their digests stand (RFC 9901 §7.1). Pure.

Every digest is used once, every disclosure is used, and nothing is overwritten: otherwise two
readers of one presentation could see different claims in it.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import read_json
from workers.verifier.base64url import decode_base64url

DISCLOSURES_MAX: Final = 500  # a PID has 30; an array of 27 states may have one each
DEPTH_MAX: Final = 32  # as for any JSON body; disclosures within disclosures count
HASHES: Final[Mapping[str, Callable[[bytes], "hashlib._Hash"]]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
_DIGESTS: Final = "_sd"
_ELEMENT: Final = "..."
_ALGORITHM: Final = "_sd_alg"
_IN_OBJECT: Final = 3  # salt, name, value
_IN_ARRAY: Final = 2  # salt, value


def hash_name(payload: Mapping[str, Any]) -> str:
    """Return the name of the digest algorithm of the SD-JWT (RFC 9901 §4.1.1).

    Raises:
        Rejected: `algorithm_forbidden`.
    """
    name = payload.get(_ALGORITHM, "sha-256")
    if not isinstance(name, str) or name not in HASHES:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "_sd_alg: not one that is allowed")
    return name


def digest_of(text: str, algorithm: str) -> str:
    """Return the base64url digest of the text as sent, never of what it decodes to."""
    return urlsafe_b64encode(HASHES[algorithm](text.encode()).digest()).rstrip(b"=").decode()


def disclosed_payload(payload: Mapping[str, Any], disclosures: Sequence[str]) -> dict[str, Any]:
    """Return the issuer's payload with what is disclosed in its place, and without any digest.

    Raises:
        Rejected: `presentation_disclosure_invalid`, or `algorithm_forbidden` for `_sd_alg`.
    """
    if len(disclosures) > DISCLOSURES_MAX:
        raise _invalid(f"more than {DISCLOSURES_MAX}")
    algorithm = hash_name(payload)
    by_digest = {digest_of(text, algorithm): _contents(text) for text in disclosures}
    if len(by_digest) != len(disclosures):
        raise _invalid("one disclosure stands twice")
    unfolding = _Unfolding(by_digest)
    claims = unfolding.unfold_object(payload, 1)
    if unfolding.unused:
        raise _invalid("one is referenced by no digest")
    claims.pop(_ALGORITHM, None)
    return claims


class _Unfolding:
    """The disclosures that wait for their digest, and the digests already met."""

    def __init__(self, by_digest: Mapping[str, list[Any]]) -> None:
        self.unused = dict(by_digest)
        self._met: set[str] = set()

    def unfold_object(self, given: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Return an object with its claims: the plain ones first, then those of `_sd`."""
        if _ELEMENT in given:
            raise _invalid("a claim is named ...")
        claims = {
            name: self.unfold(value, depth) for name, value in given.items() if name != _DIGESTS
        }
        for contents in self._disclosed(given.get(_DIGESTS, [])):
            if len(contents) != _IN_OBJECT or not isinstance(contents[1], str):
                raise _invalid("of an object: salt, name and value")
            _, name, value = contents
            if name in {_DIGESTS, _ELEMENT}:
                raise _invalid("a claim is named _sd or ...")
            if name in claims:
                raise _invalid("a claim of this name is already there")
            claims[name] = self.unfold(value, depth)
        return claims

    def unfold(self, given: Any, depth: int) -> Any:  # noqa: ANN401 - JSON holds any value
        """Return a value with everything disclosed in it."""
        if isinstance(given, dict | list) and depth >= DEPTH_MAX:
            raise _invalid(f"more than {DEPTH_MAX} levels")
        match given:
            case dict():
                return self.unfold_object(given, depth + 1)
            case list():
                return list(self._unfold_items(given, depth + 1))
            case _:
                return given

    def _unfold_items(self, given: list[Any], depth: int) -> Iterator[Any]:
        for item in given:
            if not (isinstance(item, dict) and item.keys() == {_ELEMENT}):
                yield self.unfold(item, depth)
                continue
            for contents in self._disclosed([item[_ELEMENT]]):
                if len(contents) != _IN_ARRAY:
                    raise _invalid("of an array: salt and value")
                yield self.unfold(contents[1], depth)

    def _disclosed(self, digests: object) -> Iterator[list[Any]]:
        """Yield what the digests disclose; one without a disclosure is withheld, or a decoy."""
        if not isinstance(digests, list) or not all(isinstance(one, str) for one in digests):
            raise _invalid("_sd and ...: digests as text")
        for digest in digests:
            if digest in self._met:
                raise _invalid("one digest stands twice")
            self._met.add(digest)
            contents = self.unused.pop(digest, None)
            if contents is not None:
                yield contents


def _contents(text: str) -> list[Any]:
    """Return the JSON array that a disclosure is."""
    try:
        raw = decode_base64url(text.encode())
        # The reader of bodies takes objects. What breaks out of this one adds a member to it.
        wrapped = read_json(b'{"":' + raw + b"}")
    except (ValueError, Rejected):
        raise _invalid("not the base64url of JSON to be read in one way") from None
    contents = wrapped[""]
    if wrapped.keys() != {""} or not isinstance(contents, list):
        raise _invalid("not an array")
    if len(contents) not in {_IN_OBJECT, _IN_ARRAY} or not isinstance(contents[0], str):
        raise _invalid("not a salt, a name and a value, or a salt and a value")
    return contents


def _invalid(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_DISCLOSURE_INVALID, f"disclosures: {rule}")
