"""Measure the ingress against itself without Kafka: CPU per accepted callback, and latency."""

import asyncio
import statistics
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from benchmarks.installation import Installation, cpu_seconds, process
from benchmarks.load import Load, apply_load, post

SECONDS = 3.0
ROUNDS = 3
CONNECTIONS = (64, 256, 512)


@dataclass(slots=True)
class Rounds:
    """The rounds of one server at one number of connections."""

    cpu_per_thousand: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def add(self, load: Load, cpu: float) -> None:
        """Take one round."""
        self.cpu_per_thousand.append(cpu / load.accepted * 1000)
        self.rate.append(load.accepted / load.seconds)
        self.p50.append(load.percentile(0.5))
        self.p99.append(load.percentile(0.99))


async def measure_ingress(installation: Installation, body: bytes, *, port: int) -> list[str]:
    """Return table rows: connections, server, rate, CPU, latency, ratio; rounds are interleaved."""
    request = post(
        "/callbacks/pivot",
        {"X-API-Key": installation.api_key, "Content-Type": "application/json"},
        body,
    )
    file = str(installation.file)
    installation.environ["ESITO_INGRESS__PORT"] = str(port)
    async with process(installation, "-m", "ingress", "--configuration", file) as real:
        installation.environ["ESITO_INGRESS__PORT"] = str(port + 1)
        async with process(installation, "-m", "benchmarks.ceiling", file) as ceiling:
            servers = {"ingress": (real, port), "no Kafka": (ceiling, port + 1)}
            for _, one in servers.values():
                await _answering(request, one)
            resident = real.memory_info().rss
            measured = await _rounds(servers, request)
            peak = real.memory_info().rss
    rows = [row for connections in CONNECTIONS for row in _rows(connections, measured)]
    return [
        *rows,
        "",
        f"Resident: {resident / 1e6:.0f} MB idle, {peak / 1e6:.0f} MB after the load.",
    ]


async def _rounds(
    servers: dict[str, tuple[psutil.Process, int]], request: bytes
) -> dict[tuple[str, int], Rounds]:
    measured: dict[tuple[str, int], Rounds] = {}
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, (server, port) in servers.items():
                before = cpu_seconds(server)
                load = await apply_load(
                    "127.0.0.1", port, request, connections=connections, seconds=SECONDS
                )
                if set(load.statuses) != {200}:
                    raise RuntimeError(f"{name}: answers {load.statuses}")
                rounds = measured.setdefault((name, connections), Rounds())
                rounds.add(load, cpu_seconds(server) - before)
    return measured


def _rows(connections: int, measured: dict[tuple[str, int], Rounds]) -> list[str]:
    base = measured["no Kafka", connections]
    rows = []
    for name in ("no Kafka", "ingress"):
        one = measured[name, connections]
        ratios = [a / b for a, b in zip(one.cpu_per_thousand, base.cpu_per_thousand, strict=True)]
        rows.append(
            f"| {connections} | {name} | {statistics.median(one.rate):,.0f} "
            f"| {statistics.median(one.cpu_per_thousand):.3f} "
            f"| {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}] "
            f"| {statistics.median(one.p50):.1f} | {statistics.median(one.p99):.1f} |"
        )
    return rows


async def _answering(request: bytes, port: int) -> None:
    """Wait until the server at `port` accepts callbacks."""
    statuses: dict[int, int] = {}
    try:
        async with asyncio.timeout(30):
            while True:
                with suppress(OSError):
                    load = await apply_load("127.0.0.1", port, request, connections=1, seconds=0.1)
                    statuses = load.statuses
                    if load.accepted:
                        return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise RuntimeError(f"port {port} accepts no callback; its answers: {statuses}") from None
