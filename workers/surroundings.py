"""Hold what all partitions of one worker share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from runtime.configuration import Worker as WorkerSettings
from runtime.failpoint import Failpoint
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from runtime.tracing import StepName, Tracing
from workers.breaker import Breaker
from workers.verified_until import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all partitions of one worker share."""

    group: str
    rejected_topic: str
    consumer: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    settings: WorkerSettings
    breaker: Breaker
    metrics: Metrics
    log: Logger
    failpoint: Failpoint
    tracing: Tracing | None = None
    step: StepName = StepName.RECORD_VERIFY  # what becomes of a record, in a trace
    suspicion: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest_mark: Callable[[], Mark | None] = lambda: None
    # The partitions that cannot be worked on because Kafka refuses a right.
    refused: set[int] = field(default_factory=set)
