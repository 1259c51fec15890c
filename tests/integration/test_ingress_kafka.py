"""Kafka away, slow or not there yet: bounded, 503 or 429, and what was answered 200 is stored."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.embedded.kafka import EmbeddedKafka
from ops.embedded.storage import free_ports
from tests.faults.processes import until
from tests.integration.callers import CONSENT, Answer, call, request, signed_request
from tests.integration.ingress import Ingress, pivot_endpoint, running, uaepass_endpoint
from tests.integration.load import Load
from tests.kafka import Report, cache_directory, embedded_cluster, run

NODE = 1


@pytest.fixture(scope="module")
def shared_own_kafka(report: Report) -> Iterator[EmbeddedKafka]:
    with embedded_cluster(report, nodes=1) as cluster:
        yield cluster


@pytest.fixture
def own_kafka(shared_own_kafka: EmbeddedKafka) -> EmbeddedKafka:
    """Give a broker, awake at the start of the test, that it may freeze and kill."""
    run(shared_own_kafka.heal())
    return shared_own_kafka


@pytest.fixture
def make_own_ingress(
    own_kafka: EmbeddedKafka, tmp_path: Path, topic_prefix: str
) -> Callable[..., Ingress]:
    def make(**settings: object) -> Ingress:
        return Ingress(tmp_path, own_kafka.bootstrap_servers, topic_prefix, **settings)

    return make


async def test_frozen_kafka_callbacks_are_answered_503_and_then_at_once(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    async with running(make_own_ingress(confirm_seconds=1, retry_after_seconds=7)) as ingress:
        own_kafka.pause(NODE)

        first, first_seconds = await timed(ingress)
        async with asyncio.timeout(20):
            while (await timed(ingress))[1] > 0.5:
                """Each partition in turn is found not to answer."""
        last, _ = await timed(ingress)
        ready, _ = ingress.managed("/readyz")
        own_kafka.resume(NODE)
        await ingress.becomes_ready()
        recovered, _ = await timed(ingress)

    assert (first.status, first.headers["retry-after"], first.is_problem) == (503, "7", True)
    assert 0.9 < first_seconds < 5
    assert (last.status, ready, recovered.status) == (503, 503, 200)


async def test_frozen_kafka_goes_on_every_200_is_stored(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    async with running(make_own_ingress(confirm_seconds=1)) as ingress:
        load = Load(ingress.port, connections=20)
        await load.has_acknowledged(200)

        own_kafka.pause(NODE)
        await load.has_seen(503, times=50)
        own_kafka.resume(NODE)
        await load.has_acknowledged(len(load.acknowledged) + 200)
        await load.stop()

        stored = await ingress.bodies()
        assert load.acknowledged <= set(stored)
        assert set(load.statuses) <= {200, 503}
        assert ingress.metric("esito_ingress_waiting_callbacks", endpoint="pivot-id") == 0
        assert ingress.metric("esito_ingress_waiting_bytes", endpoint="pivot-id") == 0


async def test_killed_kafka_comes_back_every_200_is_stored(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    async with running(make_own_ingress(confirm_seconds=1)) as ingress:
        load = Load(ingress.port, connections=20)
        await load.has_acknowledged(200)

        await own_kafka.kill(NODE)
        await load.has_seen(503, times=50)
        await own_kafka.restart(NODE)
        await load.has_acknowledged(len(load.acknowledged) + 200)
        await load.stop()

        assert load.acknowledged <= set(await ingress.bodies())
        assert set(load.statuses) <= {200, 503}


async def test_noisy_endpoint_is_full_alone_and_then_all_are(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    ingress = make_own_ingress(confirm_seconds=60, waiting_callbacks_max=5)
    ingress.settings["endpoints"] = [
        pivot_endpoint(name="noisy", path="/noisy", limits={"waiting_callbacks_max": 3}),
        pivot_endpoint(name="quiet", path="/quiet"),
        uaepass_endpoint(),
    ]
    async with running(ingress):
        own_kafka.pause(NODE)
        noisy = [asyncio.create_task(call(ingress.port, request("/noisy"))) for _ in range(3)]
        await until(lambda: waiting(ingress, "noisy") == 3, "three callbacks wait")

        refused = await call(ingress.port, request("/noisy"))
        quiet = [asyncio.create_task(call(ingress.port, request("/quiet"))) for _ in range(2)]
        await until(lambda: waiting(ingress, "quiet") == 2, "two more callbacks wait")
        refused_too = await call(ingress.port, request("/quiet"))
        codes = (
            ingress.refused("endpoint_full", endpoint="noisy"),
            ingress.refused("ingress_full", endpoint="quiet"),
        )
        own_kafka.resume(NODE)
        answers = await asyncio.gather(*noisy, *quiet)

    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    assert (refused_too.status, refused_too.headers["retry-after"]) == (429, "5")
    assert codes == (1, 1)
    assert [answer.status for answer in answers] == [200] * 5


async def test_bytes_are_bounded_like_callbacks(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    ingress = make_own_ingress(confirm_seconds=60)
    ingress.settings["endpoints"] = [
        pivot_endpoint(limits={"body_bytes_max": 1_000, "waiting_bytes_max": 1_500})
    ]
    async with running(ingress):
        own_kafka.pause(NODE)
        first = asyncio.create_task(call(ingress.port, request(body=b"x" * 1_000)))
        await until(lambda: waiting(ingress, "pivot-id") == 1, "one callback waits")

        refused = await call(ingress.port, request(body=b"x" * 501))
        fields = [("Transfer-Encoding", "chunked")]
        chunked = await call(ingress.port, request(length=None, fields=fields, body=b""))
        own_kafka.resume(NODE)
        accepted = await first

    assert (refused.status, chunked.status, accepted.status) == (429, 429, 200)


async def test_what_is_kept_of_a_head_counts_like_a_body(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    """The kept header fields of an SRTP callback can be 64 KiB, and its body a byte."""
    body, timestamp = b'{"a":"b"}', str(int(time.time()))
    ingress = make_own_ingress(confirm_seconds=60)
    async with running(ingress):
        own_kafka.pause(NODE)
        data = signed_request(body, timestamp=timestamp)
        caller = asyncio.create_task(call(ingress.port, data))
        await until(lambda: waiting(ingress, "uaepass-gov") == 1, "one callback waits")
        held = ingress.metric("esito_ingress_waiting_bytes", endpoint="uaepass-gov")
        own_kafka.resume(NODE)
        await caller
        left = ingress.metric("esito_ingress_waiting_bytes", endpoint="uaepass-gov")

    signature = 64  # SHA-256 in hexadecimal digits
    assert (held, left) == (len(CONSENT) + len(timestamp) + signature + len(body), 0)


async def test_ingress_started_before_kafka_is_ready_once_there_is_one(
    tmp_path: Path, topic_prefix: str
) -> None:
    (port,) = free_ports(1)
    kafka = EmbeddedKafka(cache_directory=cache_directory(), ports=[port])
    ingress = Ingress(tmp_path, f"127.0.0.1:{port}", topic_prefix)
    async with running(ingress, topics=False):
        await until(lambda: ingress.managed("/readyz")[0] == 503, "the ingress answers")

        refused = await call(ingress.port, request())
        healthy, _ = ingress.managed("/healthz")
        async with kafka.running():
            await ingress.create_topics()
            await ingress.becomes_ready()
            accepted = await call(ingress.port, request())

    assert (refused.status, healthy, accepted.status) == (503, 200, 200)


async def test_frozen_kafka_sigterm_ends_within_the_grace(
    own_kafka: EmbeddedKafka, make_own_ingress: Callable[..., Ingress]
) -> None:
    async with running(make_own_ingress(confirm_seconds=60, grace_seconds=8)) as ingress:
        own_kafka.pause(NODE)
        caller = asyncio.create_task(call(ingress.port, request()))
        await until(lambda: caller.done() or waiting(ingress, "pivot-id") == 1, "a callback waits")
        assert not caller.done(), caller

        began = time.monotonic()
        code = await ingress.stop()
        seconds = time.monotonic() - began
        own_kafka.resume(NODE)
        answered = (await asyncio.gather(caller, return_exceptions=True))[0]

    assert code == 0
    assert seconds < 8 + 1
    assert not isinstance(answered, Answer)


async def timed(ingress: Ingress) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = await call(ingress.port, request())
    return answer, time.monotonic() - began


def waiting(ingress: Ingress, endpoint: str) -> float:
    return ingress.metric("esito_ingress_waiting_callbacks", endpoint=endpoint)
