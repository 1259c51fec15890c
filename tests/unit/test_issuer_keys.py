"""How long a key is waited for: never lost while it may come, never for ever."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Rejected, Unavailable
from tests.jose import NOON, issuer, jwk
from workers.verifier.issuer_keys import WAITED_FOR_MAX, IssuerKeys
from workers.verifier.jwk import Jwk

OLD, NEW, RSA = jwk("ES256"), jwk("ES256", 2), jwk("RS256")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Asking:
    """The keys of one issuer: patience of 30 s, and a set that may be 1,000 s old."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - settings of any type
        bounds = {"unknown_key_seconds": 30, "stale_seconds_max": 1_000}
        self.keys = IssuerKeys(issuer(**{**bounds, **settings}))

    def read(self, seconds: float, *keys: Jwk) -> bool:
        changed = self.keys.take(keys, read_at=at(seconds))
        self.keys.tried(began=at(seconds))
        return changed

    def failed(self, seconds: float) -> None:
        self.keys.tried(began=at(seconds))

    def said(
        self, kid: str | None = "ES256-2", alg: str = "ES256", *, received: float = 0, now: float
    ) -> str:
        try:
            found = self.keys.key(kid, alg, received_at=at(received), now=at(now))
        except Unavailable:
            return "wait"
        except Rejected as error:
            return str(error.code)
        return str(found.kid or found.thumbprint)


def test_nothing_is_known_before_the_first_reading() -> None:
    asking = Asking()

    assert asking.said("ES256-1", now=10**6) == "wait"
    asking.failed(5)
    assert asking.said("ES256-1", now=10**6) == "wait"


def test_known_kid_is_answered_at_once() -> None:
    asking = Asking()
    asking.read(0, OLD, NEW, RSA)

    assert asking.said("ES256-2", now=1) == "ES256-2"
    assert asking.said("RS256-1", "RS256", received=-(10**6), now=1) == "RS256-1"
    assert len(asking.keys) == 3


def test_kid_is_compared_exactly() -> None:
    asking = Asking()
    asking.read(100, OLD)

    for kid in ("es256-1", "ES256-1 ", "", "../ES256-1", "' OR 1=1 --"):
        assert asking.said(kid, now=101) == "token_key_unknown"


def test_old_set_is_used_until_it_is_too_old() -> None:
    asking = Asking()
    asking.read(0, OLD)
    asking.failed(500)

    assert asking.said("ES256-1", received=1_000, now=1_000) == "ES256-1"
    assert asking.said("ES256-1", received=1_000, now=1_001) == "wait"


def test_file_is_never_too_old() -> None:
    asking = Asking(jwks_uri=None, jwks_file="keys.json")
    asking.read(0, OLD)

    assert asking.said("ES256-1", received=10**6, now=10**6) == "ES256-1"


def test_set_read_after_the_callback_waited_has_the_last_word() -> None:
    asking = Asking()
    asking.read(29.9, OLD)

    assert asking.said(now=29.9) == "wait"
    asking.read(30, OLD)
    assert asking.said(now=30) == "token_key_unknown"


def test_key_that_comes_in_time_is_found() -> None:
    asking = Asking()
    asking.read(0, OLD)

    assert asking.said(received=1, now=1) == "wait"
    assert asking.read(11, OLD, NEW)
    assert asking.said(received=1, now=11) == "ES256-2"
    assert not asking.read(21, NEW, OLD)


def test_key_that_is_taken_away_is_unknown() -> None:
    asking = Asking()
    asking.read(0, OLD, NEW)
    asking.read(100, OLD)

    assert asking.said(received=10, now=100) == "token_key_unknown"


def test_unknown_kid_waits_so_long_while_the_server_is_away_and_no_longer() -> None:
    asking = Asking()
    asking.read(0, OLD)
    assert asking.said(received=100, now=101) == "wait"

    asking.failed(120)
    assert asking.said(received=100, now=125) == "wait"
    asking.failed(130.9)
    assert asking.said(received=100, now=140) == "wait"
    asking.failed(131)
    assert asking.said(received=100, now=140) == "token_key_unknown"


def test_time_alone_gives_no_kid_up() -> None:
    """A worker that was stopped for an hour must ask the server before it rejects."""
    asking = Asking()
    asking.read(0, OLD)
    assert asking.said(received=100, now=101) == "wait"

    assert asking.said(received=100, now=900) == "wait"
    asking.read(900, OLD, NEW)
    assert asking.said(received=100, now=900) == "ES256-2"


def test_old_callback_of_a_backlog_waits_for_the_server_that_is_away() -> None:
    asking = Asking()
    asking.read(0, OLD)
    asking.failed(500)

    assert asking.said(received=10, now=500) == "wait"


def test_kid_that_was_given_up_waits_for_one_more_reading_only() -> None:
    asking = Asking()
    asking.read(0, OLD)
    asking.said(received=1, now=1)
    asking.read(31, OLD)
    assert asking.said(received=1, now=31) == "token_key_unknown"

    assert asking.said(received=40, now=40) == "wait"
    asking.read(41, OLD)
    assert asking.said(received=40, now=41) == "token_key_unknown"


def test_kid_that_was_given_up_is_found_when_it_comes_at_last() -> None:
    asking = Asking()
    asking.read(0, OLD)
    asking.said(received=1, now=1)
    asking.read(31, OLD)

    assert asking.said(received=40, now=40) == "wait"
    asking.read(41, NEW)
    assert asking.said(received=40, now=41) == "ES256-2"


def test_kid_that_was_given_up_is_new_again_later() -> None:
    asking = Asking()
    asking.read(0, OLD)
    asking.said(received=1, now=1)
    asking.read(700, OLD)

    assert asking.said(received=710, now=710) == "wait"
    asking.read(715, OLD)
    assert asking.said(received=710, now=716) == "wait"


def test_made_up_kids_wait_for_one_reading_only() -> None:
    asking = Asking()
    asking.read(0, OLD)
    for number in range(WAITED_FOR_MAX):
        assert asking.said(f"made-up-{number}", received=1, now=1) == "wait"

    assert asking.said("one-more", received=2, now=2) == "wait"
    asking.read(3, OLD)
    assert asking.said("one-more", received=2, now=3) == "token_key_unknown"
    assert asking.said("made-up-0", received=1, now=3) == "wait"
    assert len(asking.keys._asked) == WAITED_FOR_MAX  # noqa: SLF001 - the bound is the point


def test_last_day_of_all_days_is_a_time_of_receipt() -> None:
    asking = Asking()
    asking.read(0, OLD)
    last = datetime.max.replace(tzinfo=NOON.tzinfo)

    with pytest.raises(Unavailable):
        asking.keys.key("x", "ES256", received_at=last, now=NOON)


def test_patience_longer_than_a_kid_stays_given_up_has_an_end() -> None:
    asking = Asking(unknown_key_seconds=900, stale_seconds_max=10**6)
    asking.read(0, OLD)
    said = []

    for seconds in range(1, 1_000, 10):
        said.append(asking.said(received=0, now=seconds))
        asking.failed(seconds + 5)

    assert said.count("wait") == 91
    assert said[91:] == ["token_key_unknown"] * 9


def test_kid_is_given_up_by_readings_that_are_far_apart() -> None:
    asking = Asking(refresh_seconds_min=900, refresh_seconds=900, stale_seconds_max=10**6)
    asking.read(0, OLD)

    assert asking.said(received=0, now=1) == "wait"
    asking.failed(900)
    assert asking.said(received=0, now=900) == "token_key_unknown"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["read", "failed", "ask"]), st.integers(1, 40), st.integers(0, 60)
        ),
        max_size=60,
    )
)
def test_kid_that_never_comes_is_answered_in_bounded_time(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever happens: one good or failed reading after the patience, and the wait is over."""
    asking = Asking(stale_seconds_max=10**6)
    asking.read(0, OLD)
    now = 0
    for step, pause, ago in steps:
        now += pause
        match step:
            case "read":
                asking.read(now, OLD)
            case "failed":
                asking.failed(now)
            case _:
                asking.said(received=now - ago, now=now)

    received = now
    asking.said(received=received, now=now)
    asking.failed(now + 31)

    assert asking.said(received=received, now=now + 31) == "token_key_unknown"
