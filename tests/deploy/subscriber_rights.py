"""Give a Kafka as we deploy it: TLS, certificates for names, and the rights of our page alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.access import Grant, Operation, Resource
from ops.embedded.kafka import EmbeddedKafka
from ops.embedded.storage import free_ports
from ops.generate import ROOT
from simulator.pki import Identity, lasting, new_root, new_tls_client, new_tls_server
from tests.authorized_kafka import acl_rows, created
from tests.kafka import Report, cache_directory, run

_PAGE: Final = ROOT / "docs" / "SUBSCRIBING.md"


@dataclass(frozen=True, slots=True)
class TlsKafka:
    """A running cluster: where its administrator, and where its users connect with their files."""

    administrator: str
    users: str
    files: dict[str, str]

    async def grant(self, user: dict[str, Any]) -> None:
        """Give a KafkaUser its rights, as Strimzi does."""
        grants = [
            Grant(
                Resource(one["resource"]["type"]),
                one["resource"]["name"],
                tuple(map(Operation, one["operations"])),
                is_prefix=one["resource"]["patternType"] == "prefix",
            )
            for one in user["spec"]["authorization"]["acls"]
        ]
        await created(self.administrator, acl_rows(f"CN={user['metadata']['name']}", grants))


def shown_user() -> dict[str, Any]:
    """Return the KafkaUser that the page shows."""
    (text,) = re.findall(r"```yaml\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    user: dict[str, Any] = yaml.safe_load(text)
    return user


@contextmanager
def tls_kafka(report: Report, user: str, directory: Path) -> Iterator[TlsKafka]:
    """Give a cluster of one node, of its own, and the files of one user without any right yet."""
    now = datetime.now(UTC)
    root = new_root("Kafka", now=now)
    client = new_tls_client(root, user, organization="subscribers", life=lasting(now))
    ca_file = _written(directory / "ca.pem", root.certificate.public_bytes(Encoding.PEM))
    files = {
        "CA_FILE": ca_file,
        "CERTIFICATE_FILE": _written(directory / "user.pem", client.chain_pem),
        "KEY_FILE": _written(directory / "user.key", _key(client)),
    }
    server = new_tls_server(root, "broker", life=lasting(now))
    store = _written(directory / "broker.pem", _key(server) + server.chain_pem)
    plain, port = free_ports(2)
    cluster = EmbeddedKafka(
        cache_directory=cache_directory(),
        ports=(plain,),
        properties=_properties(port, store, ca_file),
        on_progress=report,
    )
    run(cluster.start())
    try:
        yield TlsKafka(cluster.bootstrap_servers, f"127.0.0.1:{port}", files)
    finally:
        run(cluster.stop())


def _properties(port: int, store: str, ca_file: str) -> dict[str, str]:
    return {
        "listeners": f"TLS://127.0.0.1:{port}",
        "advertised.listeners": f"TLS://127.0.0.1:{port}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL",
        "listener.name.tls.ssl.client.auth": "required",
        "listener.name.tls.ssl.keystore.type": "PEM",
        "listener.name.tls.ssl.keystore.location": store,
        "listener.name.tls.ssl.truststore.type": "PEM",
        "listener.name.tls.ssl.truststore.location": ca_file,
        # As the names of Strimzi's users are.
        "listener.name.tls.ssl.principal.mapping.rules": "RULE:^.*(CN=[^,]+).*$/$1/",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }


def _key(identity: Identity) -> bytes:
    return identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _written(file: Path, text: bytes) -> str:
    file.write_bytes(text)
    return str(file)
