"""SIGTERM, SIGKILL, several processes: what was answered 200 is stored, nobody is left over."""

import asyncio
from collections.abc import Callable

import psutil

from ops.embedded.storage import free_ports
from tests.faults.processes import until
from tests.integration.callers import call, connected, request
from tests.integration.ingress import Ingress, running
from tests.integration.load import Load


async def test_sigterm_under_load_every_200_is_stored(make_ingress: Callable[..., Ingress]) -> None:
    async with running(make_ingress()) as ingress:
        load = Load(ingress.port, connections=20)
        await load.has_acknowledged(300)

        code = await ingress.stop()
        await load.stop()

        assert code == 0
        assert load.acknowledged <= set(await ingress.bodies())
        assert set(load.statuses) <= {0, 200, 503}


async def test_sigterm_under_load_each_caller_hears_200_503_or_a_closed_connection(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(make_ingress()) as ingress:
        callers = [connected(ingress.port) for _ in range(10)]
        open_callers = [await one.__aenter__() for one in callers]
        for caller in open_callers:
            caller.send(request())
            await caller.answer()

        code = await ingress.stop()
        rests = [await caller.rest() for caller in open_callers]
        for one in callers:
            await one.__aexit__(None, None, None)

    assert code == 0
    assert rests == [b""] * 10


async def test_sigkill_under_load_every_200_is_stored(make_ingress: Callable[..., Ingress]) -> None:
    async with running(make_ingress()) as ingress:
        load = Load(ingress.port, connections=20)
        await load.has_acknowledged(300)

        assert ingress.process is not None
        ingress.process.kill()
        await load.stop()

        assert load.acknowledged <= set(await ingress.bodies())


async def test_two_processes_share_the_port_and_end_together(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(twin(make_ingress), topics=False) as ingress:
        await both_ready(ingress)
        answers = await asyncio.gather(*(call(ingress.port, request()) for _ in range(200)))
        shares = [accepted(ingress, index) for index in (0, 1)]
        code = await ingress.stop()

    assert {answer.status for answer in answers} == {200}
    assert sum(shares) == 200
    assert min(shares) > 0
    assert code == 0


async def test_two_processes_one_killed_the_other_ends_too(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(twin(make_ingress), topics=False) as ingress:
        await both_ready(ingress)
        assert ingress.process is not None
        first, second = children(ingress)

        first.kill()
        code = await ingress.process.ended()

        assert code == 2
        assert not second.is_running()


async def test_two_processes_parent_killed_the_children_end(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(twin(make_ingress), topics=False) as ingress:
        await both_ready(ingress)
        assert ingress.process is not None
        orphans = children(ingress)

        ingress.process.kill()

        await until(lambda: not any(one.is_running() for one in orphans), "the children end")


async def test_port_taken_ends_with_a_message_that_names_it(
    make_ingress: Callable[..., Ingress],
) -> None:
    ingress = make_ingress(port=1)
    ingress.settings["ingress"]["host"] = "192.0.2.1"
    ingress.launch()
    assert ingress.process is not None

    code = await ingress.process.ended()

    assert code == 2
    assert "ingress port 192.0.2.1:1" in ingress.log_text()


async def test_connection_over_the_limit_is_broken_off_and_the_others_are_served(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with (
        running(make_ingress(connections_max=2)) as ingress,
        connected(ingress.port) as first,
        connected(ingress.port) as second,
    ):
        for caller in (first, second):
            caller.send(request())
            await caller.answer()
        async with connected(ingress.port) as third:
            third.send(request())
            rest = await third.rest()
        first.send(request())
        answer = await first.answer()

    assert rest == b""
    assert answer.status == 200


def twin(make_ingress: Callable[..., Ingress]) -> Ingress:
    """Return an ingress of two processes, whose ports must be known beforehand."""
    ingress = make_ingress(processes=2)
    port, management = free_ports(2)
    ingress.settings["ingress"]["port"] = port
    ingress.settings["management_port"] = management
    return ingress


async def both_ready(ingress: Ingress) -> None:
    await ingress.create_topics()
    ingress.management_port = ingress.settings["management_port"]
    await until(
        lambda: all(ingress.managed("/readyz", index=index)[0] == 200 for index in (0, 1)),
        "both processes are ready",
    )


def accepted(ingress: Ingress, index: int) -> float:
    return ingress.metric(
        "esito_ingress_callbacks_total", index=index, endpoint="pivot-id", outcome="accepted"
    )


def children(ingress: Ingress) -> list[psutil.Process]:
    assert ingress.process is not None
    return [
        process
        for process in psutil.process_iter(["cmdline", "ppid"])
        if process.info["ppid"] == ingress.process.pid
    ]
