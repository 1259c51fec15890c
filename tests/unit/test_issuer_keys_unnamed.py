"""Tokens that name no key, clocks that are ahead: nothing is lost and nothing waits for ever."""

from collections.abc import Sequence
from functools import partial

import pytest

from contracts.errors import Rejected, Unavailable
from tests.jose import jwk
from tests.unit.test_issuer_keys import NEW, OLD, RSA, Asking, at
from workers.verifier.issuer_keys import WAITED_FOR_MAX, Signer, the_only
from workers.verifier.jwk import Jwk

WITHOUT_KID = jwk("ES256", 3, kid=None)


def test_without_a_kid_the_only_fitting_key_is_taken() -> None:
    asking = Asking()
    asking.read(0, WITHOUT_KID, RSA)

    assert asking.said(None, "ES256", now=1) == WITHOUT_KID.thumbprint
    assert asking.said(None, "PS256", now=1) == "RS256-1"
    assert asking.said(None, "ES384", now=1) == "wait"


def test_without_a_kid_the_signer_is_found_among_those_that_fit() -> None:
    asking = Asking()
    asking.read(0, OLD, RSA, NEW)
    tried: list[Jwk] = []

    def second(keys: Sequence[Jwk]) -> Jwk | None:
        tried.extend(keys)
        return keys[1]

    found = asking.keys.key(None, "ES256", received_at=at(1), now=at(1), signer=second)

    assert (found, tried) == (NEW, [OLD, NEW])


def test_without_a_kid_a_signer_that_is_not_there_is_waited_for() -> None:
    asking = Asking()
    asking.read(0, OLD)

    def signed_by_new(keys: Sequence[Jwk]) -> Jwk | None:
        return NEW if NEW in keys else None

    def said(seconds: float) -> str:
        key = partial(asking.keys.key, None, "ES256", signer=signed_by_new)
        try:
            return str(key(received_at=at(1), now=at(seconds)).kid)
        except Unavailable:
            return "wait"
        except Rejected as error:
            return str(error.code)

    assert said(1) == "wait"
    asking.read(11, OLD, NEW)
    assert said(11) == "ES256-2"
    asking.read(31, OLD)
    assert said(31) == "token_key_unknown"


def test_honest_token_without_a_kid_makes_no_forged_one_wait_longer() -> None:
    asking = Asking()
    asking.read(0, OLD)

    def said(signer: Signer, seconds: float) -> str:
        try:
            key = asking.keys.key(None, "ES256", received_at=at(1), now=at(seconds), signer=signer)
        except (Unavailable, Rejected) as error:
            return type(error).__name__
        return str(key.kid)

    def forged(_: Sequence[Jwk]) -> None:
        return None

    told = []
    for seconds in range(1, 61, 10):
        told.append((said(the_only, seconds), said(forged, seconds)))
        asking.failed(seconds + 5)

    assert told == [("ES256-1", "Unavailable")] * 4 + [("ES256-1", "Rejected")] * 2


def test_key_without_a_kid_answers_to_none() -> None:
    asking = Asking()
    asking.read(100, WITHOUT_KID)

    assert asking.said("", now=100) == "token_key_unknown"
    assert asking.said(WITHOUT_KID.thumbprint, now=100) == "token_key_unknown"


@pytest.mark.parametrize("flood", [0, WAITED_FOR_MAX])
def test_clock_that_is_far_ahead_makes_no_kid_wait_until_it_is_right(flood: int) -> None:
    asking = Asking()
    asking.read(0, OLD)
    for number in range(flood):
        asking.said(f"made-up-{number}", now=1)

    assert asking.said(received=10**8, now=1) == ("token_key_unknown" if flood else "wait")
    asking.failed(31)
    assert asking.said(received=10**8, now=31) == "token_key_unknown"


def test_clock_that_is_a_little_ahead_takes_no_reading_away() -> None:
    asking = Asking()
    asking.read(0, OLD)
    asking.said(received=1, now=1)
    asking.failed(31)

    assert asking.said(received=45, now=40) == "wait"
    asking.read(46, NEW)
    assert asking.said(received=45, now=46) == "ES256-2"
