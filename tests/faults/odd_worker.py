"""Run a worker with a fault built in: `python -m tests.faults.odd_worker verifier --mutant …`.

Everything but the fault is the real thing. `--stop-at` and `--kill-at` name a point of the loop and
its passage, `produced:5`; besides the loop's own points there is `between` of the mutants.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from aiokafka import TopicPartition

from contracts.provider import Standing
from contracts.providers import provider_named
from contracts.update import Statement
from runtime.configuration import Configuration
from runtime.failpoint import Failpoint
from runtime.kafka import KafkaClients
from runtime.key_source import KeySource, report_reloads
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from tests.faults.mutants import WRITERS, UnfencedClients
from tests.sources import without_signatures
from workers.processor import InputRecord, Output, Processor
from workers.roles import state_machine_role, verifier_role
from workers.worker import Role, Worker

# What a body contains that ends the process, and what makes its processing fail.
DEADLY: Final = b"DEADLY"
POISONOUS: Final = b"POISONOUS"


class FragileProcessor:
    """A processor that dies of one kind of record, as of a native crash, and fails at another."""

    def __init__(self, inner: Processor) -> None:
        """Wrap the real processor."""
        self.restore = inner.restore
        self.finish = inner.finish
        self.committed = inner.committed
        self.aborted = inner.aborted
        self.alarms = (
            inner.alarms
        )  # a verifier has none; `_keep` is what fails in a state machine's
        self.close = inner.close
        self._process = inner.process

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        return len(records)

    def process(self, record: InputRecord) -> Sequence[Output]:
        """Process `record`, unless it is one of the two kinds."""
        if DEADLY in (record.value or b""):
            os.kill(os.getpid(), signal.SIGKILL)
        if POISONOUS in (record.value or b""):
            raise ZeroDivisionError("a fault that nobody foresaw")
        return self._process(record)


def main() -> int:
    """Parse the command line and run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("verifier", "state-machine"))
    parser.add_argument("--mutant", choices=WRITERS, default="none")
    parser.add_argument("--fragile", action="store_true")
    parser.add_argument("--stop-at", default="")
    parser.add_argument("--kill-at", default="")
    add_configuration_option(parser, os.environ)
    options = parser.parse_args()
    return run_process(options.configuration, process=options.role, main=partial(_run, options))


async def _run(
    options: argparse.Namespace, configuration: Configuration, log: Logger, stop: asyncio.Event
) -> None:
    metrics = Metrics()
    role = _role(options, configuration, metrics, log)
    make_clients = UnfencedClients if options.mutant == "unfenced" else KafkaClients
    worker = Worker(
        role,
        configuration,
        clients=make_clients(configuration, client_id=f"odd-{role.name}"),
        metrics=metrics,
        log=log,
        failpoint=_failpoint(options),
        make_writer=WRITERS[options.mutant],
    )
    await worker.run(stop)


def _role(
    options: argparse.Namespace, configuration: Configuration, metrics: Metrics, log: Logger
) -> Role:
    provider = provider_named("pivot")
    if options.role == "state-machine":
        if options.fragile:
            provider = replace(provider, keep=_keep)
        return state_machine_role(configuration, provider, metrics, log)
    keys = KeySource(configuration.endpoints_of("pivot"), report_reloads(metrics, log))
    role = verifier_role(configuration, provider, without_signatures(keys), metrics)
    if not options.fragile:
        return role

    def make_processor(partition: TopicPartition) -> Processor:
        return FragileProcessor(role.make_processor(partition))

    return replace(role, make_processor=make_processor)


def _keep(standing: Standing, statement: Statement) -> Statement:
    """Fail at one element of a poisonous transaction, when its alarm rings."""
    poisonous = POISONOUS.decode() in statement.transaction_id
    if poisonous and standing.status is not None:
        raise ZeroDivisionError("a fault that nobody foresaw")
    return statement


def _failpoint(options: argparse.Namespace) -> Failpoint:
    freeze = _at(options.stop_at, signal.SIGSTOP)
    end = _at(options.kill_at, signal.SIGKILL)

    def reached(point: str) -> None:
        freeze(point)
        end(point)

    return reached


def _at(specification: str, number: signal.Signals) -> Callable[[str], None]:
    wanted, _, passage = specification.partition(":")
    left = int(passage or 1)

    def reached(point: str) -> None:
        nonlocal left
        if point == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    return reached


if __name__ == "__main__":
    sys.exit(main())
