"""Own what the embedded Kafka keeps between its processes: the data directory and the ports.

- A data directory has one owner at a time. The lock on it is shared with the brokers, so that a
  broker which survived its owner for a moment still keeps others out.
- A lasting directory is formatted once, for one number of nodes; a temporary one is removed.
"""

import base64
import fcntl
import json
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Final

from ops.embedded.jars import KAFKA_VERSION, EmbeddedKafkaError

# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections:
# a client that calls a stopped broker again and again would otherwise sooner or later be given
# the broker's own port, connect to itself, and keep the broker from coming back.
PORTS: Final = range(15_000, 32_000)
PORT_ATTEMPTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Storage:
    """A data directory that this process owns."""

    directory: Path
    is_temporary: bool
    _lock: BufferedRandom

    @property
    def descriptor(self) -> int:
        """Return the file descriptor that holds the lock for as long as any process has it open."""
        return self._lock.fileno()

    def cluster_id(self, *, nodes: int) -> str:
        """Return the identity of the cluster stored here, made up at the first call.

        Raises: EmbeddedKafkaError when the directory is that of another number of nodes.
        """
        path = self.directory / "cluster.json"
        if not path.exists():
            cluster = {"cluster_id": _new_cluster_id(), "nodes": nodes, "kafka": KAFKA_VERSION}
            path.write_text(json.dumps(cluster), encoding="utf-8")
        cluster = json.loads(path.read_text(encoding="utf-8"))
        if cluster["nodes"] != nodes:
            message = (
                f"{self.directory} belongs to an embedded Kafka of {cluster['nodes']} node(s); it "
                f"cannot be started with {nodes}. Name another data directory, or delete this one."
            )
            raise EmbeddedKafkaError(message)
        return str(cluster["cluster_id"])

    def release(self) -> None:
        """Let others own the directory; remove it if it is temporary."""
        if self.is_temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
        # Said outright: a forked child may hold the file open for longer than we do.
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        self._lock.close()


def claim(data_directory: Path | None) -> Storage:
    """Return the data directory as ours; a temporary one if none is named.

    Raises: EmbeddedKafkaError when somebody else owns it.
    """
    is_temporary = data_directory is None
    directory = data_directory or Path(tempfile.mkdtemp(prefix="esito-kafka-"))
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / "owner.lock").open("a+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        message = (
            f"{directory} is in use by another embedded Kafka. Stop that one, or name another data "
            "directory."
        )
        raise EmbeddedKafkaError(message) from error
    return Storage(directory, is_temporary, lock)


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of 127.0.0.1 that nobody listens on.

    Raises: EmbeddedKafkaError when there are not that many.
    """
    ports: set[int] = set()
    for _ in range(PORT_ATTEMPTS_MAX):
        if len(ports) == count:
            return sorted(ports)
        port = secrets.choice(PORTS)
        if is_free(port):
            ports.add(port)
    message = f"no {count} free ports on 127.0.0.1 from {PORTS.start} to {PORTS.stop}"
    raise EmbeddedKafkaError(message)


def is_free(port: int) -> bool:
    """Say whether a broker could listen on `port` of 127.0.0.1 now."""
    with socket.socket() as listener:
        # As the broker does: connections of a predecessor that are still closing do not matter.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _new_cluster_id() -> str:
    first, *rest = secrets.token_bytes(16)
    # Below 128, so that the first letter is never "-": Kafka's tools would read an option.
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")
