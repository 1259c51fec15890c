"""A record that fails, a record that kills, and a day on which everything fails."""

import signal

import pytest

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE, ERROR_EXCEPTION
from tests.faults.client import Client
from tests.faults.odd_worker import DEADLY, POISONOUS
from tests.faults.pipeline import PARTITIONS, Pipeline
from tests.faults.processes import EsitoProcess

DEATHS_MAX = 2
RECORDS_MIN = 20


@pytest.fixture(scope="module", autouse=True)
def _ingress(pipeline: Pipeline) -> None:
    pipeline.ingress()


async def test_record_that_fails_is_poisoned_and_nothing_else(
    pipeline: Pipeline, marker: str
) -> None:
    workers = [pipeline.odd_worker("verifier", "--fragile"), pipeline.worker("state-machine")]
    client = pipeline.client(marker)

    async with client.connected():
        await client.transactions(10)
        await client.send(client.callback(f"{marker}-{POISONOUS.decode()}", "PAID"))
        await client.transactions(10)
        verdict = await pipeline.judged("one record fails", client)

    assert verdict.violations == ()
    assert await poisoned(pipeline, client) == ["ZeroDivisionError"]
    assert workers[0].count("record.poisoned") == 1
    assert [await worker.stop() for worker in workers] == [0, 0]


async def test_record_that_kills_the_process_is_given_up_after_bounded_deaths(
    pipeline: Pipeline, marker: str
) -> None:
    state_machine = pipeline.worker("state-machine")
    client = pipeline.client(marker)
    deaths = 0

    async with client.connected():
        # First of its partition: it kills while the others' first batches are under way too.
        await client.send(client.callback(f"{marker}-{DEADLY.decode()}", "PAID"))
        await client.transactions(20)
        while (worker := fragile_worker(pipeline)) and not await survives(pipeline, worker):
            deaths += 1
            assert deaths <= DEATHS_MAX + 2
        verdict = await pipeline.judged("one record kills", client)

    assert verdict.violations == ()
    assert verdict.dead_letters == 1
    assert await poisoned(pipeline, client) == ["Rejected"]
    assert deaths >= DEATHS_MAX
    assert [await worker.stop(), await state_machine.stop()] == [0, 0]


async def test_wrong_key_opens_the_breaker_and_the_right_one_closes_it(
    pipeline: Pipeline, marker: str
) -> None:
    pipeline.deploy_key(right=False)
    workers = [
        pipeline.worker("verifier", provider="uaepass"),
        pipeline.worker("state-machine", provider="uaepass"),
    ]
    client = pipeline.client(marker, provider="uaepass")

    async with client.connected():
        await client.transactions(150)
        await workers[0].says("breaker.opened", times=PARTITIONS)
        pipeline.deploy_key(right=True)
        await workers[0].says("breaker.closed", times=PARTITIONS)
        await client.transactions(20)
        verdict = await pipeline.judged("wrong key, then right", client, provider="uaepass")

    assert verdict.violations == ()
    # Each partition may have a batch under way that the others' window does not count yet.
    assert verdict.dead_letters < RECORDS_MIN * PARTITIONS
    assert verdict.status_events == 170 - verdict.dead_letters
    assert [await worker.stop() for worker in workers] == [0, 0]


def fragile_worker(pipeline: Pipeline) -> EsitoProcess:
    return pipeline.odd_worker("verifier", "--fragile", ESITO_WORKER__DEATHS_MAX=str(DEATHS_MAX))


async def survives(pipeline: Pipeline, worker: EsitoProcess) -> bool:
    """Tell whether `worker` reaches the end of its topic alive."""
    if await pipeline.consumed("verifier", unless=lambda: worker.exit_code is not None):
        return True
    assert worker.exit_code == -signal.SIGKILL
    return False


async def poisoned(pipeline: Pipeline, client: Client) -> list[str]:
    """Return the exceptions of the poisoned dead letters."""
    async with pipeline.reader() as reader:
        history = await reader.read(client.marker, ())
    return [
        one.headers[ERROR_EXCEPTION].decode()
        for one in history.rejected
        if one.headers[CODE].decode() == RejectionCode.POISONED
    ]
