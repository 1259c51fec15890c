"""Verifiers of SEND come and go while they judge files: each request gets one verdict."""

import asyncio
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

import psutil

from ops.embedded.storage import free_ports
from tests.faults.pods import Terms
from tests.faults.processes import EsitoProcess, until
from tests.faults.table import Row, Table
from tests.hostile_pdfs import page_chain
from tests.integration.ingress import fetched
from tests.judging_processes import held_bytes, judging
from tests.pdfs import pdf
from tests.send.verifier import PARTITIONS, SendVerifier, left_behind

BATCH = 10
PAGES = 10_000


async def test_rolling_update_of_verifiers_that_judge_files_loses_and_doubles_nothing(
    site: SendVerifier, fault_table: Table
) -> None:
    grace_seconds = Terms.of("verifier").grace_seconds
    old = [await started(site) for _ in range(PARTITIONS)]
    await until(lambda: all(map(taken, old)), "each has a partition")
    judges: list[psutil.Process] = []

    async with asyncio.TaskGroup() as group:
        load = Load(site)
        sending = group.create_task(load.run())
        for _ in range(PARTITIONS):
            new = await started(site)
            await load.goes_on()
            # The new one may have taken over what the last old one had.
            going = await with_a_file(old) if len(old) > 1 else old[0]
            judges += judging(going.pid)
            assert await going.stop(grace_seconds) == 0
            old.remove(going)
            await until(partial(taken, new), "the new one has its partition")
        await load.goes_on()
        load.stopping = True
        await sending
    found = await site.verdicts(load.sent)

    fault_table.add(Row(f"rolling update of verifiers of SEND: {load.sent} sent", found.judged()))
    assert found.judged().violations == ()
    assert len(set(found.iuns())) == load.sent
    assert not any(one.is_running() for one in judges)
    assert left_behind(site.directory) == []


class Load:
    """Requests with files, into every partition, until told to stop."""

    def __init__(self, site: SendVerifier) -> None:
        """Send nothing yet."""
        self._site = site
        self.sent = 0
        self.stopping = False

    async def run(self) -> None:
        """Send batch by batch, each once the one before has its verdicts."""
        small = await self._site.store.upload(pdf())
        slow = await self._site.store.upload(page_chain(PAGES))
        for first in range(0, 1_000_000, BATCH):
            if self.stopping:
                return
            uploads = [slow, *[small] * (BATCH - 1)]
            for partition in range(PARTITIONS):
                await self._site.produce(partition, uploads, first=first)
            await self._site.verdicts(self.sent + BATCH * PARTITIONS)
            self.sent += BATCH * PARTITIONS

    async def goes_on(self) -> None:
        """Wait until one more batch was sent and has its verdicts."""
        begun = self.sent
        await until(lambda: self.sent > begun, "requests get their verdicts")


async def started(site: SendVerifier) -> EsitoProcess:
    """Start a verifier on a management port of its own, as pods have; wait until it is ready."""
    (port,) = free_ports(1)
    process = site.start(ESITO_MANAGEMENT_PORT=str(port))
    await until(lambda: fetched(port, "/readyz")[0] == HTTPStatus.OK, f"{process.name} is ready")
    return process


async def with_a_file(verifiers: Sequence[EsitoProcess]) -> EsitoProcess:
    """Return one of these verifiers when it has a file in hand."""
    found: list[EsitoProcess] = []

    def seen() -> bool:
        found.extend(one for one in verifiers if any(map(held_bytes, judging(one.pid))))
        return bool(found)

    await until(seen, "one of them has a file in hand")
    return found[0]


def taken(verifier: EsitoProcess) -> bool:
    """Tell whether a verifier has had a partition."""
    return verifier.count("partition.taken") > 0
