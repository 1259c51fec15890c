"""Start a worker: `python -m workers verifier --provider pivot`, or `state-machine` for it."""

import argparse
import asyncio
import os
import sys

from contracts.errors import Broken
from contracts.provider import Provider
from contracts.providers import provider_named, provider_names
from runtime.configuration import Configuration
from runtime.failpoint import failpoint
from runtime.kafka import KafkaClients
from runtime.key_source import KeySource, publish_expiries, report_reloads
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from runtime.watches import run_watched
from workers.expiries import publish_set_expiries, publish_trust_expiries
from workers.refreshes import report_refreshes
from workers.roles import state_machine_role, verifier_role
from workers.verifier.jwks_source import JwksSource
from workers.verifier.policies import Sources
from workers.verifier.trust_source import TrustSource
from workers.worker import Role, Worker


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
    metrics = Metrics()
    endpoints = configuration.endpoints_of(provider.name)
    on_reload = report_reloads(metrics, log)
    keys, trust = KeySource(endpoints, on_reload), TrustSource(endpoints, on_reload)
    publish_expiries(metrics, endpoints)
    issuers = [issuer for one in endpoints.values() if one.tokens for issuer in one.tokens.issuers]
    key_sets = JwksSource(issuers, report_refreshes(metrics, log))
    publish_trust_expiries(metrics, endpoints, trust)
    publish_set_expiries(metrics, issuers, key_sets)
    role = verifier_role(
        configuration, provider, Sources(keys=keys, trust=trust, key_of=key_sets.key), metrics
    )
    seconds = configuration.key_reload_seconds
    worker = _worker(role, configuration, metrics, log)
    watches = {
        "secrets": keys.watch(every_seconds=seconds),
        "certificates": trust.watch(every_seconds=seconds),
        "key sets": key_sets.run(),
    }
    await run_watched(worker.run(stop), watches, stop=stop, log=log)


async def _run_state_machine(
    configuration: Configuration, provider: Provider, log: Logger, stop: asyncio.Event
) -> None:
    metrics = Metrics()
    role = state_machine_role(configuration, provider, metrics, log)
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


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
