"""Run one worker: a provider, a role, a consumer group, until SIGTERM.

It waits for its topics instead of failing without them, leaves the group on SIGTERM, and joins anew
when a membership is lost.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import Topics
from runtime.configuration import Configuration
from runtime.failpoint import Failpoint
from runtime.kafka import KafkaClients
from runtime.kafka_refusals import absent, log_refusal
from runtime.log_events import LogEvent
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from runtime.tracing import StepName, Tracing
from workers.breaker import Breaker
from workers.kafka_transaction import TransactionalWriter
from workers.membership import MakeProcessor, MakeWriter, Membership
from workers.surroundings import Surroundings
from workers.verified_until import Upstream, VerifiedUntil

_RETRY_SECONDS: Final = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What tells one kind of worker from another: its input, its group, its processors."""

    name: str
    group: str
    input_topic: str
    topics: Topics
    make_processor: MakeProcessor
    step: StepName
    upstream: Upstream | None = None  # of a role with alarms: whom they wait for


class Worker:
    """One worker process's consumer group membership, for as long as it lives."""

    def __init__(
        self,
        role: Role,
        configuration: Configuration,
        *,
        clients: KafkaClients,
        metrics: Metrics,
        log: Logger,
        failpoint: Failpoint,
        make_writer: MakeWriter = TransactionalWriter,
        tracing: Tracing | None = None,
    ) -> None:
        """Bind the role to a cluster; nothing is started."""
        self._role = role
        self._configuration = configuration
        self._clients = clients
        self._metrics = metrics
        self._log = log
        self._failpoint = failpoint
        self._make_writer = make_writer
        self._tracing = tracing
        self._breaker = Breaker(configuration.worker.breaker)
        self._membership: Membership | None = None
        self._verified = role.upstream and VerifiedUntil(
            role.upstream, role.input_topic, metrics=metrics, log=log
        )
        # From the start, so that a worker that never joins is missed; the cluster knows better.
        topic, partitions = role.input_topic, configuration.topics.partitions
        metrics.gauge("esito_worker_topic_partitions", topic).set(partitions)
        metrics.gauge("esito_worker_partitions", topic).set(0)
        self._refused: set[int] = set()

    def readiness(self) -> Mapping[str, bool]:
        """Return what /readyz shows."""
        return {
            "joined": self._membership is not None,
            "breaker_closed": not self._breaker.is_open,
            "allowed": not self._refused,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        configuration = self._configuration
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(
                management_server(
                    host=configuration.management_host,
                    port=configuration.management_port,
                    metrics=self._metrics,
                    readiness=self.readiness,
                )
            )
            admin = await self._admin(stop)
            if admin is None:
                return
            stack.push_async_callback(admin.close)
            while not stop.is_set():
                await self._stay(admin, stop)

    async def _admin(self, stop: asyncio.Event) -> AIOKafkaAdminClient | None:
        """Return a connected client once the brokers answer and the input topic exists."""
        said = ""
        while not stop.is_set():
            admin = self._clients.admin()
            obstacle = await _unless(stop, self._obstacle(admin))
            if obstacle == "":
                return admin
            await admin.close()
            if obstacle and obstacle != said:
                self._log.warning(LogEvent.BATCH_DELAYED, reason=obstacle)
                said = obstacle
            await _first_of(stop, seconds=_RETRY_SECONDS)
        return None

    async def _obstacle(self, admin: AIOKafkaAdminClient) -> str:
        """Connect `admin`; return why the work cannot begin yet, or nothing."""
        topic = self._role.input_topic
        try:
            await admin.start()
            if topic in await admin.list_topics():
                return ""
        except KafkaError as error:
            return f"Kafka does not answer ({type(error).__name__})"
        return absent(topic)

    async def _stay(self, admin: AIOKafkaAdminClient, stop: asyncio.Event) -> None:
        """Be a member until `stop`, or until the membership is lost."""
        around = self._surroundings(admin)
        membership = Membership(
            self._role.input_topic,
            clients=self._clients,
            make_processor=self._role.make_processor,
            make_writer=self._make_writer,
            around=around,
        )
        try:
            async with self._watching(admin):
                await _unless(stop, membership.join())
                self._membership = membership
                await _first_of(stop, membership.lost)
        except KafkaError as error:
            self._metrics.counter("esito_worker_delays_total", self._role.input_topic).inc()
            self._log.warning(LogEvent.BATCH_DELAYED, exception=type(error).__name__)
            log_refusal(self._log, error)
            await _first_of(stop, seconds=_RETRY_SECONDS)
        finally:
            self._membership = None
            await membership.leave()
        if not stop.is_set():
            self._log.warning(LogEvent.MEMBERSHIP_RENEWED, group=around.group)

    def _surroundings(self, admin: AIOKafkaAdminClient) -> Surroundings:
        settings, group = self._configuration.worker, self._role.group
        return Surroundings(
            group=group,
            rejected_topic=self._role.topics.rejected,
            consumer=self._clients.consumer(
                group=group,
                fetch_bytes_max=settings.fetch_bytes_max,
                session_seconds=settings.session_seconds,
                may_skip=False,
            ),
            admin=admin,
            settings=settings,
            breaker=self._breaker,
            metrics=self._metrics,
            log=self._log,
            failpoint=self._failpoint,
            tracing=self._tracing,
            step=self._role.step,
            newest_mark=lambda: self._verified.mark if self._verified else None,
            refused=self._refused,
        )

    def _watching(self, admin: AIOKafkaAdminClient) -> AbstractAsyncContextManager[None]:
        return self._verified.watching(self._clients, admin) if self._verified else nullcontext()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns; or cancel it and return None when `stop` is set before."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        stopped.cancel()
        working.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)


async def _first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of `events` is set, at most `seconds`."""
    waiters = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
