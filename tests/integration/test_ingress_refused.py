"""Whatever else comes is refused with one of few statuses, says nothing, and costs nobody else."""

import asyncio
import time

import pytest

from tests.integration.callers import (
    API_KEY,
    CONSENT,
    EXPECTATION_KEY,
    PIVOT,
    SECRET,
    Answer,
    call,
    connected,
    request,
    signed_request,
)
from tests.integration.ingress import Ingress

CHUNKED = ("Transfer-Encoding", "chunked")
TWO_CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/callbacks", 404),
        (PIVOT + "/", 404),
        ("/callbacks/%70ivot", 404),
        ("//callbacks/pivot", 404),
        ("/callbacks/../callbacks/pivot", 404),
        ("/callbacks/pivot;a=b", 404),
        ("/metrics", 404),
        ("/healthz", 404),
        ("/readyz", 404),
        ("/expectations/uaepass-gov", 404),
        ("callbacks/pivot", 400),
        ("http://[broken/callbacks/pivot", 400),
        (PIVOT.encode() + b"?\xff\xfe", 400),
    ],
)
async def test_path_that_is_no_endpoints_is_refused(
    shared_ingress: Ingress, path: str | bytes, status: int
) -> None:
    answer = await call(shared_ingress.port, request(path))

    assert (answer.status, answer.is_problem) == (status, True)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_other_method_is_answered_405_with_allow(
    shared_ingress: Ingress, method: str
) -> None:
    answer = await call(shared_ingress.port, request(method=method, body=b""))

    assert (answer.status, answer.headers["allow"]) == (405, "post")


async def test_head_is_answered_405_without_a_body(shared_ingress: Ingress) -> None:
    async with connected(shared_ingress.port) as caller:
        caller.send(request(method="HEAD", body=b"", fields=[("Connection", "close")]))
        head, _, body = (await caller.rest()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 405 ")
    assert body == b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(key=None), 401),
        (request(key=b""), 401),
        (request(key="wrong-key-of-some-length-0123456789"), 401),
        (request(key=b"\xff\xfe\xed\xa0\x80"), 401),
        (request(key="ключ"), 401),
        (request(fields=[("X-API-Key", API_KEY)]), 401),
        (request(fields=[("x-api-key", "other")]), 401),
        (request("/expectations/pivot-id"), 401),
        (request(key=EXPECTATION_KEY), 401),
        (request(CONSENT), 401),
        (signed_request(b"{}", secret=SECRET + b"x"), 401),
        (signed_request(b"{}", fields=[("X-Timestamp", "1")]), 401),
        (signed_request(b"{}", timestamp=""), 401),
        (signed_request(b"{}", timestamp="2026-11-21T00:00:00Z"), 401),
        (signed_request(b"{}", timestamp="1e9"), 401),
        (signed_request(b"{}", timestamp="-1"), 401),
        (signed_request(b"{}", timestamp="٣"), 401),
        (signed_request(b"{}", timestamp="9" * 400), 401),
        (signed_request(b"{}").replace(b"{}", b"[]"), 401),
        (
            signed_request(b"{}").replace(b"X-UAEPASS-Signature: ", b"X-UAEPASS-Signature: \xff"),
            401,
        ),
    ],
)
async def test_wrong_credentials_are_answered_401_and_nothing_more(
    shared_ingress: Ingress, data: bytes, status: int
) -> None:
    answer = await call(shared_ingress.port, data)

    assert answer == Answer(status, answer.headers, UNAUTHORIZED)
    assert set(answer.headers) == {
        "server", "www-authenticate", "content-type", "content-length", "date"
    }  # fmt: skip


UNAUTHORIZED = b'{"type": "about:blank", "title": "Unauthorized", "status": 401}'


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(fields=[("Content-Encoding", "gzip")]), 415),
        (request(length=None, body=TWO_CHUNKS, fields=[(CHUNKED[0], "gzip, chunked")]), 415),
        (request(CONSENT, media_type=None), 415),
        (request(CONSENT, media_type="text/plain"), 415),
        (request(CONSENT, media_type=b"\xff"), 415),
        (request(length=262_145), 413),
        (request(length=10**18), 413),
        (request("/expectations/pivot-id", key=EXPECTATION_KEY, length=4_097), 413),
        (request(fields=[(f"X-{n}", "") for n in range(61)]), 431),
    ],
)
async def test_request_outside_the_bounds_is_refused(
    shared_ingress: Ingress, data: bytes, status: int
) -> None:
    answer = await call(shared_ingress.port, data)

    assert (answer.status, answer.is_problem) == (status, True)


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
        request(fields=[("X-Long", "a" * 9_000)]),
        request(PIVOT + "?" + "a" * 9_000),
        request(fields=[(f"X-{n}", "a") for n in range(200)]),
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


async def test_unauthenticated_caller_is_answered_before_its_body(
    shared_ingress: Ingress,
) -> None:
    began = time.monotonic()

    answer = await call(shared_ingress.port, request(key="wrong", length=200_000))

    assert answer.status == 401
    assert time.monotonic() - began < 0.9  # body_seconds is 1


async def test_refused_expectation_closes_the_connection(shared_ingress: Ingress) -> None:
    """The caller may leave the body out, and its next request must not be taken for it."""
    fields = [("Expect", "100-continue")]

    answer = await call(
        shared_ingress.port, request(key="wrong", length=500, body=b"", fields=fields)
    )

    assert (answer.status, answer.headers["connection"]) == (401, "close")


async def test_refused_caller_keeps_its_connection(shared_ingress: Ingress) -> None:
    async with connected(shared_ingress.port) as caller:
        caller.send(request(key="wrong"))
        refused = await caller.answer()
        caller.send(request())
        accepted = await caller.answer()

    assert (refused.status, accepted.status) == (401, 200)


async def test_caller_gone_in_the_middle_of_a_body_leaves_no_room_taken(
    shared_ingress: Ingress,
) -> None:
    before = shared_ingress.refused("body_incomplete")

    for data in (request(length=100), request(length=None, fields=[CHUNKED], body=b"5\r\n{")):
        async with connected(shared_ingress.port) as caller:
            caller.send(data)
            await caller.flushed()
    await until_refused(shared_ingress, "body_incomplete", before + 2)

    assert shared_ingress.metric("esito_ingress_waiting_bytes", endpoint="pivot-id") == 0
    assert shared_ingress.metric("esito_ingress_waiting_callbacks", endpoint="pivot-id") == 0


async def test_unknown_paths_and_methods_make_no_new_series(shared_ingress: Ingress) -> None:
    await call(shared_ingress.port, request("/first-unknown"))
    before = len(shared_ingress.managed("/metrics")[1].splitlines())

    for number in range(20):
        await call(shared_ingress.port, request(f"/unknown-{number}", key=f"wrong-{number}"))

    after = shared_ingress.managed("/metrics")[1]
    assert len(after.splitlines()) == before
    assert "unknown-" not in after


async def test_log_quotes_nothing_that_was_sent(shared_ingress: Ingress) -> None:
    await call(shared_ingress.port, request(key="canary-credential-0123456789"))
    await call(shared_ingress.port, b"canary garbage\r\n\r\n")
    await call(shared_ingress.port, request(body=b'{"canary":1}'))

    assert "canary" not in shared_ingress.log_text()
    assert API_KEY.decode() not in shared_ingress.log_text()


async def until_refused(ingress: Ingress, code: str, count: float) -> None:
    async with asyncio.timeout(20):
        while ingress.refused(code) < count:
            await asyncio.to_thread(ingress.managed, "/healthz")
