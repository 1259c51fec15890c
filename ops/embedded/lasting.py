"""Run a Kafka to play with at 127.0.0.1:9092, its data lasting: `make kafka`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from ops.embedded.kafka import EmbeddedKafka, EmbeddedKafkaError


def main() -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.embedded.lasting", description=__doc__)
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--data", type=Path, default=Path(".esito/kafka"), metavar="DIRECTORY")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_run(options.port, options.data))
    except EmbeddedKafkaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(port: int, data: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cluster = EmbeddedKafka(data_directory=data, ports=(port,), on_progress=_say)
    async with cluster.running() as kafka:
        _say(f"Kafka listens at {kafka.bootstrap_servers}, its data is in {data}; Ctrl-C ends it")
        await stop.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
