"""A partition that is revoked takes along what was looked up ahead: tasks and processes."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from contracts.errors import Unavailable
from contracts.raw import RawCallback, Source
from tests.hostile_pdfs import page_chain
from tests.integration.test_membership import IdleProcessor, around, until
from tests.judging_processes import judging
from tests.kafka import Kafka
from tests.stored_files import Files, Store, Upload, files
from tests.updates import at
from workers.kafka_transaction import TransactionalWriter
from workers.membership import Membership
from workers.processor import InputRecord
from workers.verifier.finder import Wanted
from workers.verifier.lookups import Lookups

LOOKUP = "Lookups of a test"
FILE_BYTES = 20_000_000


class Judging:
    """A finder that has a file judged which takes seconds."""

    def __init__(self, found: Files, upload: Upload) -> None:
        self._found = found
        self._upload = upload

    async def complete(self, wanted: Wanted, key: Hashable) -> None:
        del wanted
        task = asyncio.current_task()
        assert task is not None
        task.set_name(LOOKUP)
        await self._found.find(self._upload.need(), key=key)


class AwayProcessor(IdleProcessor):
    """A processor that looks ahead, while the first record waits for something that is away."""

    def __init__(self, finder: Judging) -> None:
        super().__init__([])
        finders: dict[str, Any] = {"send-it": finder}
        self._lookups = Lookups(wanted, finders, key=0)

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        return await self._lookups.prepare(records)

    def process(self, record: InputRecord) -> tuple[()]:
        del record
        raise Unavailable("a key set")

    async def close(self) -> None:
        await self._lookups.close()


def wanted(record: InputRecord) -> Wanted | None:
    """Want something for every record but the first."""
    callback = RawCallback(
        body=b"",
        callback_id="c",
        endpoint="send-it",
        source=Source.REQUEST,
        received_at=at(),
        method="POST",
        target_uri="https://example.org",
        principal="",
    )
    return Wanted(callback, {"a": "file"}) if record.offset else None


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Files]:
    made = files(Store(tmp_path / "store"))
    yield made
    await made.judge.close()


async def test_revoked_partition_leaves_no_task_and_no_process(
    kafka: Kafka, topic_prefix: str, found: Files
) -> None:
    upload = await found.store.upload(page_chain(padding_bytes=FILE_BYTES))
    topic = f"{topic_prefix}in"
    async with around(kafka, topic_prefix) as (surroundings, clients):
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
            for _ in range(3):
                await producer.send_and_wait(topic, b"record", partition=0)
        member = Membership(
            topic,
            clients=clients,
            make_processor=lambda _: AwayProcessor(Judging(found, upload)),
            make_writer=TransactionalWriter,
            around=surroundings,
        )
        await member.join()
        await until(lambda: len(judging()) == 1)

        await member.on_partitions_revoked([])

        assert judging() == []
        assert [one for one in asyncio.all_tasks() if one.get_name() == LOOKUP] == []
        await member.leave()
