"""Slots and version tokens: what a seal binds, and that nothing else opens it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Broken
from runtime.key_ring import Key, KeyRing
from runtime.slots import (
    Slot,
    is_key,
    open_slot,
    open_version,
    seal_slot,
    seal_version,
    secret_fits,
    unverified_endpoint,
)

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
RING = KeyRing((Key("a", b"a" * 32),))
OTHER = KeyRing((Key("b", b"b" * 32),))
SLOT = Slot(
    endpoint="send",
    body="comune-x",
    kind="pdf",
    unique=bytes(range(16)),
    sha256=bytes(range(32)),
    made_at=NOW,
    minutes=60,
)
NAMES = {"endpoint": "send", "body": "comune-x", "key": SLOT.key}
VERSION = seal_version(SLOT, RING, bytes_total=300, uploaded_at=NOW)


def test_key_and_place_of_a_slot_are_as_send_names_them() -> None:
    metadata = replace(SLOT, kind="json")

    assert SLOT.key == "PN_NOTIFICATION_ATTACHMENTS-000102030405060708090a0b0c0d0e0f.pdf"
    assert metadata.key == "PN_F24_META-000102030405060708090a0b0c0d0e0f.json"
    assert SLOT.path == f"send/comune-x/20261121/{SLOT.key}"
    assert re.fullmatch(r"(safestorage://)?[A-Za-z0-9._-]+", SLOT.key)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (SLOT.key, True),
        (replace(SLOT, kind="json").key, True),
        (f"{SLOT.key}\n", False),
        (SLOT.key.upper(), False),
        ("PN_NOTIFICATION_ATTACHMENTS-Lorenza.Verdi.pdf", False),
    ],
)
def test_only_names_that_a_slot_can_have_are_keys(name: str, *, ours: bool) -> None:
    assert is_key(name) is ours


def test_sealed_slot_opens_as_it_was() -> None:
    sealed = seal_slot(SLOT, RING)

    opened = open_slot(sealed.token, RING, endpoint="send", at=NOW)

    assert opened == sealed
    assert unverified_endpoint(sealed.token) == "send"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", sealed.token)


def test_secret_has_the_form_of_sends_and_differs_with_every_slot() -> None:
    secret = seal_slot(SLOT, RING).secret
    another = seal_slot(replace(SLOT, unique=bytes(16)), RING).secret

    assert re.fullmatch(r"\[[A-Za-z0-9_-]{342}\]", secret)
    assert secret != another
    assert secret != seal_slot(SLOT, OTHER).secret
    assert secret not in repr(seal_slot(SLOT, RING))


def test_only_the_whole_secret_fits() -> None:
    sealed = seal_slot(SLOT, RING)
    secret = sealed.secret.encode()

    assert secret_fits(sealed, secret)
    for wrong in (b"", secret[:-1], secret[1:-1], secret + b" ", b"\xff"):
        assert not secret_fits(sealed, wrong)


@pytest.mark.parametrize(("ring", "endpoint"), [(OTHER, "send"), (RING, "other"), (RING, "")])
def test_slot_of_another_key_or_endpoint_opens_nothing(ring: KeyRing, endpoint: str) -> None:
    token = seal_slot(SLOT, RING).token

    assert open_slot(token, ring, endpoint=endpoint, at=NOW) is None


@given(at=st.integers(0, 10_000), character=st.sampled_from("AZaz09-_"))
def test_no_character_of_a_token_can_be_another(at: int, character: str) -> None:
    for token, opens in (
        (seal_slot(SLOT, RING).token, lambda t: open_slot(t, RING, endpoint="send", at=NOW)),
        (VERSION, lambda t: open_version(t, RING, at=NOW, **NAMES)),
    ):
        place = at % len(token)
        changed = token[:place] + character + token[place + 1 :]

        assert (opens(changed) is not None) == (changed == token)


def test_token_is_written_in_one_way() -> None:
    """The last character has bits that mean nothing; padding and the other alphabet do too."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(VERSION[-1]) ^ 1]

    for written in (
        VERSION[:-1] + last,
        VERSION + "=",
        VERSION + "\n",
        VERSION[:9] + "." + VERSION[9:],
    ):
        assert open_version(written, RING, at=NOW, **NAMES) is None


@given(st.one_of(st.text(max_size=300), st.from_regex(r"[A-Za-z0-9_-]{0,300}", fullmatch=True)))
def test_arbitrary_tokens_open_nothing(token: str) -> None:
    assert open_slot(token, RING, endpoint="send", at=NOW) is None
    assert open_version(token, RING, at=NOW, **NAMES) is None
    unverified_endpoint(token)


def test_expiry_is_to_the_minute() -> None:
    assert not SLOT.expired_at(NOW + timedelta(minutes=60, seconds=-1))
    assert SLOT.expired_at(NOW + timedelta(minutes=60))


def test_first_valid_key_seals_and_every_valid_one_opens() -> None:
    over = Key("over", b"o" * 32, not_after=NOW)
    old, new = Key("old", b"1" * 32), Key("new", b"2" * 32)
    before = seal_slot(SLOT, KeyRing((old,)))

    after = seal_slot(SLOT, KeyRing((over, new, old)))

    for token in (before.token, after.token):
        assert open_slot(token, KeyRing((over, new, old)), endpoint="send", at=NOW)
    assert open_slot(after.token, KeyRing((new,)), endpoint="send", at=NOW)
    assert not open_slot(after.token, KeyRing((over,)), endpoint="send", at=NOW)


def test_without_a_valid_key_nothing_is_sealed() -> None:
    with pytest.raises(Broken, match=r"attachments\.slot_keys"):
        seal_slot(SLOT, KeyRing((Key("over", b"o" * 32, not_after=NOW),)))


def test_version_says_what_was_uploaded() -> None:
    version = open_version(VERSION, RING, at=NOW, **NAMES)

    assert version is not None
    assert version.path == SLOT.path
    assert version.sha256 == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert (version.bytes_total, version.uploaded_at) == (300, NOW)
    assert len(VERSION) <= 256
    assert re.fullmatch(r"[A-Za-z0-9._-]+", VERSION)


@pytest.mark.parametrize("name", ["endpoint", "body", "key"])
@pytest.mark.parametrize("value", ["", "other", "comune-x\n", "\udce9"])
def test_version_of_something_else_says_nothing(name: str, value: str) -> None:
    assert open_version(VERSION, RING, at=NOW, **{**NAMES, name: value}) is None


def test_names_cannot_be_moved_into_each_other() -> None:
    moved = {"endpoint": "send", "body": f"comune-x\n{SLOT.key}", "key": ""}

    assert open_version(VERSION, RING, at=NOW, **moved) is None


def test_slot_is_no_version_and_version_is_no_slot() -> None:
    assert open_version(seal_slot(SLOT, RING).token, RING, at=NOW, **NAMES) is None
    assert open_slot(VERSION, RING, endpoint="send", at=NOW) is None


def test_term_is_counted_from_the_upload_to_the_receipt() -> None:
    version = open_version(VERSION, RING, at=NOW, **NAMES)

    assert version is not None
    assert not version.over_at(NOW + timedelta(days=7, seconds=-1), unused_days=7)
    assert version.over_at(NOW + timedelta(days=7), unused_days=7)


def test_longest_names_fit() -> None:
    longest = replace(SLOT, endpoint="e" * 63, body="b" * 63)
    sealed = seal_slot(longest, RING)

    opened = open_slot(sealed.token, RING, endpoint="e" * 63, at=NOW)

    assert opened == sealed
