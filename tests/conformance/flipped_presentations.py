"""Flip bits of accepted presentations, SD-JWT and mdoc, as a `vp_token` holds them.

A presentation may withhold what its issuer signed: that is what the formats are for, and no
signature says how much was presented. So a flipped bit may take claims away (in an mdoc, it can
rename the member that holds them), but not add or change one, nor prove a holder that was not
proven.
"""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.errors import Rejected
from contracts.provider import Presentation
from tests.conformance.tally import Outcome, Tally
from tests.presented.issuers import NOW, Variant
from tests.presented.variants import variants
from workers.verifier.presentations import verify_presentations

_BITS: Final = range(7)  # a text in JSON that is not ASCII is refused before


def accepted_presentations() -> Mapping[str, Variant]:
    """Return every variant that is accepted, by name."""
    return {name: variant for name, variant in variants().items() if variant.code is None}


def flip_presentation(name: str, variant: Variant, *, bytes_max: int | None = None) -> Tally:
    """Flip one bit of so many characters of each presentation; None: all bits of all characters."""
    tally = Tally(name, f"{name.split(maxsplit=1)[0]} in a vp_token", vectors=1)
    original = _presented(variant, variant.vp_token)
    drawing = random.Random(name)  # noqa: S311 - which bits to try, no secret
    for path, text in _texts(variant.vp_token):
        offsets = range(len(text))
        every = bytes_max is None or len(text) <= bytes_max
        for offset in offsets if every else drawing.sample(offsets, bytes_max or 0):
            tally.bytes_flipped += 1
            for bit in _BITS if bytes_max is None else [drawing.randrange(len(_BITS))]:
                other = chr(ord(text[offset]) ^ 1 << bit)
                flipped = text[:offset] + other + text[offset + 1 :]
                outcome = _outcome(variant, _replaced(variant.vp_token, path, flipped), original)
                tally.flips[outcome] += 1
                if outcome is Outcome.CHANGED:
                    tally.wrong.append(f"{path} character {offset} bit {bit}")
    return tally


def _outcome(variant: Variant, vp_token: object, original: tuple[Presentation, ...]) -> Outcome:
    try:
        found = _presented(variant, vp_token)
    except Rejected:
        return Outcome.REJECTED
    if found == original:
        return Outcome.IDENTICAL
    withheld = len(found) <= len(original) and all(
        any(_is_part_of(one, whole) for whole in original) for one in found
    )
    return Outcome.WITHHELD if withheld else Outcome.CHANGED


def _is_part_of(one: Presentation, whole: Presentation) -> bool:
    def origin(of: Presentation) -> tuple[str, ...]:
        return (of.format, of.credential_type, of.issuer, of.holder_binding)

    claims, of_whole = json.loads(one.claims_digest), json.loads(whole.claims_digest)
    return origin(one) == origin(whole) and _is_within(claims, of_whole)


def _is_within(claims: object, whole: object) -> bool:
    if isinstance(claims, dict) and isinstance(whole, dict):
        return all(name in whole and _is_within(one, whole[name]) for name, one in claims.items())
    return claims == whole


def _presented(variant: Variant, vp_token: object) -> tuple[Presentation, ...]:
    """Return what is presented; in place of the digest of its claims the claims themselves."""
    claims = {**variant.claims, "vp_token": vp_token}
    return verify_presentations(claims, variant.policy, at=NOW, digest=bytes.decode)


def _texts(vp_token: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    match vp_token:
        case str():
            yield path, vp_token
        case dict():
            for name, one in vp_token.items():
                yield from _texts(one, (*path, name))
        case list():
            for number, one in enumerate(vp_token):
                yield from _texts(one, (*path, number))


def _replaced(vp_token: Any, path: tuple[Any, ...], text: str) -> object:  # noqa: ANN401 - any JSON
    if not path:
        return text
    first, rest = path[0], path[1:]
    if isinstance(vp_token, dict):
        return {**vp_token, first: _replaced(vp_token[first], rest, text)}
    return [_replaced(one, rest, text) if at == first else one for at, one in enumerate(vp_token)]
