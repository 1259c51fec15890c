"""Measure everything once and write benchmarks/RESULTS.md: `make bench`, about three minutes."""

import asyncio
import platform
import random
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.ingress import ROUNDS, SECONDS, measure_ingress
from benchmarks.installation import PARTITIONS, install
from benchmarks.memory import bytes_per_transaction
from benchmarks.workers import CALLBACKS, measure_workers
from ops.embedded_kafka import EmbeddedKafka
from ops.kafka_jars import KAFKA_VERSION
from runtime.process import event_loop_factory
from simulator.pivot import callback_body, new_session

RESULTS = Path(__file__).parent / "RESULTS.md"
PORT = 18_080
_LIBRARIES = ("aiohttp", "aiokafka", "pydantic", "uvloop")

_TEMPLATE = """# Results

Written by `make bench`; every figure below is of one run. The machine is shared: believe the
ratios, which compare rounds that took turns, before the absolute figures.

- When: {when}
- Machine: {cores} cores, {memory}, {platform}; load, broker and server share it
- Versions: Python {python}, {libraries}
- Broker: Apache Kafka {kafka} embedded, one node, {partitions} partitions
- Body: {body} bytes of a Pivot callback; API key; answered after acks=all

## Ingress against itself without Kafka

{rounds} rounds of {seconds} s each, closed loop, the two servers in turns. CPU is that of the
server process for 1000 accepted callbacks; the ratio is to the round beside it, with its smallest
and largest. A ratio under 1 is real: one confirmation wakes many callers, so the event loop turns
less often than where each request is answered by itself.

| connections | server | callbacks/s | CPU s/1000 | ratio | p50 ms | p99 ms |
|---|---|---|---|---|---|---|
{ingress}

## Workers

One process works a full topic off ({callbacks} callbacks), measured from a tenth to the end by the
committed offsets, Kafka transactions included.

| worker | records | records/s | CPU s/1000 | cores used | resident MB |
|---|---|---|---|---|---|
{workers}

Memory: {transaction} bytes for each live transaction, all indexes included.
"""


async def main() -> None:
    """Measure, print and write."""
    rng = random.Random(7)  # noqa: S311 - a body's values, no secrets
    session = new_session(rng, payment_type="SINGLE").with_charge("charge-1", 10_001)
    body = callback_body("PAYMENT.PAID", session, status="PAID")
    with tempfile.TemporaryDirectory(prefix="esito-benchmark-") as name:
        async with EmbeddedKafka(on_progress=_say).running() as kafka:
            _say("ingress")
            servers = kafka.bootstrap_servers
            installation = await install(Path(name), servers, port=PORT, prefix="ingress.")
            ingress = await measure_ingress(installation, body, port=PORT)
            _say("verifier, state machine, restore")
            installation = await install(Path(name), servers, port=PORT, prefix="workers.")
            workers = await measure_workers(installation, body, session.id)
    text = _report(ingress, workers, len(body))
    RESULTS.write_text(text)
    print(text)


def _report(ingress: list[str], workers: list[str], body_bytes: int) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return _TEMPLATE.format(
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        cores=psutil.cpu_count(),
        memory=f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        platform=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        libraries=libraries,
        kafka=KAFKA_VERSION,
        partitions=PARTITIONS,
        body=body_bytes,
        rounds=ROUNDS,
        seconds=f"{SECONDS:.0f}",
        ingress="\n".join(ingress),
        callbacks=f"{CALLBACKS:,}",
        workers="\n".join(workers),
        transaction=f"{bytes_per_transaction():,.0f}",
    )


def _say(text: str) -> None:
    sys.stderr.write(f"benchmark: {text}\n")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(main())
