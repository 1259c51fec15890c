"""Download links: what opens a file, and what does not."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Broken
from intake.links import LINK_SECONDS, Linked, open_link, seal_link, unverified_endpoint
from runtime.key_ring import Key, KeyRing

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
RING = KeyRing((Key("a", b"a" * 32), Key("b", b"b" * 32)))
LINKED = Linked("send-it", "send-it/comune/20261105/x.pdf", "application/pdf", "one.pdf")


def test_sealed_link_opens_its_file_until_its_time_is_over() -> None:
    token = seal_link(LINKED, RING, at=NOW)
    end = NOW + timedelta(seconds=LINK_SECONDS)

    assert unverified_endpoint(token) == "send-it"
    assert open_link(token, RING, at=NOW) == LINKED
    assert open_link(token, RING, at=end - timedelta(seconds=1)) == LINKED
    assert open_link(token, RING, at=end) is None


def test_link_of_an_older_key_still_opens_and_one_of_no_key_does_not() -> None:
    token = seal_link(LINKED, KeyRing(RING.keys[1:]), at=NOW)

    assert open_link(token, RING, at=NOW) == LINKED
    assert open_link(token, KeyRing(RING.keys[:1]), at=NOW) is None


@given(at=st.integers(0, 200), other=st.sampled_from("AZaz09-_"))
def test_changed_link_opens_nothing_else(at: int, other: str) -> None:
    token = seal_link(LINKED, RING, at=NOW)
    at %= len(token)

    found = open_link(token[:at] + other + token[at + 1 :], RING, at=NOW)

    assert found in {None, LINKED}  # the last letter of base64 has bits that mean nothing
    assert found is None or at == len(token) - 1 or token[at] == other


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,80}", fullmatch=True))
def test_any_text_opens_nothing(token: str) -> None:
    assert open_link(token, RING, at=NOW) is None
    assert unverified_endpoint(token) is None or isinstance(unverified_endpoint(token), str)


def test_without_a_valid_key_no_link_is_made() -> None:
    ring = KeyRing((Key("a", b"a" * 32, not_after=NOW),))

    with pytest.raises(Broken, match="slot_keys"):
        seal_link(LINKED, ring, at=NOW)


def test_text_nested_too_deep_names_no_endpoint() -> None:
    token = urlsafe_b64encode(b"\0" * 16 + b"[" * 3_000).decode()

    assert unverified_endpoint(token) is None
