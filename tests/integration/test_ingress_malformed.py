"""What is no HTTP, or never ends, is answered once and its connection closed."""

import pytest

from tests.integration.callers import PIVOT, connected, request
from tests.integration.ingress import Ingress

CHUNKED = ("Transfer-Encoding", "chunked")
TWO_CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02 garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST\r\n\r\n",
        request(method="FOO"),
        request().replace(b"HTTP/1.1", b"HTTP/3.0"),
        request().replace(b"\r\n", b"\n"),
        request().replace(b"Host: callbacks.example.org\r\n", b""),
        request(fields=[("Host", "other")]),
        request(fields=[("X-Folded", "a\r\n b")]),
        request(fields=[("X-Nul", b"a\x00b")]),
        request(fields=[("X-Long", "a" * 33_000)]),
        request(PIVOT + "?" + "a" * 9_000),
        request(fields=[(f"X-{n}", "a") for n in range(200)]),
        # A signature may cover the media type, and must not leave a choice.
        request(fields=[("Content-Type", "application/xml")]),
        # Two readers of one request must not see two requests.
        request(body=TWO_CHUNKS, fields=[CHUNKED]),
        request(fields=[("Content-Length", "2")]),
        request(fields=[("Content-Length", "7")]),
        request(length=None, fields=[("Content-Length", "+2")]),
        request(length=None, fields=[("Content-Length", "-2")]),
        request(length=None, fields=[("Content-Length", "2, 2")]),
        request(length=10**40),
        request(length=None, body=b"zz\r\n{}\r\n0\r\n\r\n", fields=[CHUNKED]),
        request(length=None, body=b"-1\r\n{}\r\n0\r\n\r\n", fields=[CHUNKED]),
        request(length=None, body=b"2\n{}\n0\n\n", fields=[CHUNKED]),
        request(length=None, body=TWO_CHUNKS, fields=[("Transfer-Encoding ", "chunked")]),
        request(length=None, body=TWO_CHUNKS, fields=[CHUNKED, CHUNKED]),
        request(length=None, body=TWO_CHUNKS, fields=[(CHUNKED[0], "chunked, identity")]),
    ],
)
async def test_what_is_no_http_is_answered_400_and_the_connection_closed(
    shared_ingress: Ingress, data: bytes
) -> None:
    before = shared_ingress.refused("request_malformed", endpoint="")

    async with connected(shared_ingress.port) as caller:
        caller.send(data)
        answer = await caller.answer()
        rest = await caller.rest()

    assert (answer.status, answer.is_problem, rest) == (400, True, b"")
    assert answer.headers["server"] == "esito"
    assert shared_ingress.refused("request_malformed", endpoint="") == before + 1


async def test_smuggled_second_request_is_never_handled(shared_ingress: Ingress) -> None:
    hidden = b'{"marker":"smuggled"}'
    body = b"0\r\n\r\n" + request(body=hidden)

    async with connected(shared_ingress.port) as caller:
        caller.send(request(body=body, fields=[CHUNKED]))
        await caller.rest()

    assert hidden not in await shared_ingress.bodies()


async def test_chunked_body_over_the_limit_is_answered_413(shared_ingress: Ingress) -> None:
    body = b"10000\r\n" + b"x" * 65_536 + b"\r\n"

    async with connected(shared_ingress.port) as caller:
        caller.send(request(length=None, fields=[CHUNKED], body=body * 5))
        answer = await caller.answer()

    assert answer.status == 413
    assert answer.headers["connection"] == "close"


async def test_broken_chunk_after_the_head_ends_the_connection(shared_ingress: Ingress) -> None:
    async with connected(shared_ingress.port) as caller:
        caller.send(request(length=None, fields=[CHUNKED], body=b"2\r\n{}\r\n"))
        await caller.flushed()
        caller.send(b"zz\r\n")
        answer = await caller.answer()
        rest = await caller.rest()

    assert answer.status in {400, 408}
    assert rest == b""


async def test_slow_body_is_answered_408_and_the_connection_closed(
    shared_ingress: Ingress,
) -> None:
    async with connected(shared_ingress.port) as caller:
        caller.send(request(length=100))
        answer = await caller.answer()
        await caller.rest()

    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert shared_ingress.metric("esito_ingress_waiting_bytes", endpoint="pivot-id") == 0


@pytest.mark.parametrize("start", [b"", b"POST /callbacks/pi", request().removesuffix(b"\r\n{}")])
async def test_slow_head_is_closed_after_the_idle_time(
    shared_ingress: Ingress, start: bytes
) -> None:
    async with connected(shared_ingress.port) as caller:
        caller.send(start)
        rest = await caller.rest()

    assert rest == b""


@pytest.mark.parametrize("warm", [False, True])
async def test_endless_head_is_broken_off(shared_ingress: Ingress, *, warm: bool) -> None:
    """120 kB of fields, each within its own limit, and no end of the head."""
    before = shared_ingress.refused("headers_too_many", endpoint="")
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 4_000) for number in range(30))

    async with connected(shared_ingress.port) as caller:
        if warm:
            caller.send(request(key=None))
            await caller.answer()
        caller.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + lines)
        rest = await caller.rest()

    assert rest == b""
    assert shared_ingress.refused("headers_too_many", endpoint="") == before + 1
