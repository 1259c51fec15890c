"""kill -9 of the intake under load: what a public body sent is taken once, whatever it heard."""

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from runtime.service_configuration import Database
from tests.faults.processes import WAIT_SECONDS_MAX, until
from tests.integration.intake import Intake, running
from tests.kafka import Kafka
from tests.send.requests import pago_pa, recipient, request

SENDERS: Final = 6
KILLS: Final = 2
_PAUSE_SECONDS: Final = 0.01


class Sender:
    """A public body's program: sends each request again, to any process, until it knows its id."""

    def __init__(self, intake: Intake) -> None:
        """Send to the processes that an installation has at the time."""
        self._intake = intake
        self.ids: dict[str, str] = {}
        self.repeated = 0
        self.stopping = False

    async def run(self) -> None:
        """Send until told to stop."""
        while not self.stopping:
            number = secrets.token_hex(8)
            notice = pago_pa(noticeCode=f"{secrets.randbelow(10**18):018}")
            members = request(paProtocolNumber=number, recipients=[recipient(payments=[notice])])
            while number not in self.ids:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._try(number, members)
                await asyncio.sleep(_PAUSE_SECONDS)  # a dead process refuses at once

    async def _try(self, number: str, members: dict[str, object]) -> None:
        process = secrets.choice(range(len(self._intake.ports))[-2:])
        answer = await self._intake.send(members, number=process)
        if answer.status == 409:
            answer = await self._intake.status(number=process, paProtocolNumber=number)
        if answer.status in {200, 202}:
            self.ids[number] = answer.members["notificationRequestId"]
        else:
            assert answer.status == 503
            self.repeated += 1


@pytest.mark.parametrize("point", ["reserved", "produced", "marked", ""])
async def test_intake_killed_under_load_takes_every_request_once(
    kafka: Kafka, database: Database, tmp_path: Path, topic_prefix: str, point: str
) -> None:
    """The records of Kafka, the rows of the database and what the senders know are one and same."""
    intake = Intake(
        tmp_path,
        kafka.bootstrap_servers,
        topic_prefix,
        database,
        relay_seconds=1,
        confirm_seconds=2,
    )
    async with running(intake, processes=1):
        sender = Sender(intake)
        sending = [asyncio.create_task(sender.run()) for _ in range(SENDERS)]
        for _ in range(KILLS):
            doomed = await intake.start(failpoint=f"{point}:20" if point else "", ready=False)
            if not point:
                begun = len(sender.ids)
                await until(lambda: len(sender.ids) > begun + 50, "it takes requests")  # noqa: B023 - awaited in this very turn of the loop
                intake.processes[doomed].kill()
            assert await intake.processes[doomed].ended() < 0
        await intake.start()
        sender.stopping = True
        await asyncio.gather(*sending)
        await settled(intake)
        stored = await intake.stored()
        rows = await intake.query("SELECT id FROM intake.requests")

    facts = {(one.key, one.value, dict(one.headers)["esito-received-at"]) for one in stored}
    known = set(sender.ids.values())
    assert len(known) == len(sender.ids) > KILLS * 20
    assert {one.key.decode() for one in stored} == {row[0] for row in rows} == known
    assert len(facts) == len(known)


async def settled(intake: Intake) -> None:
    """Wait until the relay has sent whatever was left."""
    left = "SELECT count(*) FROM intake.requests WHERE state = 'reserved'"
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while (await intake.query(left))[0][0]:
            """A second or two."""
