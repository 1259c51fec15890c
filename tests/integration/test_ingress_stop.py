"""SIGTERM: what waits is closed at once, what is under way is answered, and the process ends."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Final

import pytest

from tests.faults.processes import until
from tests.integration.callers import Caller, call, connected, request
from tests.integration.ingress import Ingress, running

GRACE_SECONDS: Final = 40  # what the fault before took, less five, is far above any slow machine
PROMPT_SECONDS_MAX: Final = 12.0
CONNECTIONS: Final = 80  # of each caller, within the files that a test may have open
BODY: Final = b'{"stop": true}'


async def stopped(ingress: Ingress) -> float:
    """End the process by SIGTERM; return how long it took."""
    began = time.monotonic()
    assert await ingress.stop() == 0
    return time.monotonic() - began


async def opened(stack: AsyncExitStack, ingress: Ingress, begun: bytes) -> Caller:
    caller = await stack.enter_async_context(connected(ingress.port))
    caller.send(begun)
    await caller.flushed()
    return caller


@pytest.fixture
def ingress(make_ingress: Callable[..., Ingress]) -> Ingress:
    return make_ingress(grace_seconds=GRACE_SECONDS, body_seconds=30)


async def test_connections_that_wait_are_closed_and_hold_nobody_up(ingress: Ingress) -> None:
    head = request(body=BODY).removesuffix(b"\r\n" + BODY)
    async with running(ingress), AsyncExitStack() as stack:
        waiting = [await opened(stack, ingress, begun) for begun in (b"", b"PO", head)]
        kept = await opened(stack, ingress, request(body=BODY))
        answer = await kept.answer()

        seconds = await stopped(ingress)
        rest = [await one.rest() for one in (*waiting, kept)]

    assert answer.status == 200
    assert rest == [b""] * 4
    assert seconds < PROMPT_SECONDS_MAX


async def test_body_under_way_is_stored_and_answered_with_a_close(ingress: Ingress) -> None:
    data = request(body=BODY)
    async with running(ingress), AsyncExitStack() as stack:
        caller = await opened(stack, ingress, data[:-5])
        await until(lambda: is_waiting(ingress), "the head is read")
        stopping = asyncio.create_task(stopped(ingress))
        await refuses_connections(ingress)

        caller.send(data[-5:])
        answer = await caller.answer()
        seconds = await stopping
        bodies = await ingress.bodies()

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert bodies == [BODY]
    assert seconds < PROMPT_SECONDS_MAX


async def test_callers_who_keep_coming_hold_nobody_up(ingress: Ingress) -> None:
    """A connection accepted in the moment of the signal once held the process to its grace."""
    async with running(ingress), AsyncExitStack() as stack:
        callers = [asyncio.create_task(keep_coming(stack, ingress.port)) for _ in range(10)]
        await call(ingress.port, request(body=BODY))

        seconds = await stopped(ingress)
        await asyncio.gather(*callers)

    assert seconds < PROMPT_SECONDS_MAX


async def keep_coming(stack: AsyncExitStack, port: int) -> None:
    """Open one connection after the other, and say nothing on them."""
    with suppress(OSError):
        for _ in range(CONNECTIONS):
            await stack.enter_async_context(connected(port))


def is_waiting(ingress: Ingress) -> bool:
    return ingress.metric("esito_ingress_waiting_callbacks", endpoint="pivot-id") == 1


async def refuses_connections(ingress: Ingress) -> None:
    """Wait until the process has begun to stop."""
    with suppress(OSError):
        while True:
            async with connected(ingress.port) as caller:
                await caller.flushed()
