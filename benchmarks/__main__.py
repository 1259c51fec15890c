"""Measure everything once and write benchmarks/RESULTS.md: `make bench`, about ten minutes."""

import asyncio
import random
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.callbacks import Callbacks
from benchmarks.endpoints import alone, write_endpoints
from benchmarks.ingress import measure_ingress
from benchmarks.installation import install
from benchmarks.memory import bytes_per_transaction
from benchmarks.results import Measured, load_of_others, written
from benchmarks.workers import measure_verifiers, measure_workers
from ops.embedded.kafka import EmbeddedKafka
from runtime.process import event_loop_factory
from simulator.pivot import callback_body, new_session

RESULTS = Path(__file__).parent / "RESULTS.md"
PORT = 18_080


async def main() -> None:
    """Measure, print and write."""
    load = load_of_others()
    rng = random.Random(7)  # noqa: S311 - a body's values, no secrets
    session = new_session(rng, payment_type="SINGLE").with_charge("charge-1", 10_001)
    body = callback_body("PAYMENT.PAID", session, status="PAID")
    signatures = (await _child("signatures")).splitlines()
    with tempfile.TemporaryDirectory(prefix="esito-benchmark-") as name:
        endpoints, keys = write_endpoints(Path(name))
        pivot = alone("pivot", endpoints)
        async with EmbeddedKafka(on_progress=_say).running() as kafka:
            _say("ingress")
            servers = kafka.bootstrap_servers
            installation = await install(Path(name), servers, pivot, port=PORT, prefix="ingress.")
            ingress = await measure_ingress(installation, body, port=PORT)
            _say("verifiers, state machine, restore")
            installation = await install(
                Path(name), servers, endpoints, port=PORT, prefix="workers."
            )
            workers, restore = await measure_workers(installation, body, session.id)
            callbacks = Callbacks(installation.configuration, keys, rng, datetime.now(UTC))
            workers += await measure_verifiers(installation, callbacks)
    send = [await _child(name) for name in ("uploads", "intake", "pdf", "streams")]
    measured = Measured(
        signatures=signatures,
        ingress=ingress,
        workers=workers,
        restore=restore,
        body_bytes=len(body),
        bytes_per_transaction=bytes_per_transaction(),
        send=send,
    )
    text = written(measured, load=load)
    RESULTS.write_text(text)
    print(text)


async def _child(name: str) -> str:
    """Return what a process of its own printed: its memory and collector are nobody else's."""
    _say(name)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"benchmarks.{name}", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"benchmarks.{name} ended with {child.returncode}")
    return output.decode().strip()


def _say(text: str) -> None:
    sys.stderr.write(f"benchmark: {text}\n")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(main())
