"""Raw records: what the ingress writes is read again; anything else is rejected, not failed on."""

import pytest

from contracts.errors import Rejected
from contracts.raw import Headers, RawCallback, Source
from ingress.record_headers import RecordHeaders
from tests.updates import at

CALLBACK = RawCallback(
    body=b'{"caf\xe9": 1}',
    callback_id="019a0000-0000-7000-8000-000000000000",
    endpoint="shop",
    source=Source.CALLBACK,
    received_at=at(),
    method="POST",
    target_uri="https://example.org/callbacks?x=1",
    principal="api_key:current client_certificate:00ff",
    content_type="application/JSON; charset=utf-8",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    client_certificate=b"MAA=",
    http={"x-signature": b"\x00\xff", "x-timestamp": b"1750759001"},
)


def changed(name: str, value: bytes | None) -> Headers:
    """Return the record's headers with one changed, or taken away."""
    others = [pair for pair in CALLBACK.headers() if pair[0] != name]
    return others if value is None else [*others, (name, value)]


def test_record_is_read_as_it_was_written() -> None:
    assert RawCallback.from_record(CALLBACK.body, CALLBACK.headers()) == CALLBACK


def test_ingress_writes_the_headers_that_the_contract_describes() -> None:
    headers = RecordHeaders(
        endpoint="shop",
        source=Source.CALLBACK,
        method="POST",
        public_url="https://example.org/",
    ).build(
        callback_id=CALLBACK.callback_id,
        received_at=CALLBACK.received_at,
        path="/callbacks?x=1",
        principal=CALLBACK.principal,
        content_type=CALLBACK.content_type,
        traceparent=CALLBACK.traceparent,
        stored=CALLBACK.http,
        client_certificate=CALLBACK.client_certificate.decode(),
    )

    assert sorted(headers) == sorted(CALLBACK.headers())


def test_record_without_what_may_be_absent_is_read() -> None:
    found = RawCallback.from_record(
        None,
        [
            ("esito-callback-id", b"c"),
            ("esito-endpoint", b"shop"),
            ("esito-received-at", at().encode()),
            ("esito-method", b"POST"),
            ("esito-target-uri", b"/"),
        ],
    )

    assert (found.body, found.source, found.principal, found.http) == (b"", Source.CALLBACK, "", {})
    assert found.client_certificate == b""


@pytest.mark.parametrize(
    "name",
    [
        "esito-callback-id",
        "esito-endpoint",
        "esito-received-at",
        "esito-method",
        "esito-target-uri",
    ],
)
def test_record_without_a_header_that_is_always_written_is_rejected(name: str) -> None:
    with pytest.raises(Rejected, match=f"record_malformed: no header {name}"):
        RawCallback.from_record(b"", changed(name, None))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("esito-received-at", b""),
        ("esito-received-at", b"now"),
        ("esito-received-at", b"2026-11-02T12:00:00Z"),
        ("esito-received-at", b"2026-11-02T12:00:00.000000"),
        ("esito-received-at", b"2026-11-02T12:00:00.000000+00:00"),
        ("esito-received-at", b"2026-13-02T12:00:00.000000Z"),
        ("esito-received-at", b"2026-11-02T25:00:00.000000Z"),
        ("esito-received-at", b"2026-11-02T12:00:00.000000Z\n"),
        ("esito-received-at", b"2026-11-02 12:00:00.000000Z"),
        ("esito-received-at", "\u0662\u0660\u0662\u0666-11-02T12:00:00.000000Z".encode()),
        ("esito-source", b"rumour"),
        ("esito-endpoint", b"\xff"),
        ("esito-principal", b"\xff"),
        ("esito-target-uri", b"\xff"),
        ("traceparent", b"\xff"),
    ],
)
def test_header_that_the_ingress_never_writes_is_rejected(name: str, value: bytes) -> None:
    with pytest.raises(Rejected, match="record_malformed"):
        RawCallback.from_record(b"", changed(name, value))
