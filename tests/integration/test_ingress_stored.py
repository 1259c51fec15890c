"""An accepted callback is in the raw topic byte for byte, with exactly the headers we promise."""

import re
import secrets
import time

import pytest
from aiokafka import ConsumerRecord

from tests.integration.callers import (
    API_KEY,
    CONSENT,
    EXPECTATION_KEY,
    PIVOT,
    SECOND_API_KEY,
    call,
    connected,
    request,
    signed_request,
)
from tests.integration.ingress import PUBLIC_URL, Ingress

UUID7 = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INSTANT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def unique(text: str = "") -> bytes:
    return f'{{"marker":"{secrets.token_hex(8)}"{text}}}'.encode()


async def record_of(ingress: Ingress, body: bytes, *, provider: str = "pivot") -> ConsumerRecord:
    (record,) = [one for one in await ingress.stored(provider) if one.value == body]
    return record


async def test_pivot_callback_is_answered_200_with_an_empty_body(shared_ingress: Ingress) -> None:
    answer = await call(shared_ingress.port, request(body=unique()))

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "0"
    assert answer.headers["server"] == "esito"


async def test_uaepass_callback_is_answered_200_with_an_empty_body(
    shared_ingress: Ingress,
) -> None:
    answer = await call(shared_ingress.port, signed_request(unique()))

    assert (answer.status, answer.body) == (200, b"")


async def test_pivot_record_has_exactly_the_promised_headers(shared_ingress: Ingress) -> None:
    body = unique()
    fields = [
        ("Authorization", "Bearer secret"),
        ("Cookie", "session=secret"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("esito-replayed-from", "callbacks.pivot.rejected.v1-0-17"),
        ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"),
    ]

    await call(shared_ingress.port, request(PIVOT + "?from=pivot", body=body, fields=fields))

    headers = dict((await record_of(shared_ingress, body)).headers)
    assert UUID7.fullmatch(headers.pop("esito-callback-id"))
    assert INSTANT.fullmatch(headers.pop("esito-received-at"))
    assert headers == {
        "esito-endpoint": b"pivot-id",
        "esito-source": b"callback",
        "esito-method": b"POST",
        "esito-target-uri": f"{PUBLIC_URL}{PIVOT}?from=pivot".encode(),
        "esito-principal": b"api_key:a",
        "content-type": b"application/json",
        "traceparent": b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
    }


async def test_uaepass_record_keeps_signature_and_timestamp(shared_ingress: Ingress) -> None:
    body, timestamp = unique(), str(int(time.time()))

    await call(shared_ingress.port, signed_request(body, timestamp=timestamp))

    record = await record_of(shared_ingress, body, provider="uaepass")
    stored = {name: value for name, value in record.headers if name.startswith("http-")}
    assert stored.pop("http-x-timestamp") == timestamp.encode()
    assert re.fullmatch(rb"[0-9a-f]{64}", stored.pop("http-x-uaepass-signature"))
    assert stored == {}


async def test_record_holds_no_credential(shared_ingress: Ingress) -> None:
    body = unique()

    await call(shared_ingress.port, signed_request(body, fields=[("Authorization", API_KEY)]))

    record = await record_of(shared_ingress, body, provider="uaepass")
    assert not any(API_KEY in value for _, value in record.headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        '{"name":"José"}'.encode("latin-1"),
        bytes(range(256)),
        b"\x00" * 10,
        b"not json at all",
        b"x" * 262_144,
    ],
    ids=["empty", "latin-1", "every-byte", "nul", "no-json", "largest"],
)
async def test_body_of_any_bytes_is_stored_as_it_came(shared_ingress: Ingress, body: bytes) -> None:
    marked = secrets.token_bytes(8) + body if 0 < len(body) < 1_000 else body

    answer = await call(shared_ingress.port, request(body=marked))

    assert answer.status == 200
    assert marked in await shared_ingress.bodies()


async def test_body_in_many_pieces_is_stored_whole(shared_ingress: Ingress) -> None:
    body = unique(', "filling": "' + "y" * 5_000 + '"')
    data = request(body=body)

    async with connected(shared_ingress.port) as caller:
        for start in range(0, len(data), 700):
            caller.send(data[start : start + 700])
            await caller.flushed()
        answer = await caller.answer()

    assert answer.status == 200
    assert await record_of(shared_ingress, body)


async def test_chunked_body_is_stored_without_its_chunks(shared_ingress: Ingress) -> None:
    body = unique()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    answer = await call(
        shared_ingress.port,
        request(body=chunks, length=None, fields=[("Transfer-Encoding", "chunked")]),
    )

    assert answer.status == 200
    assert await record_of(shared_ingress, body)


async def test_pipelined_callbacks_are_all_stored_and_answered_in_order(
    shared_ingress: Ingress,
) -> None:
    bodies = [unique() for _ in range(40)]
    requests = [request(body=body) for body in bodies]
    requests[20] = request(body=bodies[20], key="wrong")

    async with connected(shared_ingress.port) as caller:
        caller.send(b"".join(requests))
        statuses = [(await caller.answer()).status for _ in bodies]

    assert statuses == [200] * 20 + [401] + [200] * 19
    stored = set(await shared_ingress.bodies())
    assert [body in stored for body in bodies] == [True] * 20 + [False] + [True] * 19


async def test_second_key_is_named_as_the_principal(shared_ingress: Ingress) -> None:
    body = unique()

    await call(shared_ingress.port, request(body=body, key=SECOND_API_KEY))

    record = await record_of(shared_ingress, body)
    assert dict(record.headers)["esito-principal"] == b"api_key:b"


async def test_uaepass_query_is_in_the_record_and_not_in_the_signature(
    shared_ingress: Ingress,
) -> None:
    body = unique()

    answer = await call(shared_ingress.port, signed_request(body, path=f"{CONSENT}?tenant=1"))

    record = await record_of(shared_ingress, body, provider="uaepass")
    assert answer.status == 200
    assert dict(record.headers)["esito-target-uri"] == f"{PUBLIC_URL}{CONSENT}?tenant=1".encode()


@pytest.mark.parametrize("age_seconds", [-400, 400])
async def test_uaepass_stale_timestamp_is_answered_409_and_stored(
    shared_ingress: Ingress, age_seconds: int
) -> None:
    body = unique()
    before = shared_ingress.refused("stale", endpoint="uaepass-gov")
    timestamp = str(int(time.time()) - age_seconds)

    answer = await call(shared_ingress.port, signed_request(body, timestamp=timestamp))

    assert (answer.status, answer.is_problem) == (409, True)
    assert await record_of(shared_ingress, body, provider="uaepass")
    assert shared_ingress.refused("stale", endpoint="uaepass-gov") == before + 1


async def test_absolute_form_is_stored_as_the_path_it_names(shared_ingress: Ingress) -> None:
    body = unique()

    answer = await call(
        shared_ingress.port, request(f"http://elsewhere.example{PIVOT}?a=%20", body=body)
    )

    record = await record_of(shared_ingress, body)
    assert answer.status == 200
    assert dict(record.headers)["esito-target-uri"] == f"{PUBLIC_URL}{PIVOT}?a=%20".encode()


async def test_content_type_of_odd_bytes_is_stored_as_it_came(shared_ingress: Ingress) -> None:
    body, odd = unique(), b"application/JSON; name=\xff\xfe\xed\xa0\x80"

    answer = await call(shared_ingress.port, request(body=body, media_type=odd))

    record = await record_of(shared_ingress, body)
    assert answer.status == 200
    assert dict(record.headers)["content-type"] == odd


async def test_traceparent_that_is_none_is_dropped(shared_ingress: Ingress) -> None:
    body = unique()

    await call(shared_ingress.port, request(body=body, fields=[("traceparent", "00-zz-1-01")]))

    assert "traceparent" not in dict((await record_of(shared_ingress, body)).headers)


async def test_expect_continue_is_told_to_go_on(shared_ingress: Ingress) -> None:
    body = unique()
    whole = request(body=body, fields=[("Expect", "100-continue")])

    async with connected(shared_ingress.port) as caller:
        caller.send(whole.removesuffix(body))
        first = await caller.answer()
        caller.send(body)
        second = await caller.answer()

    assert (first.status, second.status) == (100, 200)
    assert await record_of(shared_ingress, body)


async def test_caller_gone_after_the_body_callback_is_stored(shared_ingress: Ingress) -> None:
    """It was never told so, and sends again: at least once."""
    body = unique()

    async with connected(shared_ingress.port) as caller:
        caller.send(request(body=body))
        await caller.flushed()
    probe = unique()
    await call(shared_ingress.port, request(body=probe))

    assert shared_ingress.metric("esito_ingress_waiting_callbacks", endpoint="pivot-id") == 0


async def test_expectation_is_answered_202_and_stored_under_its_source(
    shared_ingress: Ingress,
) -> None:
    body = unique()

    answer = await call(
        shared_ingress.port, request("/expectations/pivot-id", key=EXPECTATION_KEY, body=body)
    )

    headers = dict((await record_of(shared_ingress, body)).headers)
    assert (answer.status, answer.body) == (202, b"")
    assert headers["esito-source"] == b"expectation"
    assert headers["esito-target-uri"] == f"{PUBLIC_URL}/expectations/pivot-id".encode()
