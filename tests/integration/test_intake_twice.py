"""Neither lost nor doubled: one request to several processes, and processes that are killed."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from runtime.service_configuration import Intake as IntakeSettings
from tests.faults.processes import until
from tests.integration.intake import Answer, Intake, running, together
from tests.send.requests import pago_pa, recipient, request

# What nobody has confirmed by then is answered 503: no relay comes before a caller's own answer.
CONFIRM_SECONDS = IntakeSettings().confirm_seconds


def fresh(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    return request(**{"paProtocolNumber": secrets.token_hex(8), **changes})


def ids(answers: list[Answer]) -> set[str]:
    """Return the ids of all that were taken."""
    return {one.members["notificationRequestId"] for one in answers if one.status == 202}


async def test_same_request_to_two_processes_at_once_is_taken_once(
    make_intake: Callable[..., Intake],
) -> None:
    async with running(make_intake(), processes=2) as intake:
        rounds = []
        for _ in range(20):
            members = fresh(recipients=[recipient(payments=[pago_pa(noticeCode=notice())])])
            rounds.append(
                await together(*(intake.send(members, number=at % 2) for at in range(10)))
            )
        stored = await intake.transaction_ids()
        states = await intake.states()

    assert all({one.status for one in answers} <= {202, 409} for answers in rounds)
    assert all(len(ids(answers)) == 1 for answers in rounds)
    assert set(stored) == set().union(*(ids(answers) for answers in rounds))
    assert states == ["sent"] * 20


async def test_different_requests_with_one_notice_at_once_are_taken_once(
    make_intake: Callable[..., Intake],
) -> None:
    async with running(make_intake(), processes=2) as intake:
        taken = []
        for _ in range(20):
            shared = [recipient(payments=[pago_pa(noticeCode=notice())])]
            answers = await together(
                *(intake.send(fresh(recipients=shared), number=at % 2) for at in range(6))
            )
            taken.append([one.status for one in answers])
        stored = await intake.transaction_ids()

    assert [sorted(one) for one in taken] == [[202, *[409] * 5]] * 20
    assert len(stored) == len(set(stored)) == 20


@pytest.mark.parametrize("point", ["reserved", "produced", "marked"])
async def test_killed_process_loses_nothing_and_its_caller_may_ask_again(
    make_intake: Callable[..., Intake], point: str
) -> None:
    """Where the first was marked as sent, the repetition is told so, and finds it by its number."""
    async with running(make_intake(relay_seconds=600), processes=0) as intake:
        await intake.start(failpoint=point)
        members = fresh(idempotenceToken="t")
        with pytest.raises(aiohttp.ClientError):
            await intake.send(members)
        assert await intake.processes[0].ended() < 0

        number = await intake.start()
        again = await intake.send(members, number=number)
        found = await intake.status(
            number=number, paProtocolNumber=members["paProtocolNumber"], idempotenceToken="t"
        )
        records = await intake.stored()
        states = await intake.states()

    facts = {(one.key, one.value, dict(one.headers)["esito-callback-id"]) for one in records}
    assert again.status == (409 if point == "marked" else 202)
    assert again.status == 409 or ids([again]) == {found.members["notificationRequestId"]}
    assert found.members["notificationRequestStatus"] == "WAITING"
    assert states == ["sent"]
    assert len(facts) == 1
    assert len(records) == (2 if point == "produced" else 1)
    assert records[0].key.decode() == found.members["notificationRequestId"]


@pytest.mark.parametrize("point", ["reserved", "produced"])
async def test_relay_of_another_process_sends_what_a_killed_one_left(
    make_intake: Callable[..., Intake], point: str
) -> None:
    async with running(make_intake(relay_seconds=CONFIRM_SECONDS), processes=1) as intake:
        number = await intake.start(failpoint=f"{point}:3")
        members = [fresh() for _ in range(3)]
        sent = [await intake.send(one, number=number) for one in members[:2]]
        with pytest.raises(aiohttp.ClientError):
            await intake.send(members[2], number=number)

        await intake.processes[0].says("requests.relayed", count=1)
        found = await intake.status(paProtocolNumber=members[2]["paProtocolNumber"])
        stored = await intake.transaction_ids()
        states = await intake.states()

    assert set(stored) == ids(sent) | {found.members["notificationRequestId"]}
    assert len(stored) == (4 if point == "produced" else 3)
    assert states == ["sent"] * 3


async def test_several_relays_send_each_request_once(make_intake: Callable[..., Intake]) -> None:
    """So many that each relay finds some while the others are at theirs."""
    intake = make_intake(relay_seconds=CONFIRM_SECONDS)
    async with running(intake, processes=3):
        await intake.send(fresh())
        await intake.query(
            """INSERT INTO intake.requests SELECT endpoint, body, rpad(n::text || '/', 36, 'A'),
            group_name, 'reserved', callback_id, received_at, now() - interval '1 hour',
            principal, traceparent, fingerprint, content
            FROM intake.requests, generate_series(1, 5000) n"""
        )

        await until(
            lambda: sum(intake.metric("esito_intake_relayed_total", n) for n in range(3)) >= 5_000,
            "all are relayed",
        )
        relayed = [intake.metric("esito_intake_relayed_total", n) for n in range(3)]
        stored = await intake.transaction_ids()
        states = await intake.states()

    assert sum(relayed) == 5_000
    assert len(stored) == len(set(stored)) == 5_001
    assert states == ["sent"] * 5_001


async def test_other_request_with_the_same_number_is_not_joined_to_one_that_waits(
    make_intake: Callable[..., Intake],
) -> None:
    async with running(make_intake(relay_seconds=600), processes=0) as intake:
        await intake.start(failpoint="reserved")
        members = fresh()
        with pytest.raises(aiohttp.ClientError):
            await intake.send(members)
        number = await intake.start()

        other = await intake.send({**members, "subject": "Another"}, number=number)

    assert other.status == 409


async def test_stopping_process_answers_what_it_has_begun(
    make_intake: Callable[..., Intake],
) -> None:
    async with running(make_intake()) as intake:
        calls = [intake.send(fresh()) for _ in range(50)]
        answers, code = await stopped_amid(intake, calls)
        stored = await intake.transaction_ids()

    taken = {one.members["notificationRequestId"] for one in answers if one.status == 202}
    assert code == 0
    assert {one.status for one in answers} <= {202, 503}
    assert taken <= set(stored)
    assert len(stored) == len(set(stored))


async def stopped_amid(intake: Intake, calls: list[Any]) -> tuple[list[Answer], int]:
    """Make the calls, stop the process while they are under way; return the answers there were."""
    tasks = [asyncio.ensure_future(one) for one in calls]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    code = await intake.processes[0].stop()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    return [one for one in done if isinstance(one, Answer)], code


def notice() -> str:
    return f"{secrets.randbelow(10**18):018}"
