"""Start a worker: `python -m workers verifier --provider pivot`; or `state-machine`, `poller`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from contracts.errors import Broken
from contracts.provider import Provider
from contracts.providers import provider_named, provider_names
from runtime.configuration import Configuration
from runtime.configuration_digest import publish_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.failpoint import failpoint
from runtime.kafka import KafkaClients
from runtime.key_source import KeySource, publish_expiries, publish_reloads, report_reloads
from runtime.metrics import Metrics
from runtime.object_store import ObjectStore
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from runtime.tracing import Tracing, tracing
from runtime.watches import run_watched
from workers.expiries import publish_set_expiries, publish_trust_expiries
from workers.poller.process import run_pollers
from workers.refreshes import report_refreshes
from workers.roles import state_machine_role, verifier_role
from workers.verifier.jwks_source import JwksSource
from workers.verifier.notification_sources import NotificationSources
from workers.verifier.policies import Sources
from workers.verifier.trust_source import TrustSource
from workers.worker import Role, Worker

Main = Callable[[Configuration, Provider, Logger, asyncio.Event], Awaitable[None]]


def main() -> int:
    """Parse the command line and run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m workers",
        description="Verify callbacks, decide what verified updates mean, or read remote streams.",
    )
    parser.add_argument("role", choices=tuple(_ROLES))
    parser.add_argument("--provider", required=True, choices=provider_names())
    add_configuration_option(parser, os.environ)
    options = parser.parse_args()

    async def run(configuration: Configuration, log: Logger, stop: asyncio.Event) -> None:
        provider = provider_named(options.provider)
        start = _ROLES[options.role]
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
    notifications = _notifications(configuration, endpoints, metrics, on_reload)
    publish_reloads(metrics, keys, trust, *([notifications] if notifications else []))
    sources = Sources(keys, trust, key_sets.key, notifications)
    role = verifier_role(configuration, provider, sources, metrics)
    seconds = configuration.key_reload_seconds
    watches = {
        "secrets": keys.watch(every_seconds=seconds),
        "certificates": trust.watch(every_seconds=seconds),
        "key sets": key_sets.run(),
    }
    if notifications is not None:
        watches["notifications"] = notifications.watch(every_seconds=seconds)
    try:
        async with tracing(configuration, process="verifier", provider=provider.name) as traced:
            worker = _worker(role, configuration, metrics, log, traced)
            await run_watched(worker.run(stop), watches, stop=stop, log=log)
    finally:
        if notifications is not None:
            await notifications.close()


def _notifications(
    configuration: Configuration,
    endpoints: Mapping[str, Endpoint],
    metrics: Metrics,
    on_reload: Callable[[str, str], None],
) -> NotificationSources | None:
    """Return what requests are judged with, or None where no endpoint takes any."""
    if not any(endpoint.notifications for endpoint in endpoints.values()):
        return None
    store = ObjectStore(configuration.object_store)
    return NotificationSources(endpoints, store, metrics, on_reload)


async def _run_state_machine(
    configuration: Configuration, provider: Provider, log: Logger, stop: asyncio.Event
) -> None:
    metrics = Metrics()
    role = state_machine_role(configuration, provider, metrics, log)
    async with tracing(configuration, process="state-machine", provider=provider.name) as traced:
        await _worker(role, configuration, metrics, log, traced).run(stop)


async def _run_pollers(
    configuration: Configuration, provider: Provider, log: Logger, stop: asyncio.Event
) -> None:
    await run_pollers(
        configuration,
        provider.name,
        failpoint=failpoint(os.environ.get("ESITO_FAILPOINT")),
        log=log,
        stop=stop,
    )


def _worker(
    role: Role,
    configuration: Configuration,
    metrics: Metrics,
    log: Logger,
    traced: Tracing | None,
) -> Worker:
    publish_configuration(metrics, configuration)
    return Worker(
        role,
        configuration,
        clients=KafkaClients(configuration, client_id=f"esito-{role.name}"),
        metrics=metrics,
        log=log,
        failpoint=failpoint(os.environ.get("ESITO_FAILPOINT")),
        tracing=traced,
    )


_ROLES: Final[Mapping[str, Main]] = {
    "verifier": _run_verifier,
    "state-machine": _run_state_machine,
    "poller": _run_pollers,
}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
