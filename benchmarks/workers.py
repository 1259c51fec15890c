"""Measure the verifier, the state machine and a restore: a full topic, one process, until it is empty."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError

from benchmarks.installation import PARTITIONS, Installation, cpu_seconds, process
from contracts.instants import instant
from contracts.raw import RawCallback, Source
from contracts.topics import Topics
from ingress.identifiers import uuid7
from workers.state_machine.changelog import read_changelog
from workers.state_machine.partition_state import PartitionState

CALLBACKS = 60_000
_BATCH_BYTES_MAX = 1_048_576
_DONE_SECONDS_MAX = 180


async def measure_workers(installation: Installation, body: bytes) -> list[str]:
    """Return table rows for verifier and state machine, then the restore's line."""
    topics = Topics.of("pivot")
    await _fill(installation, topics.raw, body)
    verifier = await _drain(installation, "verifier", topics.raw)
    machine = await _drain(installation, "state-machine", topics.verified)
    return [verifier, machine, "", await _restore(installation, topics.state)]


async def _fill(installation: Installation, topic: str, body: bytes) -> None:
    """Write CALLBACKS raw records: half of them PROCESSING, half PAID, of distinct transactions."""
    producer = installation.clients.idempotent_producer(
        batch_bytes_max=_BATCH_BYTES_MAX, linger_milliseconds=0
    )
    await producer.start()
    try:
        records = _records(body)
        for number in range(CALLBACKS // 200):
            batch = producer.create_batch()
            for _ in range(200):
                value, headers = next(records)
                batch.append(timestamp=None, key=None, value=value, headers=headers)
            await (await producer.send_batch(batch, topic, partition=number % PARTITIONS))
    finally:
        await producer.stop()


def _records(body: bytes) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
    sample = b"bca0b57a-391e-4f6f-bfef-8cd37492ee5b"
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
                principal="api_key:a",
                content_type="application/json",
            )
            yield value, raw.headers()


async def _drain(installation: Installation, role: str, topic: str) -> str:
    """Return the table row of one worker that works `topic` off."""
    ends = await _ends(installation, topic)
    arguments = ("-m", "workers", role, "--provider", "pivot", "--configuration", str(installation.file))
    async with process(installation, *arguments) as worker:
        began, cpu, start = await _progress(installation, role, topic, worker, ends, share=0.1)
        ended, used, end = await _progress(installation, role, topic, worker, ends, share=1.0)
        resident = worker.memory_info().rss
    records, seconds, spent = end - start, ended - began, used - cpu
    return (
        f"| {role} | {records:,} | {records / seconds:,.0f} | {spent / records * 1000:.3f} "
        f"| {spent / seconds:.2f} | {resident / 1e6:.0f} |"
    )


async def _progress(installation, role, topic, worker, ends, *, share):  # type: ignore[no-untyped-def]
    """Wait until the group has committed `share` of the topic; return time, CPU seconds and records."""
    admin = installation.clients.admin()
    await admin.start()
    group = f"esito.{role}.pivot"
    total = sum(ends.values())
    try:
        async with asyncio.timeout(_DONE_SECONDS_MAX):
            while True:
                found = {}
                with suppress(GroupCoordinatorNotAvailableError):  # the first group of a new cluster
                    found = await admin.list_consumer_group_offsets(group, partitions=list(ends))
                done = sum(max(0, one.offset) for one in found.values())
                # Offsets also count the control records of Kafka transactions, the last ones unread.
                if done >= total * share - len(ends) * (share == 1.0):
                    return time.perf_counter(), cpu_seconds(worker), done
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _ends(installation: Installation, topic: str) -> dict[TopicPartition, int]:
    consumer: AIOKafkaConsumer = installation.clients.consumer(group=None, fetch_bytes_max=1_048_576)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return await consumer.end_offsets(partitions)
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
    return f"Restore: {count:,} changelog records, {live:,} transactions, {count / seconds:,.0f} records/s."
