"""How far a group is: a broker that does not know must not be taken for "never committed"."""

import secrets

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from ops.embedded.kafka import EmbeddedKafka
from workers.committed_offset import committed_offset

GROUP = "group"


class LostAdmin(AIOKafkaAdminClient):  # type: ignore[misc]  # aiokafka is untyped here
    """A client that asks a broker which is not the coordinator any more."""

    async def find_coordinator(self, group_id: str, coordinator_type: int = 0) -> int:
        right = await super().find_coordinator(group_id, coordinator_type)
        return next(node for node in (1, 2, 3) if node != right)


@pytest.fixture
async def partition(three_node_kafka: EmbeddedKafka) -> TopicPartition:
    topic = f"t{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=three_node_kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 3)])
    await admin.close()
    return TopicPartition(topic, 0)


async def commit(cluster: EmbeddedKafka, partition: TopicPartition) -> None:
    """Commit offset 7 as the loop does: in a Kafka transaction, with metadata; then fence."""
    offsets = {partition: OffsetAndMetadata(7, "deaths=1")}
    async with writer(cluster, partition) as producer, producer.transaction():
        await producer.send_offsets_to_transaction(offsets, f"{GROUP}{partition.topic}")
    # A commit is confirmed before its markers are written; only the next owner's start waits for
    # them. Without it, the coordinator's own answer may still be "never committed".
    async with writer(cluster, partition):
        pass


def writer(cluster: EmbeddedKafka, partition: TopicPartition) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap_servers, transactional_id=partition.topic
    )


@pytest.mark.parametrize("is_committed", [True, False])
async def test_committed_offset_of_the_coordinator_is_what_was_committed(
    three_node_kafka: EmbeddedKafka, partition: TopicPartition, *, is_committed: bool
) -> None:
    if is_committed:
        await commit(three_node_kafka, partition)
    admin = AIOKafkaAdminClient(bootstrap_servers=three_node_kafka.bootstrap_servers)
    await admin.start()

    found = await committed_offset(admin, f"{GROUP}{partition.topic}", partition)

    await admin.close()
    assert found == (OffsetAndMetadata(7, "deaths=1") if is_committed else None)


async def test_committed_offset_of_another_broker_is_no_answer(
    three_node_kafka: EmbeddedKafka, partition: TopicPartition
) -> None:
    """Found None here before: the partition would have been read anew from its first record."""
    await commit(three_node_kafka, partition)
    admin = LostAdmin(bootstrap_servers=three_node_kafka.bootstrap_servers)
    await admin.start()

    with pytest.raises(CoordinatorNotAvailableError):
        await committed_offset(admin, f"{GROUP}{partition.topic}", partition)

    await admin.close()
