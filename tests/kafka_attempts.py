"""Try everything that a user of Kafka could try, by the bare protocol, and see what is refused.

By the protocol, because a client library gives up earlier than somebody who has stolen a password:
it asks first which topics there are.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.protocol.admin import (
    AlterConfigsRequest,
    CreateTopicsRequest,
    DeleteRecordsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest,
)
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from contracts.access import Access, Operation, Resource
from tests.authorized_kafka import CreateAcls

REFUSALS: Final = {
    error.errno
    for error in (
        TopicAuthorizationFailedError,
        GroupAuthorizationFailedError,
        ClusterAuthorizationFailedError,
        TransactionalIdAuthorizationFailed,
    )
}
_TOPIC: Final = 2  # the protocol's number of this kind of resource
# An ACL for a user that nobody is: whoever may create it could give himself any right.
_ACL: Final = (2, "nothing", 3, "User:nobody", "*", 3, 3)
_MILLISECONDS: Final = 5_000

Codes = Callable[[Any], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request; `codes` finds the errors in its answer, `right` is what the table must give."""

    what: str
    name: str
    request: Request[Any]
    codes: Codes
    right: tuple[Operation, Resource] | None

    def expected(self, access: Access) -> bool:
        """Tell whether the table lets the user do it."""
        return self.right is not None and access.allows(*self.right, self.name)

    async def allowed(self, client: AIOKafkaClient) -> bool:
        """Tell whether the broker does it; what fails for another reason is not refused."""
        answer = await client.send(client.get_random_node(), self.request)
        codes = list(self.codes(answer))
        assert codes, f"{self.what} {self.name}: no code in {answer}"
        return not REFUSALS & set(codes)


async def tried(settings: Mapping[str, Any], attempts: Iterable[Attempt]) -> dict[Attempt, bool]:
    """Return which of `attempts` the broker lets a user make who connects with these settings."""
    attempts = list(attempts)
    client = AIOKafkaClient(**settings)
    await client.bootstrap()
    try:
        allowed = await asyncio.gather(*(one.allowed(client) for one in attempts))
    finally:
        await client.close()
    return dict(zip(attempts, allowed, strict=True))


def topic_attempts(topic: str) -> Iterator[Attempt]:
    """Yield all that can be tried with a topic."""

    def attempt(
        what: str, request: Request[Any], codes: Codes, operation: Operation | None = None
    ) -> Attempt:
        right = (operation, Resource.TOPIC) if operation else None
        return Attempt(what, topic, request, codes, right)

    fetch = FetchRequest(0, 0, 1_000, 0, [(topic, [(0, 0, 1_000)])])
    produce = ProduceRequest(None, -1, _MILLISECONDS, [(topic, [(0, _batch())])])
    create = CreateTopicsRequest([(topic, 1, 1, [], [])], _MILLISECONDS, True)  # noqa: FBT003 - validate only
    describe = DescribeConfigsRequest([(_TOPIC, topic, None)])
    alter = AlterConfigsRequest([(_TOPIC, topic, [("retention.ms", "1000")])], validate_only=True)
    delete = DeleteRecordsRequest([(topic, [(0, 0)])], _MILLISECONDS)
    metadata = MetadataRequest([topic], allow_auto_topic_creation=False)
    yield attempt("read", fetch, _of_partitions, Operation.READ)
    yield attempt("write", produce, _of_partitions, Operation.WRITE)
    yield attempt("create", create, _of_created, Operation.CREATE)
    yield attempt("describe", metadata, _of_described, Operation.DESCRIBE)
    yield attempt("see settings", describe, _of_settings, Operation.DESCRIBE_CONFIGS)
    yield attempt("alter settings", alter, _of_settings)
    yield attempt("delete records", delete, _of_partitions)


def deletion_attempt(topic: str) -> Attempt:
    """Return the attempt to delete a topic: of one that is there only for who must be refused."""
    request = DeleteTopicsRequest([topic], _MILLISECONDS)
    return Attempt("delete", topic, request, _of_deleted, None)


def group_attempts(group: str) -> Iterator[Attempt]:
    """Yield all that can be tried with a consumer group."""
    beat = HeartbeatRequest(group, 1, "nobody")
    describe = DescribeGroupsRequest([group])
    yield Attempt("join", group, beat, _of_answer, (Operation.READ, Resource.GROUP))
    yield Attempt("watch", group, describe, _of_groups, (Operation.DESCRIBE, Resource.GROUP))


def id_attempt(identifier: str) -> Attempt:
    """Return the attempt to be the producer with a transactional id, which fences its owner."""
    right = (Operation.WRITE, Resource.TRANSACTIONAL_ID)
    request = InitProducerIdRequest(identifier, _MILLISECONDS)
    return Attempt("be", identifier, request, _of_answer, right)


def cluster_attempt() -> Attempt:
    """Return the attempt to give somebody a right."""
    return Attempt("grant", "the cluster", CreateAcls([_ACL]), _of_acls, None)


def _batch() -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1_000)
    builder.append(0, None, b"a key", b"an attempt", [])
    return bytes(builder.build())


def _of_answer(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [answer.error_code]


def _of_partitions(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    """Read answers about partitions: fetch and produce have the code second, deletion third."""
    deleted = type(answer).API_KEY == DeleteRecordsRequest.API_KEY
    return [
        one[2] if deleted else one[1] for _, partitions, *_ in answer.topics for one in partitions
    ]


def _of_created(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [one[1] for one in answer.topic_errors]


def _of_deleted(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [one[1] for one in answer.topic_error_codes]


def _of_described(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [one[0] for one in answer.topics]


def _of_settings(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [one[0] for one in answer.resources]


def _of_groups(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [one[0] for one in answer.groups]


def _of_acls(answer: Any) -> Iterable[int]:  # noqa: ANN401 - aiokafka is untyped
    return [one[0] for one in answer.creation_responses]
