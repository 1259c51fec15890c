"""Kafka or the database are away: 503 and Retry-After, and afterwards nothing lost or doubled."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.embedded.kafka import EmbeddedKafka
from runtime.service_configuration import Database
from tests.faults.processes import until
from tests.integration.database_proxy import database_proxy
from tests.integration.intake import Answer, Intake, running, together
from tests.kafka import Kafka, Report, embedded_cluster, run
from tests.send.requests import request

NODE = 1
SECONDS_MAX = 120


@pytest.fixture(scope="module")
def shared_own_kafka(report: Report) -> Iterator[EmbeddedKafka]:
    with embedded_cluster(report, nodes=1) as cluster:
        yield cluster


@pytest.fixture
def own_kafka(shared_own_kafka: EmbeddedKafka) -> EmbeddedKafka:
    """Give a broker, awake at the start of the test, that it may freeze."""
    run(shared_own_kafka.heal())
    return shared_own_kafka


def fresh(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    return request(**{"paProtocolNumber": secrets.token_hex(8), **changes})


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.codes) == (503, ["ESITO_UNAVAILABLE"])
    assert answer.headers["Retry-After"] == "5"


async def becomes_ready(intake: Intake) -> None:
    await until(lambda: intake.readiness()[0] == 200, "the intake is ready again")


async def test_frozen_kafka_request_hears_503_and_is_taken_once_when_it_thaws(
    own_kafka: EmbeddedKafka, database: Database, tmp_path: Path, topic_prefix: str
) -> None:
    intake = Intake(
        tmp_path, own_kafka.bootstrap_servers, topic_prefix, database, relay_seconds=600
    )
    async with running(intake):
        members = fresh()
        own_kafka.pause(NODE)
        during = await together(*(intake.send(one) for one in (members, fresh(), fresh())))
        shown = await intake.status(paProtocolNumber=members["paProtocolNumber"])
        own_kafka.resume(NODE)
        await becomes_ready(intake)
        async with asyncio.timeout(SECONDS_MAX):
            while (again := await intake.send(members)).status == 503:
                """Come again, as the answer says."""
        stored = await intake.transaction_ids()
        states = await intake.states()

    for answer in during:
        assert_unavailable(answer)
    assert shown.members["notificationRequestStatus"] == "WAITING"
    # Joined to the first attempt, or told that it was taken between two attempts.
    known = shown.members["notificationRequestId"]
    assert again.status in {202, 409}
    assert again.members.get("notificationRequestId", known) == known
    assert known in stored
    assert len(set(stored)) <= 3
    # The two others may have been on their way when Kafka thawed.
    assert "sent" in states


async def test_kafka_that_is_away_for_long_is_answered_at_once_and_reserves_nothing(
    own_kafka: EmbeddedKafka, database: Database, tmp_path: Path, topic_prefix: str
) -> None:
    intake = Intake(
        tmp_path, own_kafka.bootstrap_servers, topic_prefix, database, confirm_seconds=0.5
    )
    async with running(intake):
        own_kafka.pause(NODE)
        for _ in range(10):
            assert_unavailable(await intake.send(fresh()))
            if intake.readiness()[0] == 503:
                break
        reserved = len(await intake.states())

        answer = await intake.send(fresh())

        ready = intake.readiness()
        after = len(await intake.states())
        own_kafka.resume(NODE)
        await becomes_ready(intake)

    assert_unavailable(answer)
    assert (ready[0], '"kafka": false' in ready[1]) == (503, True)
    assert after == reserved


async def test_database_that_is_cut_off_hears_503_and_comes_back(
    kafka: Kafka, database: Database, tmp_path: Path, topic_prefix: str
) -> None:
    async with database_proxy(database) as proxy:
        intake = Intake(tmp_path, kafka.bootstrap_servers, topic_prefix, proxy.database)
        async with running(intake):
            before = await intake.send(fresh())
            await proxy.cut()
            during = await together(*(intake.send(fresh()) for _ in range(5)))
            asked = await intake.status(paProtocolNumber="x")
            await intake.processes[0].says("database.stalled")
            unforeseen = intake.processes[0].count("callback.failed")
            ready = intake.readiness()
            await proxy.open()
            await becomes_ready(intake)
            after = await intake.send(fresh())
            stored = await intake.transaction_ids()

    for answer in (*during, asked):
        assert_unavailable(answer)
    assert unforeseen == 0
    assert (ready[0], '"database": false' in ready[1]) == (503, True)
    assert [before.status, after.status] == [202, 202]
    assert len(stored) == 2


async def test_database_that_falls_silent_hears_503_in_time(
    kafka: Kafka, database: Database, tmp_path: Path, topic_prefix: str
) -> None:
    """Whatever was under way is in the end in both, or in none, and each once."""
    async with database_proxy(database) as proxy:
        intake = Intake(
            tmp_path, kafka.bootstrap_servers, topic_prefix, proxy.database, relay_seconds=0.5
        )
        async with running(intake):
            proxy.freeze()
            during = await together(*(intake.send(fresh()) for _ in range(5)))
            proxy.thaw()
            await becomes_ready(intake)
            after = await intake.send(fresh())
            # What was on its way when the database froze may be reserved late, and sent after that.
            ids, stored = {""}, list[str]()
            async with asyncio.timeout(SECONDS_MAX):
                while set(stored) != ids:
                    ids = {row[0] for row in await intake.query("SELECT id FROM intake.requests")}
                    stored = await intake.transaction_ids()

    for answer in during:
        assert_unavailable(answer)
    assert after.status == 202
    assert after.members["notificationRequestId"] in ids


async def test_intake_that_starts_before_its_database_waits_for_it(
    kafka: Kafka, database: Database, tmp_path: Path, topic_prefix: str
) -> None:
    async with database_proxy(database) as proxy:
        intake = Intake(tmp_path, kafka.bootstrap_servers, topic_prefix, proxy.database)
        await intake.prepare()
        await proxy.cut()
        try:
            await intake.start(ready=False)
            answer = await intake.send(fresh())
            await proxy.open()
            await becomes_ready(intake)
            after = await intake.send(fresh())
        finally:
            intake.kill()

    assert_unavailable(answer)
    assert after.status == 202
