"""Each mutant of the loop is caught by the checker under the fault that exposes it.

The same faults leave the real loop without a violation: test_killed_process.py and
test_changed_owner.py.
"""

import pytest

from tests.faults.pipeline import Pipeline, working


@pytest.fixture(scope="module", autouse=True)
def _neighbours(pipeline: Pipeline) -> None:
    pipeline.ingress()
    pipeline.worker("state-machine")


async def test_offset_committed_before_produce_is_caught(pipeline: Pipeline, marker: str) -> None:
    doomed = pipeline.odd_worker("verifier", "--mutant", "commits-first", "--kill-at", "between:5")
    client = pipeline.client(marker)

    async with client.connected():
        async with client.load():
            await doomed.ended()
            heir = pipeline.worker("verifier")
            await working(heir)
        await client.transactions(5)
        await pipeline.passed(client)
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


@pytest.mark.parametrize("role", ["verifier", "state-machine"])
async def test_owner_without_fence_is_caught(
    pipeline: Pipeline, marker: str, role: str
) -> None: ...
