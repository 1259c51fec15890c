"""A snapshot's bytes: what was written is read again, and the timers stand at a fixed place."""

import pytest

from tests.updates import NOON_MILLISECONDS, said
from workers.state_machine.snapshot import (
    NEVER,
    Snapshot,
    decode_snapshot,
    thirteen_digits,
    timers,
)

FULL = Snapshot(
    alarm=NOON_MILLISECONDS,
    expiry=NOON_MILLISECONDS + 1,
    status="PAID",
    sequence=12,
    facts={"PAID": "ab" * 8, "PAID#cd": "cd" * 8},
    expected=True,
    deadline=NOON_MILLISECONDS + 2,
    overdue=True,
    parked=(said("PAID", amount="5"), said("PROCESSING")),
    parked_until=NOON_MILLISECONDS + 3,
    unsolicited=True,
    terms={"code": "ef" * 16, "template:1": ""},
)


@pytest.mark.parametrize("snapshot", [Snapshot(), FULL, Snapshot(status="x" * 64, sequence=10**9)])
def test_encoded_snapshot_is_decoded_to_the_same(snapshot: Snapshot) -> None:
    assert decode_snapshot(snapshot.encode()) == snapshot


@pytest.mark.parametrize("alarm", [1_000_000_000_000, NOON_MILLISECONDS, NEVER])
@pytest.mark.parametrize("expiry", [1_000_000_000_000, NOON_MILLISECONDS, NEVER])
def test_timers_are_read_without_decoding(alarm: int, expiry: int) -> None:
    snapshot = Snapshot(alarm=alarm, expiry=expiry, status="PAID")

    assert timers(snapshot.encode()) == (alarm, expiry)


def test_bytes_begin_with_the_timers_in_a_form_that_never_changes() -> None:
    """The changelogs out there are read by the next release."""
    start = b'{"alarm":1793620800000,"expiry":1793620800001,"status":"PAID","sequence":12,'

    assert FULL.encode().startswith(start)


def test_changelog_of_the_first_release_is_read_for_ever() -> None:
    """It knows no terms: nothing was ever registered with any."""
    value = (
        b'{"alarm":9999999999999,"expiry":1793620800001,"status":"PAID","sequence":2,'
        b'"facts":{"PROCESSING":"0123456789abcdef","PAID":"fedcba9876543210"},"expected":false,'
        b'"deadline":9999999999999,"overdue":false,"parked":[],"parked_until":9999999999999,'
        b'"unsolicited":false}'
    )

    snapshot = decode_snapshot(value)

    assert snapshot.encode() == value.removesuffix(b"}") + b',"terms":{}}'
    assert snapshot.facts == {"PROCESSING": "0123456789abcdef", "PAID": "fedcba9876543210"}
    assert snapshot.terms == {}


def test_changelog_of_this_release_is_read_for_ever() -> None:
    value = (
        b'{"alarm":1793620860000,"expiry":1793620800001,"status":null,"sequence":0,'
        b'"facts":{},"expected":true,"deadline":1793620860000,"overdue":false,"parked":[],'
        b'"parked_until":9999999999999,"unsolicited":false,'
        b'"terms":{"code":"0123456789abcdef0123456789abcdef","template:1":""}}'
    )

    snapshot = decode_snapshot(value)

    assert snapshot.encode() == value
    assert snapshot.terms == {"code": "0123456789abcdef" * 2, "template:1": ""}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (-62_135_596_800_000, 1_000_000_000_000),
        (0, 1_000_000_000_000),
        (999_999_999_999, 1_000_000_000_000),
        (NOON_MILLISECONDS + 0.9, NOON_MILLISECONDS),
        (NEVER, NEVER),
        (NEVER + 1, NEVER),
        (253_402_300_799_999, NEVER),
    ],
)
def test_time_keeps_the_fixed_width(given: float, kept: int) -> None:
    assert thirteen_digits(given) == kept
    assert len(str(thirteen_digits(given))) == 13
