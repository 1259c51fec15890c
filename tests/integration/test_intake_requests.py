"""Taking notification requests, over HTTP, a real database and a real Kafka."""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from contracts.raw import RawCallback, Source
from tests.faults.processes import until
from tests.integration.intake import REQUESTS, Answer, Intake, running, together
from tests.integration.intake_settings import GROUP_KEY, KEY, OTHER_KEY
from tests.send.requests import address, attachment, f24, pago_pa, recipient, request

DUPLICATED = "PN_GENERIC_INVALIDPARAMETER_DUPLICATED"


def fresh(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a request whose protocol number no other test has."""
    return request(**{"paProtocolNumber": secrets.token_hex(8), **changes})


def notice() -> str:
    return f"{secrets.randbelow(10**18):018}"


def paid(code: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    return fresh(recipients=[recipient(payments=[pago_pa(noticeCode=code)])], **changes)


def of_other(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    return fresh(senderTaxId="80016350821", **changes)


def identifier(answer: Answer) -> str:
    found: str = answer.members["notificationRequestId"]
    return found


async def test_request_is_answered_with_an_opaque_id_and_stored_as_it_came(
    shared_intake: Intake,
) -> None:
    members = fresh(idempotenceToken="t", group="tributi")
    body = json.dumps(members, indent=2).encode()

    answer = await shared_intake.call("POST", REQUESTS, body=body)

    assert answer.status == 202
    assert set(answer.members) == {"notificationRequestId", "paProtocolNumber", "idempotenceToken"}
    assert re.fullmatch(r"[A-Za-z0-9+/=]{36}", identifier(answer))
    (record,) = [
        one for one in await shared_intake.stored() if one.key.decode() == identifier(answer)
    ]
    raw = RawCallback.from_record(record.value, record.headers)
    assert raw.body == body
    assert raw.transaction_id == identifier(answer)
    assert (raw.endpoint, raw.source, raw.method) == ("send-it", Source.REQUEST, "POST")
    assert raw.principal == "api_key:comune.a"
    assert raw.target_uri == f"https://send.example.org{REQUESTS}"
    assert not raw.http


async def test_answer_to_a_request_without_a_token_has_none(shared_intake: Intake) -> None:
    answer = await shared_intake.send(fresh())

    assert set(answer.members) == {"notificationRequestId", "paProtocolNumber"}


async def test_used_protocol_number_and_token_are_refused_even_for_the_same_request(
    shared_intake: Intake,
) -> None:
    members = fresh(idempotenceToken="t")
    await shared_intake.send(members)

    again = await shared_intake.send(members)
    other = await shared_intake.send({**members, "subject": "Another"})

    assert (again.status, again.codes) == (409, [DUPLICATED])
    assert (other.status, other.codes) == (409, [DUPLICATED])
    assert again.members["errors"][0]["element"] == "paProtocolNumber, idempotenceToken"
    assert members["paProtocolNumber"] not in again.text


@pytest.mark.parametrize("token", ["another", "null", ""])
async def test_another_token_makes_another_request(shared_intake: Intake, token: str) -> None:
    members = fresh()
    await shared_intake.send(members)

    answer = await shared_intake.send({**members, "idempotenceToken": token})

    assert answer.status == 202


async def test_the_same_protocol_number_of_another_body_is_free(shared_intake: Intake) -> None:
    members = fresh()
    await shared_intake.send(members)

    answer = await shared_intake.send({**members, "senderTaxId": "80016350821"}, key=OTHER_KEY)

    assert answer.status == 202


async def test_used_notice_is_refused_whatever_else_the_request_says(
    shared_intake: Intake,
) -> None:
    code = notice()
    await shared_intake.send(paid(code))

    answer = await shared_intake.send(paid(code))

    assert (answer.status, answer.codes) == (409, [DUPLICATED])
    assert answer.members["errors"][0]["element"] == "recipients[0].payments[0].pagoPa"


async def test_request_that_is_refused_for_one_key_reserves_none_of_the_others(
    shared_intake: Intake,
) -> None:
    used, free = notice(), notice()
    await shared_intake.send(paid(used))
    both = [pago_pa(noticeCode=free), pago_pa(noticeCode=used)]
    refused = fresh(recipients=[recipient(payments=both)])

    number = refused["paProtocolNumber"]
    first = await shared_intake.send(refused)
    second = await shared_intake.send({**paid(free), "paProtocolNumber": number})

    assert (first.status, second.status) == (409, 202)


async def test_notice_of_a_refused_request_may_be_used_again(shared_intake: Intake) -> None:
    """The protocol number of a refused request stays used: SEND wants another token."""
    code = notice()
    members = paid(code)
    first = await shared_intake.send(members)
    await shared_intake.tell(identifier(first), [{"native_status": "REFUSED"}])

    again = await shared_intake.send(members)
    second = await shared_intake.send({**members, "idempotenceToken": "2"})
    third = await shared_intake.send({**members, "idempotenceToken": "3"})

    assert [again.status, second.status, third.status] == [409, 202, 409]


@pytest.mark.parametrize(
    ("members", "code", "element"),
    [
        (request(subject=...), "_REQUIRED", "subject"),
        (request(taxonomyCode="x"), "_PATTERN", "taxonomyCode"),
        (request(subject="s" * 135), "_SIZE", "subject"),
        (request(vat=-1), "_MIN", "vat"),
        (request(vat=101), "_MAX", "vat"),
        (request(amount="1"), "", "amount"),
        (request(recipients=[recipient(), recipient()]), "_DUPLICATED", "recipients[1].taxId"),
        (request(documents=[attachment(), attachment()]), "_DUPLICATED", "documents[1]"),
        (request(recipients=[recipient(taxId="VRDLNZ80A41F205A")]), "", "recipients[0].taxId"),
        (
            request(recipients=[recipient(physicalAddress=address(province=...))]),
            "",
            "recipients[0].physicalAddress.province",
        ),
        (request(recipients=[recipient(payments=[f24()])]), "", "recipients[0].payments"),
    ],
)
async def test_request_that_is_not_as_published_is_refused(
    shared_intake: Intake, members: dict[str, Any], code: str, element: str
) -> None:
    answer = await shared_intake.send({**members, "paProtocolNumber": secrets.token_hex(8)})

    found = [(error["code"], error["element"]) for error in answer.members["errors"]]
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert found == [(f"PN_GENERIC_INVALIDPARAMETER{code}", element)]


async def test_all_that_is_wrong_is_told_at_once(shared_intake: Intake) -> None:
    members = request(
        subject=...,
        senderTaxId="80016350821",
        additionalLanguages=["EN"],
        notificationFeePolicy="DELIVERY_MODE",
        recipients=[recipient(recipientType="PG", payments=[{}])],
    )

    answer = await shared_intake.send(members, key=GROUP_KEY)

    assert answer.status == 400
    assert set(answer.codes) == {
        "PN_GENERIC_INVALIDPARAMETER_REQUIRED",
        "PN_GENERIC_INVALIDPARAMETER_SIZE",
        "PN_GENERIC_INVALIDPARAMETER",
        "PN_DELIVERY_INVALID_SENDER_TAX_ID",
        "PN_DELIVERY_INVALIDPARAMETER_GROUP",
        "PN_DELIVERY_INVALIDADDITIONALLANGS",
    }
    assert "80016350821" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"subject": "a", "subject": "b"}',
        b'{"vat": NaN}',
        b"[" * 5_000,
        b'{"subject": "\xff"}',
        b'{"subject": "\\ud800"}',
        b'{"additionalLanguages": [' + b"1," * 30_000 + b"1]}",
    ],
    ids=range(9),
)
async def test_body_that_is_no_request_is_refused(shared_intake: Intake, body: bytes) -> None:
    answer = await shared_intake.call("POST", REQUESTS, body=body)

    assert (answer.status, len(answer.codes)) == (400, 1)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 404),
        ("GET", "/delivery/v2.6/requests/x", {}, 404),
        ("DELETE", REQUESTS, {}, 405),
        ("POST", REQUESTS, {"Content-Type": "text/plain"}, 415),
        ("POST", REQUESTS, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
    ],
)
async def test_call_to_no_operation_is_refused_as_a_problem(
    shared_intake: Intake, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await shared_intake.call(method, path, body=b"{}", headers=headers)

    assert answer.status == status
    assert answer.members["status"] == status
    assert answer.codes


async def test_body_beyond_the_limit_is_refused_before_it_is_read(shared_intake: Intake) -> None:
    answer = await shared_intake.call("POST", REQUESTS, body=b" " * 1_048_577)

    assert answer.status == 413


async def test_body_that_fills_its_room_hears_429(make_intake: Callable[..., Intake]) -> None:
    async with running(make_intake(body_bytes_max=1_000)) as intake:
        large = await intake.send(fresh(abstract="a" * 900))
        small = await intake.send(fresh())

    assert (large.status, large.codes) == (429, ["PN_GENERIC_TOO_MANY_REQUESTS"])
    assert large.headers["Retry-After"] == "5"
    assert small.status == 202


async def test_many_requests_at_once_are_each_stored_once(shared_intake: Intake) -> None:
    answers = await together(*(shared_intake.send(fresh()) for _ in range(100)))

    found = {identifier(one) for one in answers}
    stored = [one for one in await shared_intake.transaction_ids() if one in found]
    assert {one.status for one in answers} == {202}
    assert sorted(stored) == sorted(found)


async def test_neither_log_nor_metrics_hold_what_a_request_says(shared_intake: Intake) -> None:
    members = fresh(idempotenceToken="a-token-to-be-found")
    await shared_intake.send(members)
    await shared_intake.send(members)
    await shared_intake.send({**members, "taxonomyCode": "wrong-one"})

    log = (shared_intake.directory / "intake-0.log").read_text()
    metrics = shared_intake.metrics()

    for text in (members["paProtocolNumber"], "a-token-to-be-found", "wrong-one", "Verdi", KEY):
        assert text not in log
        assert text not in metrics
    assert shared_intake.metric(
        'esito_intake_requests_total{operation="send_request",status="409"}'
    )
    await until(lambda: shared_intake.metric("esito_intake_waiting_requests") == 0, "nothing waits")
