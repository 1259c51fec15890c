"""Keys side by side: which one fits, and when."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from runtime.key_ring import Key, KeyRing

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FORMER = Key("former", b"former-secret-0123456789", None, NOON)
NEXT = Key("next", b"next-secret-0123456789", NOON, None)
ALWAYS = Key("always", b"always-secret-0123456789")
RING = KeyRing((FORMER, NEXT, ALWAYS))


@pytest.mark.parametrize(
    ("key", "moment", "found"),
    [
        (FORMER, NOON - SECOND, "former"),
        (FORMER, NOON, None),
        (NEXT, NOON - SECOND, None),
        (NEXT, NOON, "next"),
        (NEXT, NOON + 9_999_999 * SECOND, "next"),
        (ALWAYS, datetime.min.replace(tzinfo=UTC), "always"),
        (ALWAYS, datetime.max.replace(tzinfo=UTC), "always"),
    ],
)
def test_key_is_taken_in_its_time_alone(key: Key, moment: datetime, found: str | None) -> None:
    assert RING.identify(key.secret, at=moment) == found


@pytest.mark.parametrize(
    "presented",
    [b"", b"\x00", ALWAYS.secret[:-1], ALWAYS.secret + b"0", ALWAYS.secret.upper(), b"\xff" * 24],
)
def test_anything_else_is_no_key(presented: bytes) -> None:
    assert RING.identify(presented, at=NOON) is None


def test_secrets_are_those_valid_at_the_time_in_the_order_of_the_configuration() -> None:
    assert RING.secrets(at=NOON - SECOND) == [
        ("former", FORMER.secret),
        ("always", ALWAYS.secret),
    ]
    assert RING.secrets(at=NOON) == [("next", NEXT.secret), ("always", ALWAYS.secret)]


def test_key_to_begin_with_is_the_valid_one_that_ends_last() -> None:
    later = Key("later", b"later-secret-0123456789", None, NOON + SECOND)
    other = Key("other", b"other-secret-0123456789")

    assert KeyRing((FORMER, later)).lasting(at=NOON - SECOND) == later
    assert KeyRing((FORMER, later, NEXT)).lasting(at=NOON - SECOND) == later
    assert KeyRing((FORMER, later, NEXT)).lasting(at=NOON) == NEXT
    assert KeyRing((later, ALWAYS, other)).lasting(at=NOON) == ALWAYS
    assert KeyRing((FORMER,)).lasting(at=NOON) is None


def test_one_secret_under_two_ids_is_found_under_the_one_that_is_valid() -> None:
    ring = KeyRing((Key("old", ALWAYS.secret, None, NOON), Key("new", ALWAYS.secret, NOON, None)))

    assert ring.identify(ALWAYS.secret, at=NOON - SECOND) == "old"
    assert ring.identify(ALWAYS.secret, at=NOON) == "new"


def test_search_goes_on_after_a_hit() -> None:
    """Of two keys that fit the last is named, so the time taken tells nothing of which it is."""
    ring = KeyRing((Key("one", ALWAYS.secret), NEXT, Key("two", ALWAYS.secret)))

    assert ring.identify(ALWAYS.secret, at=NOON) == "two"


def test_digests_are_compared_and_not_secrets() -> None:
    """Comparing digests hides a secret's length."""
    assert ALWAYS.digest == hashlib.sha256(b"always-secret-0123456789").digest()


def test_a_key_shown_by_accident_hides_its_secret() -> None:
    assert "secret" not in repr(RING).replace("KeyRing", "")
    assert "always" in repr(RING)
