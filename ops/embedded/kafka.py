"""Run a real Apache Kafka from Python packages alone: one node, or three to lose one of.

- The processes belong to the object, not to an event loop: it may be started in one loop, used in
  another and stopped in a third, but not by two at once.
- They cannot outlive the Python process that started them, however it ends.
- Ready means that the nodes answer for metadata and name each other in it.
- All listeners are on 127.0.0.1, without authentication: for one machine, never for production.
"""

import asyncio
import atexit
import signal
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self

from ops.embedded.jars import (
    LOCK_PATH,
    EmbeddedKafkaError,
    OnProgress,
    default_cache_directory,
    ignore_progress,
    verified_jars,
)
from ops.embedded.node import Java, Node, cluster_properties, java
from ops.embedded.storage import Storage, claim, free_ports, is_free
from ops.kafka_metadata import known_brokers, lagging_partitions

__all__ = ["EmbeddedKafka", "EmbeddedKafkaError"]

# A start takes 3 s on an idle machine; a loaded continuous integration takes ten times as long.
READY_SECONDS_MAX: Final = 60.0
# An orderly stop of one node takes 0.3 s; the last of three waits in vain for a quorum.
STOP_SECONDS_MAX: Final = 5.0
POLL_SECONDS: Final = 0.05


class EmbeddedKafka:
    """An Apache Kafka in KRaft mode: `async with EmbeddedKafka().running() as kafka: ...`.

    Nodes are numbered from 1. Each keeps its port from `start` to `stop`, whatever it goes through.
    """

    def __init__(
        self,
        *,
        cache_directory: Path | None = None,
        data_directory: Path | None = None,
        nodes: int = 1,
        ports: Sequence[int] = (),
        properties: Mapping[str, str] | None = None,
        lock_path: Path = LOCK_PATH,
        on_progress: OnProgress = ignore_progress,
    ) -> None:
        """Describe the cluster; nothing is started.

        `cache_directory` keeps the jars between runs. `data_directory` lasts; without one, records
        are gone after `stop`. `ports` are those of the clients, free ones where not given.
        `properties` of the brokers come over ours, and listeners in them beside ours.
        """
        self._cache_directory = cache_directory or default_cache_directory()
        self._data_directory = data_directory
        self._count = nodes
        self._ports = tuple(ports)
        self._properties = dict(properties or {})
        self._lock_path = lock_path
        self._on_progress = on_progress
        self._nodes: dict[int, Node] = {}
        self._paused: set[int] = set()
        self._java: Java | None = None
        self._storage: Storage | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Return the addresses of all nodes, comma separated, as Kafka clients take them."""
        return ",".join(node.address for node in self._nodes.values())

    @property
    def nodes(self) -> tuple[int, ...]:
        """Return the numbers of the nodes, alive or not."""
        return tuple(self._nodes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Start, give the running cluster, stop."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Bring the cluster up; return when it is ready.

        Raises: EmbeddedKafkaError when it cannot be started, with the end of the broker's log.
        """
        if self._storage is not None:
            message = "the embedded Kafka has been started already"
            raise EmbeddedKafkaError(message)
        atexit.register(self._kill_all)
        try:
            await asyncio.to_thread(self._prepare)
            await self._format()
            self._on_progress("Starting Apache Kafka")
            await self._spawn(self._nodes)
            await self._wait_until_ready(self._nodes)
        except BaseException:
            self._kill_all()
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all nodes and free what they held; do nothing if that is done already."""
        # Nobody reads a temporary directory again: an orderly stop would only cost time.
        orderly = self._storage is not None and not self._storage.is_temporary
        await self._end(self._nodes, signal.SIGTERM if orderly else signal.SIGKILL)
        atexit.unregister(self._kill_all)
        self._nodes = {}
        if self._java is not None:
            self._java.spawner.shutdown()
            self._java = None
        if self._storage is not None:
            await asyncio.to_thread(self._storage.release)
            self._storage = None

    async def kill(self, node: int) -> None:
        """End a node as a power failure would (SIGKILL)."""
        await self._end([node], signal.SIGKILL)

    async def stop_node(self, node: int) -> None:
        """End a node as an operator would (SIGTERM, and SIGKILL after the grace)."""
        await self._end([node], signal.SIGTERM)

    async def restart(self, node: int) -> None:
        """Start a node again on its port and data, stopping it first if it is alive."""
        await self.stop_node(node)
        await self._spawn([node])
        await self._wait_until_ready([node])

    def pause(self, node: int) -> None:
        """Freeze a node (SIGSTOP): it keeps its connections and answers nothing."""
        self._nodes[node].signal(signal.SIGSTOP)
        self._paused.add(node)

    def resume(self, node: int) -> None:
        """Let a frozen node go on (SIGCONT)."""
        self._nodes[node].signal(signal.SIGCONT)
        self._paused.discard(node)

    async def heal(self) -> None:
        """Resume every frozen node, start every dead one, return when all are ready and in sync."""
        for node in tuple(self._paused):
            self.resume(node)
        await self._spawn(n for n, node in self._nodes.items() if not node.is_alive)
        await self._wait_until_ready(self._nodes)
        await self._wait_until_in_sync()

    def _prepare(self) -> None:
        jars = verified_jars(
            self._cache_directory, lock_path=self._lock_path, on_progress=self._on_progress
        )
        self._java = java(jars)
        self._storage = claim(self._data_directory)
        self._nodes = self._planned_nodes(self._storage.directory)
        properties = {**cluster_properties(tuple(self._nodes.values())), **self._properties}
        for node in self._nodes.values():
            node.configure(properties)

    def _planned_nodes(self, directory: Path) -> dict[int, Node]:
        for port in self._ports:
            if not is_free(port):
                message = f"port {port} of 127.0.0.1 is taken; name another for the embedded Kafka"
                raise EmbeddedKafkaError(message)
        spare = free_ports(2 * self._count + len(self._ports))
        free = [port for port in spare if port not in self._ports]
        clients = [*self._ports, *free][: self._count]
        controllers = free[self._count : 2 * self._count]
        return {
            number: Node(
                number=number,
                directory=directory / f"node-{number}",
                client_port=client,
                controller_port=controller,
            )
            for number, (client, controller) in enumerate(
                zip(clients, controllers, strict=True), start=1
            )
        }

    async def _format(self) -> None:
        runtime, storage = self._owned()
        cluster_id = storage.cluster_id(nodes=self._count)
        bare = [node for node in self._nodes.values() if not node.is_formatted]
        if bare:
            self._on_progress("Formatting the storage of Apache Kafka")
        format_one = partial(Node.format, cluster_id=cluster_id, inherited=storage.descriptor)
        await asyncio.gather(*(asyncio.to_thread(format_one, node, runtime) for node in bare))

    async def _spawn(self, nodes: Iterable[int]) -> None:
        runtime, storage = self._owned()
        for number in tuple(nodes):
            await asyncio.to_thread(
                self._nodes[number].start, runtime, inherited=storage.descriptor
            )

    async def _end(self, nodes: Iterable[int], number: signal.Signals) -> None:
        ended = [self._nodes[node] for node in nodes]
        for node in ended:
            node.signal(number)
            # A frozen process takes no signal but SIGKILL before it goes on.
            node.signal(signal.SIGCONT)
            self._paused.discard(node.number)
        wait = partial(Node.wait, grace_seconds=STOP_SECONDS_MAX)
        await asyncio.gather(*(asyncio.to_thread(wait, node) for node in ended))

    def _kill_all(self) -> None:
        for node in self._nodes.values():
            node.signal(signal.SIGKILL)

    def _owned(self) -> tuple[Java, Storage]:
        if self._java is None or self._storage is None:
            message = "the embedded Kafka has not been started"
            raise EmbeddedKafkaError(message)
        return self._java, self._storage

    async def _wait_until_ready(self, numbers: Iterable[int]) -> None:
        """Return when each node answers for metadata and names all of `numbers` in it."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        wanted = frozenset(numbers)
        for number in wanted:
            node = self._nodes[number]
            while not wanted <= await known_brokers(node.address):
                if not node.is_alive or time.monotonic() > deadline:
                    how = f"ready after {READY_SECONDS_MAX:g} s" if node.is_alive else "started"
                    message = f"Kafka node {number} was not {how}.\n{node.log_tail()}"
                    raise EmbeddedKafkaError(message)
                await asyncio.sleep(POLL_SECONDS)

    async def _wait_until_in_sync(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while lagging := await lagging_partitions(self.bootstrap_servers):
            if time.monotonic() > deadline:
                message = f"{len(lagging)} partitions lag behind: {sorted(lagging)[:3]}"
                raise EmbeddedKafkaError(message)
            await asyncio.sleep(POLL_SECONDS)
