"""Read how far a group is in one partition, with the metadata that lies beside the offset."""

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata


async def committed_offset(
    admin: AIOKafkaAdminClient, group: str, partition: TopicPartition
) -> OffsetAndMetadata | None:
    """Return the committed offset, or None if the group has never committed one.

    The admin client, because consumer.committed() leaves the metadata out.

    Raises:
        KafkaError: the answer is no answer; try again.
    """
    found = await admin.list_consumer_group_offsets(group, partitions=[partition])
    committed: OffsetAndMetadata | None = found.get(partition)
    if committed is None:
        # A coordinator that has moved, or is still loading, says so beside an empty list, where
        # aiokafka 0.14 does not look. Taken for "never committed", it would read all records anew.
        raise CoordinatorNotAvailableError(f"no answer about {partition}")
    return committed if committed.offset >= 0 else None
