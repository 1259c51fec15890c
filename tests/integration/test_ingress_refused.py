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
