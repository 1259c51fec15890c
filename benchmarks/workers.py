"""Measure the verifiers, a state machine and a restore: one process works a full topic off."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import cycle

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from benchmarks.callbacks import Callbacks
from benchmarks.installation import PARTITIONS, Installation, cpu_seconds, process
from contracts.instants import instant
from contracts.raw import RawCallback, Source
from contracts.topics import Topics
from runtime.identifiers import uuid7
from workers.state_machine.changelog import read_changelog
from workers.state_machine.partition_state import PartitionState

CALLBACKS = 60_000
# As many as take some ten seconds: signatures cost more than keys.
SIGNED_CALLBACKS = {"uaepass": 60_000, "srtp": 8_000, "wallet": 24_000}
_DIFFERENT = 40  # callbacks that are signed; a topic has them again and again
_BATCH_BYTES_MAX = 1_048_576
_DONE_SECONDS_MAX = 180
_FILL_BATCH = 200

Records = Iterator[tuple[bytes, list[tuple[str, bytes]]]]


async def measure_workers(
    installation: Installation, body: bytes, session_id: str
) -> tuple[list[str], str]:
    """Return table rows for Pivot's verifier and state machine, and the restore's line.

    `session_id` is the transaction id in `body`: every pair of callbacks gets one of its own.
    """
    topics = Topics.of("pivot", prefix=installation.configuration.topic_prefix)
    await _fill(installation, topics.raw, _records(body, session_id.encode()))
    verifier = await _drain(installation, "verifier", "pivot", topics.raw)
    machine = await _drain(installation, "state-machine", "pivot", topics.verified)
    return [verifier, machine], await _restore(installation, topics.state)


async def measure_verifiers(installation: Installation, callbacks: Callbacks) -> list[str]:
    """Return table rows for the verifiers of HMAC, an XML signature, and a wallet's token.

    Raises:
        RuntimeError: not every callback became a verified update.
    """
    makers: dict[str, Callable[[], RawCallback]] = {
        "uaepass": callbacks.uaepass,
        "srtp": lambda: callbacks.xml_body("srtp-pinned-bank-a", "bank-a"),
        "wallet": lambda: callbacks.wallet(templates=1),
    }
    rows = []
    for provider, make in makers.items():
        topics = Topics.of(provider, prefix=installation.configuration.topic_prefix)
        made = [make() for _ in range(_DIFFERENT)]
        records = cycle((one.body, one.headers()) for one in made)
        count = SIGNED_CALLBACKS[provider]
        await _fill(installation, topics.raw, records, count=count)
        rows.append(await _drain(installation, "verifier", provider, topics.raw))
        if sum((await _ends(installation, topics.verified)).values()) < count:
            raise RuntimeError(f"{provider}: fewer verified updates than callbacks")
    return rows


async def _fill(
    installation: Installation, topic: str, records: Records, *, count: int = CALLBACKS
) -> None:
    """Write so many raw records, some of them to a batch."""
    producer = installation.clients.idempotent_producer(
        batch_bytes_max=_BATCH_BYTES_MAX, linger_milliseconds=0
    )
    await producer.start()
    try:
        for number in range(count // _FILL_BATCH):
            batch = producer.create_batch()
            for _ in range(_FILL_BATCH):
                value, headers = next(records)
                batch.append(timestamp=None, key=None, value=value, headers=headers)
            await (await producer.send_batch(batch, topic, partition=number % PARTITIONS))
    finally:
        await producer.stop()


def _records(body: bytes, sample: bytes) -> Records:
    """Yield raw records: each transaction is PROCESSING, then PAID."""
    for number in range(CALLBACKS // 2):
        own = body.replace(sample, f"bca0b57a-391e-4f6f-bfef-{number:012d}".encode())
        first = own.replace(b"PAYMENT.PAID", b"PAYMENT.PROCESSING").replace(
            b'"status": "PAID"', b'"status": "PROCESSING"'
        )
        for value in (first, own):
            now = datetime.now(UTC)
            raw = RawCallback(
                body=value,
                callback_id=uuid7(int(now.timestamp() * 1000)),
                endpoint="pivot",
                source=Source.CALLBACK,
                received_at=instant(now),
                method="POST",
                target_uri="https://callbacks.example/callbacks/pivot",
                principal="api_key:local",
                content_type="application/json",
            )
            yield value, raw.headers()


async def _drain(installation: Installation, role: str, provider: str, topic: str) -> str:
    """Return the table row of one worker that works `topic` off."""
    ends = await _ends(installation, topic)
    arguments = (
        "-m",
        "workers",
        role,
        "--provider",
        provider,
        "--configuration",
        str(installation.file),
    )
    async with process(installation, *arguments) as worker:
        group = f"{installation.configuration.topic_prefix}esito.{role}.{provider}"
        began, cpu, start = await _progress(installation, group, worker, ends, share=0.1)
        ended, used, end = await _progress(installation, group, worker, ends, share=1.0)
        resident = worker.memory_info().rss
    records, seconds, spent = end - start, ended - began, used - cpu
    return (
        f"| {role} {provider} | {records:,} | {records / seconds:,.0f} "
        f"| {spent / records * 1000:.3f} | {spent / seconds:.2f} | {resident / 1e6:.0f} |"
    )


async def _progress(
    installation: Installation,
    group: str,
    worker: psutil.Process,
    ends: dict[TopicPartition, int],
    *,
    share: float,
) -> tuple[float, float, int]:
    """Wait until the group has committed `share`; return time, CPU seconds and records."""
    admin = installation.clients.admin()
    await admin.start()
    total = sum(ends.values())
    try:
        async with asyncio.timeout(_DONE_SECONDS_MAX):
            while True:
                found: dict[TopicPartition, OffsetAndMetadata] = {}
                with suppress(
                    GroupCoordinatorNotAvailableError
                ):  # the first group of a new cluster
                    found = await admin.list_consumer_group_offsets(group, partitions=list(ends))
                done = sum(max(0, one.offset) for one in found.values())
                # Offsets count control records too, and the last of a partition are never read.
                if done >= total * share - len(ends) * (share == 1):
                    return time.perf_counter(), cpu_seconds(worker), done
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _ends(installation: Installation, topic: str) -> dict[TopicPartition, int]:
    consumer: AIOKafkaConsumer = installation.clients.consumer(
        group=None, fetch_bytes_max=1_048_576
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends
    finally:
        await consumer.stop()


async def _restore(installation: Installation, topic: str) -> str:
    began, count, live = time.perf_counter(), 0, 0
    for number in range(PARTITIONS):
        state = PartitionState()
        count += await read_changelog(
            TopicPartition(topic, number), clients=installation.clients, take=state.load
        )
        state.loaded()
        live += len(state)
    seconds = time.perf_counter() - began
    rate = f"{count / seconds:,.0f} records/s"
    return f"Restore: {count:,} changelog records, {live:,} transactions, {rate}."
