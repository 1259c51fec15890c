"""The sender against a server whose answers are written down: it retries as its provider would."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from contracts.errors import Broken
from ops.embedded.storage import free_ports
from ops.local.installation import Addresses, write_installation
from runtime.configuration_file import load_configuration
from simulator.plan import Callback, Fault, Plan, Step, Story
from simulator.play import Stage, paused, send_plan
from simulator.sender import Sent

CUT = 0  # the connection is cut instead of an answer


@pytest.mark.parametrize(
    ("answers", "attempts", "end", "acknowledged"),
    [
        ([200], 1, 200, 1),
        ([503, 429, 408, 200], 4, 200, 1),
        ([CUT, 200], 2, 200, 1),
        # Every other 4xx loses the callback: nobody asks a second time.
        ([401, 200], 1, 401, 0),
        ([400, 200], 1, 400, 0),
        ([404, 200], 1, 404, 0),
        ([409, 200], 1, 409, 1),
        ([413, 200], 1, 413, 0),
        ([302, 200], 1, 302, 0),
        # Six retries, then it is flagged for a person.
        ([503] * 7 + [200], 7, 503, 0),
        ([CUT] * 7 + [200], 7, None, 0),
    ],
)
async def test_callback_is_sent_as_often_as_pivot_would(
    tmp_path: Path, answers: list[int], attempts: int, end: int | None, acknowledged: int
) -> None:
    plan = Plan("pivot", (Story((Step((Callback(b"{}"),)),)),))

    async with server(answers) as url:
        sent = await send(tmp_path, plan, url)

    assert sent.attempts == attempts
    assert sent.ends == {end: 1}
    assert sent.acknowledged.total() == acknowledged


async def test_steps_of_a_story_are_sent_in_order_each_after_the_former_is_out(
    tmp_path: Path,
) -> None:
    bodies: list[bytes] = []
    steps = tuple(Step((Callback(b"%d" % n),), statuses=(("t", "PAID"),)) for n in range(5))

    async with server([200] * 5, seen=bodies.append) as url:
        await send(tmp_path, Plan("pivot", (Story(steps),)), url)

    assert bodies == [b"0", b"1", b"2", b"3", b"4"]


async def test_stories_of_a_burst_are_under_way_together(tmp_path: Path) -> None:
    """A server that answers none before it has all would never answer a sender that waits."""
    stories = tuple(Story((Step((Callback(b"%d" % n),)),), Fault.BURST) for n in range(200))

    async with server([200] * 200, together=200) as url:
        sent = await send(tmp_path, Plan("pivot", stories), url)

    assert sent.ends == {200: 200}


async def test_send_without_its_streams_says_where_they_were_looked_for(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    file = write_installation(tmp_path, Addresses(streams_port=port))
    stage = Stage(url="http://127.0.0.1:1", configuration=load_configuration(file, environ={}))

    said = rf"^http://127\.0\.0\.1:{port} does not answer; see streams\.public_url$"
    with pytest.raises(Broken, match=said):
        await send_plan(stage, Plan("send", ()), paused(0))


async def send(directory: Path, plan: Plan, url: str) -> Sent:
    configuration = load_configuration(write_installation(directory, Addresses()), environ={})
    stage = Stage(url=url, configuration=configuration, retry_seconds=0.08)
    return await send_plan(stage, plan, paused(0))


@asynccontextmanager
async def server(
    answers: list[int], *, seen: Callable[[bytes], None] = lambda _: None, together: int = 1
) -> AsyncIterator[str]:
    """Serve the answers one after another; with `together`, only once so many are waiting."""
    left = iter(answers)
    waiting = 0
    full = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal waiting
        seen(await request.read())
        waiting += 1
        if waiting >= together:
            full.set()
        await full.wait()
        status = next(left)
        if status == CUT and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 200)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
