"""Connect a command to the configured Kafka, and say in one line when it does not answer."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.errors import Broken, Unavailable
from runtime.configuration import Configuration
from runtime.kafka import KafkaClients
from runtime.kafka_refusals import absent, refusal

_CLIENT_ID: Final = "esito-ops"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka that answers: a factory of clients, and an admin client that is connected."""

    clients: KafkaClients
    admin: AIOKafkaAdminClient

    async def partitions(self, *topics: str) -> dict[str, int]:
        """Return how many partitions each of `topics` has.

        Raises:
            Broken: one of them does not exist.
        """
        # All topics are described: asking for one that is missing may create it.
        described = await self.admin.describe_topics()
        counts = {one["topic"]: len(one["partitions"]) for one in described}
        missing = [topic for topic in topics if topic not in counts]
        if missing:
            raise Broken(absent(missing[0]))
        return {topic: counts[topic] for topic in topics}


@asynccontextmanager
async def connected(configuration: Configuration) -> AsyncIterator[Cluster]:
    """Give the configured cluster.

    Raises:
        Broken: its certificates or credentials cannot be used.
        Unavailable: it does not answer, or stops answering within the block.
    """
    clients = KafkaClients(configuration, client_id=_CLIENT_ID)
    admin = clients.admin()
    with _silent_library():
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            await admin.close()
            raise Unavailable(
                f"Kafka does not answer at {configuration.kafka_bootstrap_servers} "
                f"({type(error).__name__}); start it, or set ESITO_KAFKA_BOOTSTRAP_SERVERS"
            ) from None
        try:
            yield Cluster(clients, admin)
        except KafkaError as error:
            why = refusal(error) or f"{type(error).__name__}: {error}"
            raise Unavailable(f"Kafka: {why}") from None
        except TimeoutError:
            raise Unavailable("Kafka: a broker does not answer in time; see esito doctor") from None
        finally:
            await admin.close()


@contextmanager
def _silent_library() -> Iterator[None]:
    """Keep the client from logging what is said in our own words."""
    logger = logging.getLogger("aiokafka")
    former = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(former)
