"""Ask Kafka what the configured user may do with each topic; nothing has to be tried for it.

The brokers tell each client its own rights (KIP-430) since version 8 of the metadata request, which
the client library does not speak.
"""

from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

# By Kafka's numbers (AclOperation); the names are those of its tools.
_OPERATIONS: Final = {
    3: "Read",
    4: "Write",
    5: "Create",
    6: "Delete",
    7: "Alter",
    8: "Describe",
    10: "DescribeConfigs",
    11: "AlterConfigs",
}
_API_KEY: Final = 3
_VERSION: Final = 8


class _Answer(Response):  # type: ignore[misc]  # aiokafka is untyped here
    API_KEY = _API_KEY
    API_VERSION = _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(
                ("node_id", Int32),
                ("host", String("utf-8")),
                ("port", Int32),
                ("rack", String("utf-8")),
            ),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = _API_KEY
    API_VERSION = _VERSION
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _Asking(Request[_Question]):  # type: ignore[misc]
    API_KEY = _API_KEY

    def build(self, request_struct_class: type[_Question]) -> _Question:
        # Without a list: all that it may describe. No topic is created by being asked for.
        return request_struct_class(None, False, False, True)  # noqa: FBT003 - by their places


async def allowed_operations(admin: AIOKafkaAdminClient) -> dict[str, frozenset[str]]:
    """Return what this client's user may do with each topic that it may describe."""
    answer: Any = await admin._send_request(_Asking())  # noqa: SLF001 - no other way to ask
    return {
        one["topic"]: operations_of(one["authorized_operations"])
        for one in answer.to_object()["topics"]
    }


def operations_of(bits: int) -> frozenset[str]:
    """Return the names of the operations in a bit field of Kafka's."""
    return frozenset(name for number, name in _OPERATIONS.items() if bits & (1 << number))
