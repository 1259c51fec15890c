"""No bytes make the ingress answer 500, or end it."""

import asyncio
import random
from typing import Final

import pytest

from tests.faults.processes import until
from tests.integration.callers import PIVOT, connected, request, signed_request
from tests.integration.ingress import Ingress

ALLOWED: Final = {100, 200, 400, 401, 404, 405, 408, 413, 415, 431}
CONNECTIONS: Final = 150
PIECES: Final = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b";", b",", b"\xff", b"\xed\xa0\x80",
    b"Content-Length: 2\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"transfer-encoding: gzip, chunked\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: Upgrade\r\n",
    b"Upgrade: websocket\r\n", b"Host: a\r\n", b"X-API-Key: a\r\n", b"Content-Type: \xff\r\n",
    b"Content-Encoding: br\r\n", b"traceparent: \xff\r\n", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2",
    b"GET ", b"CONNECT ", b"OPTIONS * ", b"http://", b"//", b"?", b"#", b"%00", b"../", b"*",
    b"0\r\n\r\n", b"2\r\n{}\r\n", b"fffffffff\r\n", b"-1\r\n", b"{}", b"{", b"[" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_any_bytes_are_answered_by_few_statuses(shared_ingress: Ingress, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed makes a failure repeatable
    exchanges = [exchange(shared_ingress, chance) for _ in range(CONNECTIONS)]

    seen = set().union(*await asyncio.gather(*exchanges))

    assert shared_ingress.process is not None
    assert shared_ingress.process.exit_code is None
    assert {200, 400, 401} <= seen <= ALLOWED
    assert shared_ingress.process.count("callback.failed") == 0
    assert shared_ingress.process.count("library.spoke", logger="aiohttp.server") == 0
    await until(lambda: waiting(shared_ingress) == 0, "nothing waits any more")


async def exchange(ingress: Ingress, chance: random.Random) -> set[int]:
    """Send damaged requests on one connection; return the statuses of all answers."""
    async with connected(ingress.port) as caller:
        for part in cut(chance, mutated(chance)):
            caller.send(part)
            await caller.flushed()
        return caller_statuses(await caller.rest())


def waiting(ingress: Ingress) -> float:
    """Return how many callbacks and bytes the process holds."""
    return sum(
        ingress.metric(f"esito_ingress_waiting_{what}", endpoint=endpoint)
        for what in ("callbacks", "bytes")
        for endpoint in ("pivot-id", "uaepass-gov")
    )


def mutated(chance: random.Random) -> bytes:
    """Return one to three requests, most of them damaged."""
    made = [
        request(body=b'{"a":1}'),
        request(key="wrong", body=b'{"a":1}'),
        signed_request(b'{"a":1}'),
        request(
            length=None,
            body=b"3\r\nabc\r\n0\r\n\r\n",
            fields=[("Transfer-Encoding", "chunked")],
        ),
        request(PIVOT + "?a=b", fields=[("Expect", "100-continue")]),
    ]
    data = bytearray(b"".join(chance.choices(made, k=chance.randint(1, 3))))
    for _ in range(chance.randint(0, 5)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[place:place] = chance.choice(PIECES)
            case 1:
                del data[place : place + chance.randint(1, 30)]
            case 2:
                data[place : place + 1] = chance.randbytes(1)
            case _:
                data[place:place] = data[chance.randrange(len(data) + 1) :][:50]
    return bytes(data)


def cut(chance: random.Random, data: bytes) -> list[bytes]:
    places = sorted(chance.choices(range(len(data) + 1), k=chance.randint(0, 3)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def caller_statuses(received: bytes) -> set[int]:
    """Return the status of every answer; bodies are problem details and hold no such line."""
    lines = received.split(b"\r\n")
    heads = [part for line in lines for part in line.split(b"}") if part.startswith(b"HTTP/1.")]
    return {int(head.split(b" ")[1]) for head in heads}
