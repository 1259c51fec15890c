"""A path segment is made for one transaction of one endpoint, and nobody guesses another."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.key_ring import Key, KeyRing
from runtime.path_token import identify, mint, term_digest

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
SECRET: Final = b"a-secret-of-the-unit-tests"
OTHER: Final = b"another-secret-of-the-tests"
RING: Final = KeyRing((Key("old", OTHER), Key("new", SECRET)))
# printf 'esito transaction\nwallet\nabc' | openssl dgst -sha256 -hmac a-secret-of-the-unit-tests
# printf 'esito path\nwallet\n01b8…' and 'esito term\nwallet\n01b8…\n4711' likewise; 32 digits each
TRANSACTION: Final = "01b841da7289b0e9249d204c8afdbe12"
SEAL: Final = "ca93a9549ed7da8d9433da5c35f1e41d"
TERM: Final = "b2db2b22c8b21abef902f8748789148b"
SEGMENT: Final = f"{TRANSACTION}.{SEAL}"


def opened(segment: str, *, endpoint: str = "wallet", ring: KeyRing = RING) -> str | None:
    """Return the id of the key that sealed `segment`."""
    found = identify(segment, ring, endpoint=endpoint, at=NOW)
    assert found is None or found[1] == segment[:32]
    return found[0] if found else None


def test_token_is_what_openssl_computes() -> None:
    token = mint(SECRET, endpoint="wallet", state="abc")

    assert (token.transaction_id, token.segment) == (TRANSACTION, SEGMENT)


def test_term_digest_is_what_openssl_computes() -> None:
    digest = term_digest(SECRET, endpoint="wallet", transaction_id=TRANSACTION, text="4711")

    assert digest == TERM


def test_segment_is_not_shown() -> None:
    assert SEAL not in repr(mint(SECRET, endpoint="wallet", state="abc"))


@pytest.mark.parametrize(("secret", "key_id"), [(SECRET, "new"), (OTHER, "old")])
def test_segment_is_opened_by_the_key_that_sealed_it(secret: bytes, key_id: str) -> None:
    assert opened(mint(secret, endpoint="wallet", state="abc").segment) == key_id


def test_segment_of_another_endpoint_is_not_opened() -> None:
    assert opened(SEGMENT, endpoint="wallet-2") is None


def test_segment_of_a_key_that_has_ended_is_not_opened() -> None:
    ended = KeyRing((Key("new", SECRET, None, NOW),))
    ending = KeyRing((Key("new", SECRET, None, NOW + timedelta(microseconds=1)),))

    assert (opened(SEGMENT, ring=ended), opened(SEGMENT, ring=ending)) == (None, "new")


@pytest.mark.parametrize(
    "segment",
    [
        "",
        TRANSACTION,
        SEAL,
        f"{TRANSACTION}.",
        f".{SEAL}",
        f"{SEAL}.{TRANSACTION}",
        f"{SEGMENT}\n",
        f" {SEGMENT}",
        f"{SEGMENT}.{SEAL}",
        SEGMENT.upper(),
        SEGMENT.replace(".", "%2e"),
        SEGMENT[:-1],
        SEGMENT + "0",
        "٣" * 32 + "." + SEAL,
        "\udcff" * 65,
    ],
)
def test_segment_of_another_shape_is_not_opened(segment: str) -> None:
    assert identify(segment, RING, endpoint="wallet", at=NOW) is None


@given(place=st.integers(0, 64), digit=st.sampled_from("0123456789abcdef."))
def test_segment_with_one_other_character_is_not_opened(place: int, digit: str) -> None:
    changed = SEGMENT[:place] + digit + SEGMENT[place + 1 :]

    assert (opened(changed) is None) == (changed != SEGMENT)


@given(state=st.text(st.characters(), max_size=20))
def test_every_state_has_a_segment_of_its_own(state: str) -> None:
    token = mint(SECRET, endpoint="wallet", state=state)

    assert opened(token.segment) == "new"
    assert (token.transaction_id == TRANSACTION) == (state == "abc")


def test_half_a_character_in_a_state_is_no_failure() -> None:
    """JSON can escape one, and the state is read before anything is proven."""
    token = mint(SECRET, endpoint="wallet", state="\ud800")

    assert opened(token.segment) == "new"
