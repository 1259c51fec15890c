"""kill -9 at every point between input and commit, and of the ingress under load."""

import signal

import pytest

from runtime.failpoint import WORKER_POINTS
from tests.faults.pipeline import Pipeline, working
from tests.faults.processes import EsitoProcess, until

# By then every partition has announced its first batch, and the kill meets a batch with records.
PASSAGES = {"fetched": 4, "processed": 5, "begun": 9, "produced": 10, "offsets_sent": 11}
COMMITTED = 9


@pytest.fixture(scope="module", autouse=True)
def ingress(pipeline: Pipeline) -> EsitoProcess:
    return pipeline.ingress()


@pytest.mark.parametrize("point", WORKER_POINTS)
@pytest.mark.parametrize("role", ["verifier", "state-machine"])
async def test_worker_killed_loses_and_doubles_nothing(
    pipeline: Pipeline, marker: str, role: str, point: str
) -> None:
    other = pipeline.worker("state-machine" if role == "verifier" else "verifier")
    doomed = pipeline.worker(role, failpoint=f"{point}:{PASSAGES.get(point, COMMITTED)}")
    client = pipeline.client(marker)
    await working(other)

    async with client.connected():
        async with client.load():
            exit_code = await doomed.ended()
            heir = pipeline.worker(role)
            await working(heir)
        verdict = await pipeline.judged(f"{role} killed at {point}", client)

    assert exit_code == -signal.SIGKILL
    assert verdict.violations == ()
    assert [await heir.stop(), await other.stop()] == [0, 0]


async def test_ingress_killed_under_load_keeps_what_it_acknowledged(
    pipeline: Pipeline, marker: str, ingress: EsitoProcess
) -> None:
    workers = [pipeline.worker("verifier"), pipeline.worker("state-machine")]
    client = pipeline.client(marker)

    async with client.connected():
        async with client.load(senders=20):
            for killed in (ingress, pipeline.ingress, pipeline.ingress):
                process = killed if isinstance(killed, EsitoProcess) else killed()
                begun = len(client.acknowledged)
                await until(lambda: len(client.acknowledged) > begun + 100, "it acknowledges")  # noqa: B023 - awaited in this very turn of the loop
                process.kill()
            pipeline.ingress()
        verdict = await pipeline.judged("ingress killed three times", client)

    assert verdict.violations == ()
    assert [await worker.stop() for worker in workers] == [0, 0]
