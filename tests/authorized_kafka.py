"""Give a Kafka that lets nobody do what the table of contracts/access.py does not name.

Users prove who they are with a password (SASL, PLAIN) on a listener of their own. The brokers, and
the tests where they act for an administrator, use the other listener, whose user may do all.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1
from aiokafka.protocol.api import Request

from contracts.access import Access, Grant, Operation, Resource
from ops.embedded.kafka import EmbeddedKafka
from ops.embedded.storage import free_ports
from tests.kafka import SHORTEST_SESSION_MILLISECONDS, Report, cache_directory, run

_LOGIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required"
# The numbers that Kafka's protocol has for them.
_RESOURCES: Final = {Resource.TOPIC: 2, Resource.GROUP: 3, Resource.TRANSACTIONAL_ID: 5}
_OPERATIONS: Final = {
    Operation.READ: 3,
    Operation.WRITE: 4,
    Operation.CREATE: 5,
    Operation.DESCRIBE: 8,
    Operation.DESCRIBE_CONFIGS: 10,
}
_LITERAL: Final = 3
_PREFIXED: Final = 4
_ALLOW: Final = 3
Row = tuple[int, str, int, str, str, int, int]


@dataclass(frozen=True, slots=True)
class AuthorizedKafka:
    """A running cluster: where its administrator, and where its users connect."""

    administrator: str
    users: str
    passwords: Mapping[str, Path]

    def settings(self, user: str) -> dict[str, str]:
        """Return the ESITO_ settings by which a process is `user`."""
        return {
            "ESITO_KAFKA_BOOTSTRAP_SERVERS": self.users,
            "ESITO_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "ESITO_KAFKA_SASL_MECHANISM": "PLAIN",
            "ESITO_KAFKA_SASL_USERNAME": user,
            "ESITO_KAFKA_SASL_PASSWORD_FILE": str(self.passwords[user]),
        }

    def client_settings(self, user: str) -> dict[str, str]:
        """Return the settings of a bare client of aiokafka that is `user`."""
        return {
            "bootstrap_servers": self.users,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": self.passwords[user].read_text(),
        }

    async def create_topics(self, names: Iterable[str]) -> None:
        """Create topics of one partition, as the administrator."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.administrator)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, 1, 1) for name in names])
        finally:
            await admin.close()

    async def grant(self, accesses: Iterable[Access]) -> None:
        """Create the ACLs of all users, and return when the broker has them."""
        rows = [row for one in accesses for row in acl_rows(one.user, one.grants)]
        await created(self.administrator, rows)


async def created(administrator: str, rows: Iterable[Row]) -> None:
    """Create ACLs, and return when the broker has them."""
    client = AIOKafkaClient(bootstrap_servers=administrator)
    await client.bootstrap()
    try:
        answer = await client.send(client.get_random_node(), CreateAcls(rows))
    finally:
        await client.close()
    for code, message in answer.creation_responses:
        if code:
            raise for_code(code)(message)


class CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka is untyped here
    """Many at once: aiokafka's own request is for one."""

    API_KEY = 30

    def __init__(self, rows: Iterable[Row]) -> None:
        """Ask for an ACL for each row."""
        self._rows = list(rows)

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> Any:  # noqa: ANN401 - untyped there
        """Return the request as it goes over the wire."""
        return request_struct_class(self._rows)


def acl_rows(user: str, grants: Iterable[Grant]) -> list[Row]:
    """Return the ACLs of a user as the protocol has them."""
    return [
        (
            _RESOURCES[one.resource],
            one.name,
            _PREFIXED if one.is_prefix else _LITERAL,
            f"User:{user}",
            "*",
            _OPERATIONS[operation],
            _ALLOW,
        )
        for one in grants
        for operation in one.operations
    ]


@contextmanager
def authorized_kafka(
    report: Report, users: Iterable[str], directory: Path
) -> Iterator[AuthorizedKafka]:
    """Give a cluster of one node, of its own, that knows `users`; none has any right yet."""
    passwords = {user: directory / f"{user}.password" for user in users}
    for file in passwords.values():
        file.write_text(secrets.token_hex(16))
    plain, port = free_ports(2)
    cluster = EmbeddedKafka(
        cache_directory=cache_directory(),
        ports=(plain,),
        properties=_properties(passwords, port),
        on_progress=report,
    )
    run(cluster.start())
    try:
        yield AuthorizedKafka(cluster.bootstrap_servers, f"127.0.0.1:{port}", passwords)
    finally:
        run(cluster.stop())


def _properties(passwords: Mapping[str, Path], port: int) -> dict[str, str]:
    known = " ".join(f'user_{user}="{file.read_text()}"' for user, file in passwords.items())
    return {
        "listeners": f"USERS://127.0.0.1:{port}",
        "advertised.listeners": f"USERS://127.0.0.1:{port}",
        "listener.security.protocol.map": (
            "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,USERS:SASL_PLAINTEXT"
        ),
        "listener.name.users.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.users.plain.sasl.jaas.config": f"{_LOGIN} {known};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Who says no name; the brokers speak so to each other and to the controller.
        "super.users": "User:ANONYMOUS",
        "group.min.session.timeout.ms": SHORTEST_SESSION_MILLISECONDS,
    }
