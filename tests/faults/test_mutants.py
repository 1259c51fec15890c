"""Each mutant of the loop is caught by the checker under the fault that exposes it.

The same faults leave the real loop without a violation: test_killed_process.py and
test_changed_owner.py.
"""

import pytest

from tests.faults.client import Client
from tests.faults.pipeline import Pipeline, working
from tests.faults.processes import until


@pytest.fixture(scope="module", autouse=True)
def _neighbours(pipeline: Pipeline) -> None:
    pipeline.ingress()
    pipeline.worker("state-machine")


async def test_offset_committed_before_produce_is_caught(pipeline: Pipeline, marker: str) -> None:
    doomed = pipeline.odd_worker("verifier", "--mutant", "commits-first", "--kill-at", "between:5")
    client = pipeline.client(marker)

    async with client.connected(), client.load():
        await doomed.ended()
        heir = pipeline.worker("verifier")
        await working(heir)
    await pipeline.consumed("verifier")
    verdict = await pipeline.judged("MUTANT commits first, killed", client, settled=False)

    assert verdict.lost
    await heir.stop()


async def test_offset_outside_the_kafka_transaction_is_caught(
    pipeline: Pipeline, marker: str
) -> None:
    doomed = pipeline.odd_worker(
        "verifier", "--mutant", "offsets-outside", "--kill-at", "between:5"
    )
    client = pipeline.client(marker)

    async with client.connected():
        async with client.load():
            await doomed.ended()
            heir = pipeline.worker("verifier")
            await working(heir)
        verdict = await pipeline.judged("MUTANT offsets outside, killed", client)

    assert verdict.doubled_records
    await heir.stop()


async def test_verifier_without_fence_is_caught(pipeline: Pipeline, marker: str) -> None:
    client = pipeline.client(marker)

    await woken_without_fence(pipeline, "verifier", client)
    verdict = await pipeline.judged("MUTANT verifier without fence, wakes up", client)

    assert verdict.doubled_records


async def test_state_machine_without_fence_is_caught(pipeline: Pipeline, marker: str) -> None:
    verifier = pipeline.worker("verifier")
    await pipeline.end("state-machine")
    client = pipeline.client(marker)

    await woken_without_fence(pipeline, "state-machine", client)
    verdict = await pipeline.judged(
        "MUTANT state machine without fence, wakes up", client, settled=False
    )

    assert verdict.doubled_ids
    assert verdict.doubled_effects
    await verifier.stop()


async def woken_without_fence(pipeline: Pipeline, role: str, client: Client) -> None:
    """Freeze an owner in a Kafka transaction until another has its work, then wake it."""
    sleeper = pipeline.odd_worker(role, "--mutant", "unfenced", "--stop-at", "offsets_sent:8")
    async with client.connected(), client.load():
        await until(lambda: sleeper.is_stopped, f"{sleeper.name} is frozen")
        heir = pipeline.odd_worker(role, "--mutant", "unfenced")
        await working(heir)
        sleeper.thaw()
        await sleeper.says("partition.released")
    await sleeper.stop()
    await pipeline.consumed(role)
    await heir.stop()
