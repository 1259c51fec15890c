"""Hold what all partitions of one worker share."""

import asyncio
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from runtime.configuration import Worker as WorkerSettings
from runtime.failpoint import Failpoint
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from runtime.tracing import StepName, Tracing
from workers.breaker import Breaker


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
