"""Show the ingress under load while Kafka is stopped: `python -m benchmarks.kafka_stopped`.

1. all is well
2. Kafka is frozen (SIGSTOP) for half of `--seconds`: it keeps its connections and answers nothing
3. Kafka is killed (SIGKILL) and away for the other half
4. Kafka is back

One table row a second; at the end, what was answered 200 is looked for in the raw topic.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.endpoints import alone, write_endpoints
from benchmarks.installation import PARTITIONS, Installation, install, process
from ops.embedded.kafka import EmbeddedKafka
from ops.embedded.storage import free_ports

# Bounded: what a provider with a queue does, not what an attacker does.
PAUSE_SECONDS: Final = 0.05
BODY_BYTES: Final = 3_700  # the size of Pivot's documented payload
WELL_SECONDS: Final = 5
RECOVERY_SECONDS: Final = 15
NODE: Final = 1
NO_ANSWER: Final = 0
_WAITING: Final = ("esito_ingress_waiting_callbacks", "esito_ingress_waiting_bytes")


@dataclass(slots=True)
class Seen:
    """What the callers were told: answers by status, and the numbers of the accepted callbacks."""

    connections: int
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: set[int] = field(default_factory=set)
    slowest_seconds: float = 0.0
    sent: int = 0


async def main(seconds: int, connections: int) -> bool:
    """Run all phases and print the table; return whether every acknowledged callback was found."""
    with tempfile.TemporaryDirectory() as directory:
        async with EmbeddedKafka().running() as kafka:
            port, management = free_ports(2)
            endpoints, _ = write_endpoints(Path(directory))
            installation = await install(
                Path(directory),
                kafka.bootstrap_servers,
                alone("pivot", endpoints),
                port=port,
                prefix="stopped.",
            )
            installation.environ["ESITO_INGRESS__PORT"] = str(port)
            installation.environ["ESITO_MANAGEMENT_PORT"] = str(management)
            file = str(installation.file)
            seen = Seen(connections)
            async with process(installation, "-m", "ingress", "--configuration", file) as ingress:
                peak = await _phases(kafka, installation, ingress, seen, seconds=seconds)
            found = await _stored(installation)
    lost = seen.acknowledged - set(found)
    print(f"\nRequests {seen.sent:,}; slowest answer {seen.slowest_seconds:.1f} s.")
    print(
        f"Acknowledged {len(seen.acknowledged):,}; of these in the raw topic "
        f"{len(seen.acknowledged) - len(lost):,}; lost {len(lost):,}."
    )
    print(
        f"Stored without being acknowledged (answered 503, sent again by a real provider): "
        f"{len(set(found) - seen.acknowledged):,}; records {len(found):,}."
    )
    print(f"Resident memory of the ingress at most {peak / 1e6:.0f} MB.")
    return not lost


async def _phases(
    kafka: EmbeddedKafka,
    installation: Installation,
    ingress: psutil.Process,
    seen: Seen,
    *,
    seconds: int,
) -> int:
    """Go through the phases; return the most memory the ingress held."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await _ready(session, installation)
        callers = [
            asyncio.create_task(_call_on(session, installation, seen, first))
            for first in range(seen.connections)
        ]
        table = _Table(session, installation, ingress, seen)
        await table.rows(WELL_SECONDS, "well")
        kafka.pause(NODE)
        await table.rows(seconds - seconds // 2, "frozen")
        await kafka.kill(NODE)
        await table.rows(seconds // 2, "dead")
        restart = asyncio.create_task(kafka.restart(NODE))
        await table.rows(RECOVERY_SECONDS, "back")
        await restart
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        # Whoever was cut off in the middle was told nothing.
        return table.peak_bytes


async def _call_on(
    session: aiohttp.ClientSession, installation: Installation, seen: Seen, first: int
) -> None:
    """Send one callback after another; each bears its number."""
    url = f"http://127.0.0.1:{installation.environ['ESITO_INGRESS__PORT']}/callbacks/pivot"
    headers = {"X-API-Key": installation.api_key, "Content-Type": "application/json"}
    number = first
    while True:
        body = f"{number:012d}".encode().ljust(BODY_BYTES, b".")
        began = time.monotonic()
        seen.sent += 1
        status = NO_ANSWER
        with suppress(aiohttp.ClientError):
            async with session.post(url, data=body, headers=headers) as answer:
                status = answer.status
        seen.statuses[status] += 1
        seen.slowest_seconds = max(seen.slowest_seconds, time.monotonic() - began)
        if status == 200:  # noqa: PLR2004 - the one status that promises something
            seen.acknowledged.add(number)
        number += seen.connections
        await asyncio.sleep(PAUSE_SECONDS)


class _Table:
    """Prints a row a second: what was answered in it, and what the ingress holds."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        installation: Installation,
        ingress: psutil.Process,
        seen: Seen,
    ) -> None:
        self._session = session
        self._installation = installation
        self._ingress = ingress
        self._seen = seen
        self._second = 0
        self._before: Counter[int] = Counter()
        self.peak_bytes = 0
        print("| s | Kafka | 200 | 429 | 503 | other | RSS MB | waiting | waiting kB | ready |")
        print("|--:|---|--:|--:|--:|--:|--:|--:|--:|---|")

    async def rows(self, seconds: int, phase: str) -> None:
        """Print so many rows."""
        end = time.monotonic()
        for _ in range(seconds):
            end += 1
            await asyncio.sleep(max(0.0, end - time.monotonic()))
            await self._row(phase)

    async def _row(self, phase: str) -> None:
        self._second += 1
        now = Counter(self._seen.statuses)
        told = now - self._before
        self._before = now
        other = told.total() - told[200] - told[429] - told[503]
        resident = self._ingress.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, resident)
        text = await _managed(self._session, self._installation, "/metrics")
        callbacks, size = (_metric(text, name) for name in _WAITING)
        ready = await _managed(self._session, self._installation, "/readyz")
        print(
            f"| {self._second} | {phase} "
            f"| {told[200]:,} | {told[429]:,} | {told[503]:,} | {other:,} "
            f"| {resident / 1e6:.0f} | {callbacks:,.0f} | {size / 1e3:,.0f} "
            f"| {'no' if 'false' in ready else 'yes'} |",
            flush=True,
        )


async def _ready(session: aiohttp.ClientSession, installation: Installation) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(aiohttp.ClientError):
                if "false" not in await _managed(session, installation, "/readyz"):
                    return
            await asyncio.sleep(0.1)


async def _managed(session: aiohttp.ClientSession, installation: Installation, path: str) -> str:
    url = f"http://127.0.0.1:{installation.environ['ESITO_MANAGEMENT_PORT']}{path}"
    async with session.get(url) as answer:
        return await answer.text()


def _metric(text: str, name: str) -> float:
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + "{")
    )


async def _stored(installation: Installation) -> list[int]:
    """Return the number of every callback in the raw topic."""
    consumer: AIOKafkaConsumer = installation.clients.consumer(
        group=None, fetch_bytes_max=8_388_608
    )
    parts = [TopicPartition("stopped.callbacks.pivot.raw.v1", one) for one in range(PARTITIONS)]
    await consumer.start()
    try:
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        numbers: list[int] = []
        while sum(ends.values()) > len(numbers):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                numbers += [int(record.value[:12]) for record in records]
    finally:
        await consumer.stop()
    return numbers


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long Kafka is stopped")
    parser.add_argument("--connections", type=int, default=256, help="callers at a time")
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(main(options.seconds, options.connections)) else 1)
