"""Whatever comes in, the road to a verified update fails only in the way it declares."""

import hashlib
import hmac
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import read_instant
from contracts.raw import RawCallback, Source
from contracts.update import VerifiedUpdate
from ingress.authenticate import Refused
from runtime.mac import Encoding, Hash, MacProfile, Part, TimestampFormat, read_mac, read_timestamp
from tests.conformance.road import Road
from tests.conformance.vector import VECTORS, Vector, read_vector
from tests.property.strategies import (
    PIVOT_SAMPLE,
    UAEPASS_SAMPLE,
    bodies,
    header_bytes,
    raw_callbacks,
)
from tests.unit.test_decode import decoded
from tests.unit.test_state_machine_processor import processor
from tests.updates import said

PIVOT, UAEPASS = Road("pivot"), Road("uaepass")
GENUINE = read_vector(VECTORS / "uaepass" / "accepted" / "sample.http")
SECRET = b"test-only-uaepass-hmac-first-secret"
STAMP = b"1750759001"
RECORD_HEADERS = [
    "esito-callback-id",
    "esito-endpoint",
    "esito-received-at",
    "esito-method",
    "esito-target-uri",
    "esito-source",
    "esito-principal",
    "traceparent",
    "http-x",
]


def fate(road: Road, callback: RawCallback) -> str:
    """Return what becomes of a stored callback; any failure that is not declared is raised."""
    try:
        updates = road.verify(road.record(callback))
    except Rejected as rejection:
        code, detail = rejection.code.value, rejection.detail.encode()
    else:
        code, detail = "verified", b""
        for update in updates:
            VerifiedUpdate.model_validate_json(update.value or b"")
    assert len(detail) < 1_000
    return code


def signed(body: bytes, *, timestamp: bytes = STAMP) -> Vector:
    """Return the genuine request with another body, and its code made here by hand."""
    parts = b"\n".join((timestamp, b"POST", GENUINE.target.encode(), body))
    code = hmac.new(SECRET, parts, hashlib.sha256).hexdigest().encode()
    return with_proof(replace(GENUINE, body=body), code, timestamp)


def with_proof(vector: Vector, code: bytes, timestamp: bytes) -> Vector:
    own = {"X-UAEPASS-Signature": code, "X-Timestamp": timestamp}
    return replace(vector, fields=[(name, own.get(name, value)) for name, value in vector.fields])


@given(raw_callbacks(PIVOT_SAMPLE, "pivot-id"))
def test_any_callback_of_pivot_is_verified_or_rejected(callback: RawCallback) -> None:
    fate(PIVOT, callback)


@given(raw_callbacks(UAEPASS_SAMPLE, "uaepass-gov"))
def test_any_callback_of_uaepass_without_a_right_code_is_rejected(callback: RawCallback) -> None:
    if callback.source is not Source.EXPECTATION:
        assert fate(UAEPASS, callback) != "verified"


@given(bodies(UAEPASS_SAMPLE))
def test_any_body_signed_by_uaepass_is_verified_or_rejected(body: bytes) -> None:
    fate(UAEPASS, UAEPASS.callback(UAEPASS.raw_record(signed(body))))


@given(bodies(PIVOT_SAMPLE))
def test_any_body_sent_with_pivots_key_is_verified_or_rejected(body: bytes) -> None:
    genuine = read_vector(VECTORS / "pivot" / "accepted" / "sample.http")

    fate(PIVOT, PIVOT.callback(PIVOT.raw_record(replace(genuine, body=body))))


@given(bodies(PIVOT_SAMPLE))
def test_any_body_is_decoded_or_rejected(body: bytes) -> None:
    try:
        members = decoded(body)
    except Rejected:
        return
    assert isinstance(members, dict)


@given(st.integers(0, len(GENUINE.body) - 1), st.integers(1, 255))
def test_any_byte_of_a_signed_body_changed_changes_the_verdict(place: int, change: int) -> None:
    body = bytearray(GENUINE.body)
    body[place] ^= change
    forged = replace(GENUINE, body=bytes(body))

    with pytest.raises(Refused, match="credentials_wrong"):
        UAEPASS.raw_record(forged)
    with pytest.raises(Rejected, match="signature_mismatch"):
        UAEPASS.verify(UAEPASS.stored_anyway(forged))


@given(st.integers(0, len(STAMP) - 1), st.integers(1, 255))
def test_any_byte_of_a_signed_timestamp_changed_changes_the_verdict(
    place: int, change: int
) -> None:
    stamp = bytearray(STAMP)
    stamp[place] ^= change
    code = dict(GENUINE.fields)["X-UAEPASS-Signature"]
    forged = with_proof(GENUINE, code, bytes(stamp))

    with pytest.raises(Refused, match="credentials_wrong"):
        UAEPASS.raw_record(forged)
    with pytest.raises(Rejected, match="signature_mismatch"):
        UAEPASS.verify(UAEPASS.stored_anyway(forged))


@given(header_bytes, header_bytes)
def test_any_signature_header_that_is_not_the_code_is_refused(code: bytes, stamp: bytes) -> None:
    with pytest.raises(Refused, match="credentials_wrong"):
        UAEPASS.raw_record(with_proof(GENUINE, code, stamp))


@given(st.integers(-(10**6), 10**6))
def test_timestamp_is_taken_within_the_tolerance_and_nowhere_else(seconds: int) -> None:
    received = datetime(2025, 6, 24, 9, 56, 41, 250_000, tzinfo=UTC)
    claimed = int(received.timestamp()) + seconds
    vector = signed(GENUINE.body, timestamp=b"%d" % claimed)

    verdict = fate(UAEPASS, UAEPASS.callback(UAEPASS.raw_record(vector)))

    within = abs(received.timestamp() - claimed) <= 300
    assert UAEPASS.is_stale(vector) != within
    assert verdict == ("verified" if within else "timestamp_outside_tolerance")


@given(st.binary(max_size=80), st.sampled_from(Encoding), st.text(max_size=5))
def test_any_header_is_a_code_or_none(header: bytes, encoding: Encoding, prefix: str) -> None:
    profile = MacProfile(Hash.SHA256, (Part.BODY,), ".", encoding, TimestampFormat.ISO8601, prefix)

    code = read_mac(profile, header)

    assert code is None or isinstance(code, bytes)


@given(
    st.binary(max_size=40) | st.from_regex(rb"[0-9TZ:.+-]{1,32}", fullmatch=True),
    st.sampled_from(TimestampFormat),
)
def test_any_timestamp_is_a_moment_with_its_offset_or_none(
    header: bytes, form: TimestampFormat
) -> None:
    moment = read_timestamp(form, header)

    assert moment is None or moment.tzinfo is not None


@given(raw_callbacks(PIVOT_SAMPLE, "pivot-id"))
def test_record_is_read_as_it_was_written(callback: RawCallback) -> None:
    assert RawCallback.from_record(callback.body, callback.headers()) == callback


@given(
    st.lists(
        st.tuples(
            st.sampled_from(RECORD_HEADERS),
            st.binary(max_size=30),
        ),
        max_size=12,
    )
)
def test_any_headers_are_a_record_or_rejected(headers: list[tuple[str, bytes]]) -> None:
    received = None
    code = RejectionCode.RECORD_MALFORMED
    try:
        received = RawCallback.from_record(b"", headers).received_at
    except Rejected as rejection:
        code = rejection.code

    assert code is RejectionCode.RECORD_MALFORMED
    assert received is None or read_instant(received)


@given(bodies(said("PAID", amount="5").model_dump_json().encode()))
def test_any_record_of_the_verified_topic_is_an_update_or_rejected(value: bytes) -> None:
    machine = processor()
    record = ConsumerRecord("verified", 3, 0, 0, 0, b"k", value, None, 1, len(value), [])

    with suppress(Rejected):
        machine.process(record)
