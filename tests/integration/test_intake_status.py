"""What becomes of a request, as its sender is told; and that nobody else is told anything."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.processes import until
from tests.integration.intake import Answer, Intake, running
from tests.integration.intake_settings import GROUP_KEY, OTHER_KEY
from tests.send.requests import request

IUN = "AJMN-TXUA-MHGP-202309-Z-1"


async def sent(intake: Intake, **changes: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - a value of JSON
    """Return the id of a new request, and what it says."""
    members = request(**{"paProtocolNumber": secrets.token_hex(8), **changes})
    answer = await intake.send(members)
    return answer.members["notificationRequestId"], members


def stripped(answer: Answer) -> tuple[int, dict[str, Any]]:
    """Return an answer without what differs between any two."""
    members = answer.members
    members.pop("timestamp", None)
    return answer.status, members


async def test_request_that_nobody_judged_waits_and_is_shown_as_it_was_sent(
    shared_intake: Intake,
) -> None:
    identifier, members = await sent(shared_intake, vat=22, abstract=None, x={"y": 1})

    answer = await shared_intake.status(notificationRequestId=identifier)

    del members["abstract"], members["x"]
    assert answer.status == 200
    assert answer.members == {
        **members,
        "notificationRequestId": identifier,
        "notificationRequestStatus": "WAITING",
        "retryAfter": 10,
    }


async def test_what_a_request_says_of_itself_never_becomes_our_answer(
    shared_intake: Intake,
) -> None:
    identifier, _ = await sent(shared_intake, iun=IUN, notificationRequestStatus="ACCEPTED")

    answer = await shared_intake.status(notificationRequestId=identifier)

    assert answer.members["notificationRequestStatus"] == "WAITING"
    assert "iun" not in answer.members


async def test_request_is_found_by_protocol_number_and_token(shared_intake: Intake) -> None:
    identifier, members = await sent(shared_intake, idempotenceToken="a b&c")
    number = members["paProtocolNumber"]

    found = await shared_intake.status(paProtocolNumber=number, idempotenceToken="a b&c")
    without = await shared_intake.status(paProtocolNumber=number)
    other = await shared_intake.status(paProtocolNumber=number, idempotenceToken="null")

    assert found.members["notificationRequestId"] == identifier
    assert [without.status, other.status] == [404, 404]


async def test_accepted_request_has_its_iun(shared_intake: Intake) -> None:
    identifier, _ = await sent(shared_intake)
    references = {"iun": IUN, "sender": "comune"}
    await shared_intake.tell(
        identifier,
        [
            {"native_status": "ACCEPTED", "references": references},
            {"native_status": "VIEWED", "references": references},
        ],
    )

    answer = await shared_intake.status(notificationRequestId=identifier)

    assert answer.members["notificationRequestStatus"] == "ACCEPTED"
    assert answer.members["iun"] == IUN
    assert "retryAfter" not in answer.members


async def test_refused_request_has_every_finding_with_its_recipient(shared_intake: Intake) -> None:
    identifier, _ = await sent(shared_intake)
    reasons = [
        {"code": "FILE_NOTFOUND", "text": "no such file", "where": "documents[0]"},
        {"code": "NOT_VALID_ADDRESS", "text": "unknown", "where": "recipients[1].physicalAddress"},
        {"code": "TAXID_NOT_VALID"},
    ]
    event = {"native_status": "REFUSED", "reason": reasons[0], "reasons": reasons}
    await shared_intake.tell(identifier, [event])

    answer = await shared_intake.status(notificationRequestId=identifier)

    assert answer.members["notificationRequestStatus"] == "REFUSED"
    assert "iun" not in answer.members
    assert answer.members["errors"] == [
        {"code": "FILE_NOTFOUND", "detail": "documents[0]: no such file"},
        {
            "code": "NOT_VALID_ADDRESS",
            "detail": "recipients[1].physicalAddress: unknown",
            "recIndex": 1,
        },
        {"code": "TAXID_NOT_VALID"},
    ]


async def test_request_of_another_body_is_like_one_that_there_is_not(
    shared_intake: Intake,
) -> None:
    identifier, members = await sent(shared_intake)
    number = members["paProtocolNumber"]

    known = [
        stripped(await shared_intake.status(key=OTHER_KEY, notificationRequestId=identifier)),
        stripped(await shared_intake.status(key=OTHER_KEY, paProtocolNumber=number)),
    ]
    unknown = stripped(await shared_intake.status(notificationRequestId="A" * 36))

    assert unknown[0] == 404
    assert known == [unknown, unknown]


async def test_key_of_one_group_sees_that_group_alone(shared_intake: Intake) -> None:
    ids = [(await sent(shared_intake, group=group))[0] for group in ("tributi", "polizia", ...)]

    seen = [
        (await shared_intake.status(key=GROUP_KEY, notificationRequestId=one)).status for one in ids
    ]

    assert seen == [200, 404, 404]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?idempotenceToken=a",
        "?notificationRequestId=short",
        "?notificationRequestId=" + "A" * 36 + "&notificationRequestId=" + "A" * 36,
        "?paProtocolNumber=" + "p" * 257,
        "?paProtocolNumber=%0A",
        "?paProtocolNumber=a&idempotenceToken=%C3%A8",
    ],
)
async def test_question_that_is_not_as_published_is_refused(
    shared_intake: Intake, query: str
) -> None:
    answer = await shared_intake.call("GET", f"/delivery/v2.6/requests{query}")

    assert answer.status == 400
    assert answer.codes == ["PN_GENERIC_INVALIDPARAMETER"]


@pytest.mark.parametrize("number", ["%FF", "%00", "%ED%A0%80"])
async def test_question_in_any_bytes_has_an_answer(shared_intake: Intake, number: str) -> None:
    answer = await shared_intake.call("GET", f"/delivery/v2.6/requests?paProtocolNumber={number}")

    assert answer.status in {400, 404}


async def test_body_of_a_request_is_removed_when_its_time_is_over(
    make_intake: Callable[..., Intake],
) -> None:
    """Its keys stay used: they are digests, and no request may be sent twice."""
    intake = make_intake()
    async with running(intake):
        identifier, members = await sent(intake)
        await intake.query("UPDATE intake.requests SET received_at = now() - interval '121 days'")
        await intake.processes[0].stop()
        number = await intake.start()

        await until(
            lambda: intake.metric("esito_intake_removed_total", number) == 1, "it is removed"
        )
        gone = await intake.status(notificationRequestId=identifier, number=number)
        again = await intake.send(members, number=number)
        rows = await intake.query("SELECT * FROM intake.requests")

    assert (gone.status, again.status) == (404, 409)
    assert "Verdi" not in json.dumps([str(tuple(row)) for row in rows])


async def test_body_of_a_refused_request_is_removed_with_its_files(
    make_intake: Callable[..., Intake],
) -> None:
    """Nobody was notified, so there is nothing that its people's data would be kept for."""
    intake = make_intake()
    async with running(intake):
        accepted, refused, _waiting = [(await sent(intake))[0] for _ in range(3)]
        await intake.tell(accepted, [{"native_status": "ACCEPTED"}])
        await intake.tell(refused, [{"native_status": "REFUSED"}])
        await intake.query("UPDATE intake.requests SET received_at = now() - interval '8 days'")
        await intake.processes[0].stop()
        number = await intake.start()

        await until(
            lambda: intake.metric("esito_intake_removed_total", number) == 1, "it is removed"
        )
        rows = await intake.query("SELECT id FROM intake.requests WHERE content IS NULL")

    assert [tuple(row) for row in rows] == [(refused,)]


async def test_digest_of_a_request_is_kept_only_until_kafka_has_it(shared_intake: Intake) -> None:
    identifier, _ = await sent(shared_intake)

    rows = await shared_intake.query(
        "SELECT state, fingerprint FROM intake.requests WHERE id = $1", identifier
    )

    assert [tuple(row) for row in rows] == [("sent", None)]
