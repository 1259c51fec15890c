"""Run the pollers of one provider's endpoints in one process, until it is told to stop."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from contracts.errors import Broken
from contracts.topics import Topics
from runtime.configuration import Configuration
from runtime.configuration_digest import publish_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.failpoint import Failpoint
from runtime.kafka import RECORD_OVERHEAD_BYTES, KafkaClients
from runtime.log_events import LogEvent
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from workers.poller.poller import Poller
from workers.poller.raw_writer import RawWriter
from workers.poller.remote import Remote


async def run_pollers(
    configuration: Configuration,
    provider: str,
    *,
    failpoint: Failpoint,
    log: Logger,
    stop: asyncio.Event,
) -> None:
    """Read every remote stream of the provider's endpoints until `stop`.

    Raises:
        Broken: no endpoint has one, or a key or certificate cannot be used.
    """
    endpoints = remote_endpoints(configuration, provider)
    if not endpoints:
        raise Broken(f"no endpoint of provider {provider} has the key remote_stream")
    metrics = Metrics()
    publish_configuration(metrics, configuration)
    pollers: dict[str, Poller] = {}
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(_writer(configuration, provider, endpoints))
        for name, endpoint in endpoints.items():
            if endpoint.remote_stream is not None:
                largest = endpoint.limits.body_bytes_max
                remote = Remote(endpoint.remote_stream, element_bytes_max=largest)
                pollers[name] = Poller(
                    name,
                    endpoint.remote_stream,
                    read=(await stack.enter_async_context(remote)).read,
                    write=writer.write,
                    pause=asyncio.sleep,
                    jitter=random.random,
                    failpoint=failpoint,
                    metrics=metrics,
                    log=log,
                )
        await stack.enter_async_context(_management(configuration, pollers, metrics, log))
        await _run_all(pollers, stop)


@asynccontextmanager
async def _management(
    configuration: Configuration, pollers: Mapping[str, Poller], metrics: Metrics, log: Logger
) -> AsyncIterator[None]:
    host = configuration.management_host
    async with management_server(
        host=host,
        port=configuration.management_port,
        metrics=metrics,
        readiness=lambda: {name: one.succeeds for name, one in pollers.items()},
    ) as port:
        log.info(LogEvent.MANAGEMENT_LISTENING, address=f"{host}:{port}")
        yield


def remote_endpoints(configuration: Configuration, provider: str) -> Mapping[str, Endpoint]:
    """Return the provider's endpoints that read a remote stream, by name."""
    found = configuration.endpoints_of(provider)
    return {name: one for name, one in found.items() if one.remote_stream is not None}


async def _run_all(pollers: Mapping[str, Poller], stop: asyncio.Event) -> None:
    """Run all until `stop`, or until one fails in a way nobody foresaw.

    Cancelled wherever they are: what was not acknowledged is read again.
    """
    stopped = asyncio.create_task(stop.wait())
    running = [asyncio.create_task(one.run()) for one in pollers.values()]
    try:
        done, _ = await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (stopped, *running):
            task.cancel()
        await asyncio.gather(stopped, *running, return_exceptions=True)


def _writer(
    configuration: Configuration, provider: str, endpoints: Mapping[str, Endpoint]
) -> RawWriter:
    clients = KafkaClients(configuration, client_id="esito-poller")
    largest = max(one.limits.body_bytes_max for one in endpoints.values()) + RECORD_OVERHEAD_BYTES
    return RawWriter(
        Topics.of(provider, prefix=configuration.topic_prefix).raw,
        partial(
            clients.idempotent_producer,
            batch_bytes_max=max(largest, configuration.ingress.batch_bytes_max),
            linger_milliseconds=0,
        ),
    )
