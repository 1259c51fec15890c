"""Start a worker: `python -m workers verifier --provider pivot`, `python -m workers state-machine …`."""

import argparse
import asyncio
import os
import sys

from aiokafka import TopicPartition

from contracts.errors import Broken
from contracts.provider import Provider
from contracts.providers import provider_named, provider_names
from contracts.topics import Topics
from runtime.configuration import Configuration
from runtime.failpoint import failpoint
from runtime.kafka import KafkaClients
from runtime.key_source import KeySource, report_reloads
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from workers.state_machine.decide import Rules
from workers.state_machine.meters import StateMeters
from workers.state_machine.processor import StateMachineProcessor
from workers.verifier.policies import endpoint_policies
from workers.verifier.processor import VerifierProcessor
from workers.worker import Role, Worker

_DAY_MILLISECONDS = 86_400_000


def main() -> int:
    """Parse the command line and run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m workers",
        description="Verify callbacks, or decide what verified updates mean.",
    )
    parser.add_argument("role", choices=("verifier", "state-machine"))
    parser.add_argument("--provider", required=True, choices=provider_names())
    add_configuration_option(parser, os.environ)
    options = parser.parse_args()

    async def run(configuration: Configuration, log: Logger, stop: asyncio.Event) -> None:
        provider = provider_named(options.provider)
        start = _run_verifier if options.role == "verifier" else _run_state_machine
        await start(configuration, provider, log.bind(provider=provider.name), stop)

    return run_process(options.configuration, process=options.role, main=run)


async def _run_verifier(
    configuration: Configuration, provider: Provider, log: Logger, stop: asyncio.Event
) -> None:
    metrics, topics = Metrics(), Topics.of(provider.name, prefix=configuration.topic_prefix)
    endpoints = configuration.endpoints_of(provider.name)
    keys = KeySource(endpoints, report_reloads(metrics, log))
    processor = VerifierProcessor(provider, endpoint_policies(provider, endpoints, keys), topics)
    role = Role(
        name=f"verifier.{provider.name}",
        input_topic=topics.raw,
        topics=topics,
        make_processor=lambda _: processor,
    )
    watching = asyncio.create_task(keys.watch(every_seconds=configuration.key_reload_seconds))
    try:
        await _worker(role, configuration, metrics, log).run(stop)
    finally:
        watching.cancel()


async def _run_state_machine(
    configuration: Configuration, provider: Provider, log: Logger, stop: asyncio.Event
) -> None:
    metrics, topics = Metrics(), Topics.of(provider.name, prefix=configuration.topic_prefix)
    rules = _rules(configuration, provider)
    clients = KafkaClients(configuration, client_id="esito-state-machine")
    meters = StateMeters(metrics, provider, log)

    def make_processor(partition: TopicPartition) -> StateMachineProcessor:
        return StateMachineProcessor(
            partition, provider=provider, rules=rules, topics=topics, clients=clients, meters=meters
        )

    role = Role(
        name=f"state-machine.{provider.name}",
        input_topic=topics.verified,
        topics=topics,
        make_processor=make_processor,
    )
    await _worker(role, configuration, metrics, log).run(stop)


def _worker(role: Role, configuration: Configuration, metrics: Metrics, log: Logger) -> Worker:
    return Worker(
        role,
        configuration,
        clients=KafkaClients(configuration, client_id=f"esito-{role.name}"),
        metrics=metrics,
        log=log,
        failpoint=failpoint(os.environ.get("ESITO_FAILPOINT")),
    )


def _rules(configuration: Configuration, provider: Provider) -> dict[str, Rules]:
    state = configuration.state
    return {
        name: Rules(
            provider=provider,
            registration_required=endpoint.registration == "required",
            early_milliseconds=int(endpoint.early_seconds * 1000),
            final_retention_milliseconds=int(state.final_retention_days * _DAY_MILLISECONDS),
            open_retention_milliseconds=int(state.open_retention_days * _DAY_MILLISECONDS),
            parked_updates_max=state.parked_updates_max,
        )
        for name, endpoint in configuration.endpoints_of(provider.name).items()
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
