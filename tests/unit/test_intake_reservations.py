"""What a request may use once: which requests have a key in common."""

from typing import Any

from contracts.raw import RawCallback
from contracts.send.request import Request
from intake.reservations import Reservation, keys_of, protocol_key
from tests.send.requests import pago_pa, recipient, request


def digests(endpoint: str = "e", body: str = "b", **changes: Any) -> set[bytes]:  # noqa: ANN401 - a value of JSON
    found = keys_of(endpoint, body, Request.model_validate(request(**changes)))
    return {key.digest for key in found}


def paying(*notices: dict[str, Any]) -> dict[str, Any]:
    return {"recipients": [recipient(payments=list(notices))]}


def test_keys_are_the_protocol_number_with_its_token_and_each_notice() -> None:
    changes = paying(pago_pa(), pago_pa(noticeCode="0" * 18), {"f24": None})
    del changes["recipients"][0]["payments"][2]

    found = keys_of("e", "b", Request.model_validate(request(**changes)))

    assert [(key.kind, key.element) for key in found] == [
        ("protocol", "paProtocolNumber, idempotenceToken"),
        ("notice", "recipients[0].payments[0].pagoPa"),
        ("notice", "recipients[0].payments[1].pagoPa"),
    ]
    assert {len(key.digest) for key in found} == {32}


def test_absent_token_is_another_than_any_text() -> None:
    keys = {
        digest for token in (..., "", "null", "None") for digest in digests(idempotenceToken=token)
    }

    assert len(keys) == 4


def test_where_number_and_token_meet_matters() -> None:
    assert protocol_key("e", "b", "ab", "c") != protocol_key("e", "b", "a", "bc")
    assert protocol_key("e", "ba", "b", None) != protocol_key("e", "b", "ab", None)


def test_protocol_numbers_are_of_a_body_and_notices_of_an_endpoint() -> None:
    notice = paying(pago_pa())

    assert len(digests(body="a", **notice) & digests(body="b", **notice)) == 1
    assert not digests("e", **notice) & digests("f", **notice)


def test_raw_record_is_read_as_it_was_written() -> None:
    one = Reservation(
        id="A" * 36,
        endpoint="send-it",
        body="comune",
        group=None,
        callback_id="019a0000-0000-7000-8000-000000000000",
        received_at="2026-11-05T09:56:41.250000Z",
        target_uri="https://send.example.org/delivery/v2.6/requests",
        principal="api_key:comune.a",
        traceparent="",
        content=b"{}",
    )

    assert RawCallback.from_record(one.raw().body, one.raw().headers()) == one.raw()
