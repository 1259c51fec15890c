"""Partitions change hands under load: members join and leave, and a former owner wakes up."""

import pytest

from tests.faults.pipeline import Pipeline, working
from tests.faults.processes import until

ROLES = ["verifier", "state-machine"]


@pytest.fixture(scope="module", autouse=True)
def _ingress(pipeline: Pipeline) -> None:
    pipeline.ingress()


@pytest.mark.parametrize("role", ROLES)
async def test_member_joining_and_leaving_under_load_loses_and_doubles_nothing(
    pipeline: Pipeline, marker: str, role: str
) -> None:
    other = pipeline.worker("state-machine" if role == "verifier" else "verifier")
    first = pipeline.worker(role)
    client = pipeline.client(marker)
    await working(other)
    await working(first)

    async with client.connected():
        async with client.load():
            second = pipeline.worker(role)
            await second.says("partition.taken")
            joined = client.acknowledged[:]
            await first.stop()
            await working(second)
        verdict = await pipeline.judged(f"{role} joins, another leaves", client)

    assert joined
    assert first.count("partition.released") >= 3
    assert verdict.violations == ()
    assert [await second.stop(), await other.stop()] == [0, 0]


@pytest.mark.parametrize(
    ("role", "point"),
    [
        ("verifier", "produced"),
        ("verifier", "offsets_sent"),
        ("state-machine", "fetched"),
        ("state-machine", "offsets_sent"),
    ],
)
async def test_former_owner_that_wakes_up_writes_nothing_more(
    pipeline: Pipeline, marker: str, role: str, point: str
) -> None:
    other = pipeline.worker("state-machine" if role == "verifier" else "verifier")
    sleeper = pipeline.odd_worker(role, "--stop-at", f"{point}:8")
    client = pipeline.client(marker)

    async with client.connected():
        async with client.load():
            await until(lambda: sleeper.is_stopped, f"{sleeper.name} is frozen")
            heir = pipeline.worker(role)
            await working(heir)
            sleeper.thaw()
            await until(
                lambda: sleeper.count("partition.fenced") + sleeper.count("partition.released") > 0,
                f"{sleeper.name} has found out",
            )
        verdict = await pipeline.judged(f"{role} wakes up at {point}", client)

    assert verdict.violations == ()
    assert [await one.stop() for one in (sleeper, heir, other)] == [0, 0, 0]
