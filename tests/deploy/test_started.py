"""Each pod's process begins with exactly what is mounted, and ends within its grace period."""

import asyncio
from pathlib import Path

import pytest

from tests.deploy.objects import Pod
from tests.deploy.rendering import OVERLAYS, rendered
from tests.deploy.started_pods import Ended, lay_out, run_until_healthy
from tests.deploy.violations import put

AT_ONCE = 3
OVERLAY = "overlays/production"


async def test_every_process_starts_with_what_its_pod_mounts_and_ends_in_time(
    tmp_path: Path,
) -> None:
    whole = rendered(OVERLAY)
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


async def test_process_without_one_of_its_secrets_does_not_start(tmp_path: Path) -> None:
    whole = rendered(OVERLAY)
    mounts = "spec/template/spec/containers/0/volumeMounts"
    place = next(
        number
        for number, one in enumerate(_ingress(whole.pods).container["volumeMounts"])
        if one["name"] == "keys-wallet"
    )

    put("Deployment", "ingress", f"{mounts}/{place}")(whole)
    pod = _ingress(whole.pods)
    ended = await run_until_healthy(pod, lay_out(whole, pod, tmp_path))

    assert (ended.answered, ended.exit_code) == (0, 2)
    assert "keys/wallet" in ended.log


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_poller_alone_is_gone_before_its_successor_comes(overlay: str) -> None:
    strategies = {
        pod.process: pod.owner["spec"]["strategy"]
        for pod in rendered(overlay).pods
        if pod.is_deployed
    }

    poller = strategies.pop("poller", {"type": "Recreate"})

    assert poller == {"type": "Recreate"}
    surge = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert all(one == surge for one in strategies.values())


def _ingress(pods: list[Pod]) -> Pod:
    return next(pod for pod in pods if pod.name == "ingress")
