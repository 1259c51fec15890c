"""Pods come and go under load as deploy/k8s says: nothing is lost, doubled or refused."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.faults.client import Client
from tests.faults.pipeline import PARTITIONS, Pipeline
from tests.faults.pods import Deployment, Service
from tests.faults.processes import until

ROLES = ["ingress", "verifier", "state-machine"]

Deployments = Mapping[str, Deployment]


@pytest.fixture(scope="module")
def deployments(pipeline: Pipeline) -> Deployments:
    """Give a Deployment of each role; their pods go on from test to test."""
    return {role: Deployment(pipeline, role) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
async def test_scaling_from_one_to_four_to_one_loses_and_doubles_nothing(
    pipeline: Pipeline, marker: str, deployments: Deployments, role: str
) -> None:
    client, scaled = pipeline.client(marker), deployments[role]

    async with under_load(client, deployments, replicas=1) as service:
        await scaled.scale(4)
        await until(lambda: at_work(scaled, service) >= PARTITIONS, "the new pods have work")
        await acknowledges(client, 50)
        await scaled.scale(1)
        await acknowledges(client, 50)

    await nothing_is_amiss(f"1 → 4 → 1 of {role}", pipeline, client, deployments)
    assert len(scaled.gone) == 3


@pytest.mark.parametrize("roles", [["ingress"], ["verifier", "state-machine"]], ids=" ".join)
async def test_rolling_update_loses_and_doubles_nothing(
    pipeline: Pipeline, marker: str, deployments: Deployments, roles: list[str]
) -> None:
    client, updated = pipeline.client(marker), [deployments[role] for role in roles]

    async with under_load(client, deployments, replicas=2):
        await asyncio.gather(*(one.roll_out() for one in updated))
        await acknowledges(client, 50)

    fault = f"rolling update of {' and '.join(roles)}"
    await nothing_is_amiss(fault, pipeline, client, deployments)
    assert [len(one.gone) for one in updated] == [2] * len(updated)


async def test_drain_of_a_node_with_every_pod_loses_and_doubles_nothing(
    pipeline: Pipeline, marker: str, deployments: Deployments
) -> None:
    client = pipeline.client(marker)

    async with under_load(client, deployments, replicas=2):
        await asyncio.gather(*(one.drain() for one in deployments.values()))
        await acknowledges(client, 50)

    await nothing_is_amiss("drain of every role", pipeline, client, deployments)
    assert [len(one.gone) for one in deployments.values()] == [2, 2, 2]


@asynccontextmanager
async def under_load(
    client: Client, deployments: Deployments, *, replicas: int
) -> AsyncIterator[Service]:
    """Have `replicas` pods of each role, and callbacks on their way through them."""
    service = Service(deployments["ingress"])
    client.port = service.port
    async with AsyncExitStack() as stack:
        for one in deployments.values():
            await stack.enter_async_context(one.controlled())
        await asyncio.gather(*(one.begin(replicas) for one in deployments.values()))
        await stack.enter_async_context(client.connected())
        await stack.enter_async_context(client.load(senders=4))
        await acknowledges(client, 50)
        yield service


async def acknowledges(client: Client, number: int) -> None:
    """Wait until `number` more callbacks are acknowledged."""
    begun = len(client.acknowledged)
    await until(lambda: len(client.acknowledged) >= begun + number, f"{number} acknowledged")


def at_work(deployment: Deployment, service: Service) -> int:
    """Return how many pods have had a partition, or a call."""
    return sum(
        service.calls[pod.port] > 0 or pod.process.count("partition.taken") > 0
        for pod in deployment.pods
    )


async def nothing_is_amiss(
    fault: str, pipeline: Pipeline, client: Client, deployments: Deployments
) -> None:
    """Put the verdict in the table; every callback is answered 200, every pod ends by itself."""
    gone = [pod for one in deployments.values() for pod in one.gone]
    seconds = max(pod.end_seconds for pod in gone)
    sent = client.answers.total() + client.unanswered
    verdict = await pipeline.judged(f"{fault}: {sent} sent, gone in {seconds:.1f} s", client)

    assert verdict.violations == ()
    assert [pod.process.exit_code for pod in gone] == [0] * len(gone)
    assert (set(client.answers), client.unanswered) == ({200}, 0)
