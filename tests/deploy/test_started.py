"""Each pod's process begins with exactly what is mounted, and ends within its grace period."""

import asyncio
from pathlib import Path, PurePosixPath

import pytest

from tests.deploy.objects import Pod
from tests.deploy.rendering import rendered
from tests.deploy.started_pods import Ended, lay_out, run_until_healthy, take_away

AT_ONCE = 3
OVERLAY = "overlays/production"
# Read whenever the database is connected to, which is away here.
LATER = "/etc/esito/trust/database"


@pytest.mark.parametrize("overlay", [OVERLAY, "overlays/single-provider"])
async def test_every_process_starts_with_what_its_pod_mounts_and_ends_in_time(
    overlay: str, tmp_path: Path
) -> None:
    whole = rendered(overlay)
    room = asyncio.Semaphore(AT_ONCE)

    async def run(pod: Pod) -> Ended:
        async with room:
            return await run_until_healthy(pod, lay_out(whole, pod, tmp_path / pod.name))

    deployed = [pod for pod in whole.pods if pod.is_deployed]
    ended = await asyncio.gather(*(run(pod) for pod in deployed))

    found = {pod.name: one for pod, one in zip(deployed, ended, strict=True)}
    assert {name: one.log for name, one in found.items() if one.answered != 200} == {}
    assert {name: one.log for name, one in found.items() if one.exit_code} == {}
    late = {
        pod.name: found[pod.name].seconds
        for pod in deployed
        if found[pod.name].seconds > pod.spec["terminationGracePeriodSeconds"] - 5
    }
    assert late == {}


async def test_process_without_one_of_its_mounts_ends_and_says_which(tmp_path: Path) -> None:
    whole = rendered(OVERLAY)
    room = asyncio.Semaphore(AT_ONCE)

    async def run(pod: Pod, place: PurePosixPath) -> Ended:
        async with room:
            configuration = lay_out(whole, pod, tmp_path / place.relative_to("/"))
            take_away(place, configuration)
            return await run_until_healthy(pod, configuration)

    mounts = _one_pod_for_each_mount(whole.pods)
    ended = await asyncio.gather(*(run(pod, place) for place, pod in mounts.items()))

    found = {str(place): one for place, one in zip(mounts, ended, strict=True)}
    assert {place: one.log for place, one in found.items() if one.exit_code != 2} == {}
    unnamed = {
        place: one.log
        for place, one in found.items()
        if place.removeprefix("/etc/esito/") not in one.log
    }
    assert unnamed == {}


def _one_pod_for_each_mount(pods: list[Pod]) -> dict[PurePosixPath, Pod]:
    return {
        place: pod
        for pod in reversed(pods)
        if pod.is_deployed
        for kind in ("secret", "configMap")
        for place, _, _ in pod.mounts(kind)
        if str(place) != LATER
    }
