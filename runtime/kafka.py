"""Make Kafka clients the one way Esito uses them.

Every setting that a promise depends on is written out, also where it is the default.
"""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError
from aiokafka.helpers import create_ssl_context

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.kafka_connections import WatchedConsumer, hearing

# Room for headers and the record's own fields beside the largest body.
RECORD_OVERHEAD_BYTES: Final = 65_536
# While the former Kafka transaction's markers are written the broker answers NOT_ENOUGH_REPLICAS to
# clients of this protocol age; aiokafka's default of 100 ms is the whole p99 of a transaction.
_TRANSACTION_BACKOFF_MILLISECONDS: Final = 5
# Whoever reads nothing for so long leaves the group, and joins again only once somebody reads. But
# loops held back by the breaker read nothing, and loops are begun by joining: it would be for ever.
_NEVER_MILLISECONDS: Final = 2**31 - 1
# A producer is given so long to start: it tries for ever where a broker accepts and is silent.
PRODUCER_START_SECONDS: Final = 30.0
# Ten seconds: a broker that died is listed for nine (broker.session.timeout.ms).
_CONTROLLER_LOOKS: Final = 100
_LOOK_SECONDS: Final = 0.1


class KafkaClients:
    """A factory of clients for one configuration; whoever asks for a client starts it."""

    def __init__(self, configuration: Configuration, *, client_id: str) -> None:
        """Read certificates and password once.

        Raises:
            Broken: a file named by the configuration cannot be used.
        """
        self._common: dict[str, Any] = {
            "bootstrap_servers": configuration.kafka_bootstrap_servers,
            "client_id": client_id,
            "security_protocol": configuration.kafka_security_protocol,
            **_tls(configuration),
            **_sasl(configuration),
        }

    def idempotent_producer(
        self, *, batch_bytes_max: int, linger_milliseconds: float
    ) -> AIOKafkaProducer:
        """Return a producer whose confirmation means: on every in-sync replica, once."""
        producer = AIOKafkaProducer(
            **self._common,
            acks="all",
            enable_idempotence=True,
            max_batch_size=batch_bytes_max,
            max_request_size=batch_bytes_max + RECORD_OVERHEAD_BYTES,
            linger_ms=linger_milliseconds,
            request_timeout_ms=10_000,
            compression_type=None,
        )
        return hearing(producer)

    def transactional_producer(
        self, transactional_id: str, *, batch_bytes_max: int, timeout_seconds: float
    ) -> AIOKafkaProducer:
        """Return the producer of one input partition; starting it fences the former owner."""
        producer = AIOKafkaProducer(
            **self._common,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(timeout_seconds * 1000),
            acks="all",
            enable_idempotence=True,
            max_batch_size=batch_bytes_max,
            max_request_size=batch_bytes_max + RECORD_OVERHEAD_BYTES,
            linger_ms=0,
            retry_backoff_ms=_TRANSACTION_BACKOFF_MILLISECONDS,
            compression_type=None,
        )
        return hearing(producer)

    def consumer(
        self,
        *,
        group: str | None,
        fetch_bytes_max: int,
        session_seconds: float = 15,
        committed_only: bool = True,
        may_skip: bool = True,
    ) -> AIOKafkaConsumer:
        """Return a consumer that commits nothing by itself, and sees committed records only.

        Where Kafka no longer has what comes next it goes on with what there is, in silence; or it
        raises OffsetOutOfRangeError, if it may not skip.
        """
        consumer = WatchedConsumer(
            **self._common,
            group_id=group,
            isolation_level="read_committed" if committed_only else "read_uncommitted",
            enable_auto_commit=False,
            auto_offset_reset="earliest" if may_skip else "none",
            max_partition_fetch_bytes=fetch_bytes_max,
            fetch_max_bytes=fetch_bytes_max,
            session_timeout_ms=int(session_seconds * 1000),
            heartbeat_interval_ms=int(session_seconds * 1000 / 5),
            metadata_max_age_ms=30_000,
            max_poll_interval_ms=_NEVER_MILLISECONDS,
        )
        return hearing(consumer)

    def admin(self) -> AIOKafkaAdminClient:
        """Return a client for topics and groups."""
        return hearing(_AdminClient(**self._common))


class _AdminClient(AIOKafkaAdminClient):  # type: ignore[misc]  # it is untyped
    """A client that asks another broker where the one asked cannot be reached.

    A broker that died is listed for seconds more. The library asks one at random and gives up, or
    asks the listed controller for 40 s without looking whether it is another by now.
    """

    async def _send_request(self, request: Any, node_id: int | None = None) -> Any:  # noqa: ANN401 - the library's
        for broker in self._client.cluster.brokers() if node_id is None else ():
            with suppress(NodeNotReadyError):  # so nothing was sent
                return await super()._send_request(request, broker.nodeId)
        return await super()._send_request(request, node_id)

    async def _send_to_controller(self, request: Any) -> Any:  # noqa: ANN401 - the library's
        for _ in range(_CONTROLLER_LOOKS):
            controller = self._client.cluster.controller
            if controller is not None and await self._client.ready(controller.nodeId):
                break
            await self._client.force_metadata_update()
            await asyncio.sleep(_LOOK_SECONDS)
        return await super()._send_to_controller(request)


async def close_client(client: AIOKafkaConsumer | AIOKafkaProducer, *, seconds: float) -> bool:
    """Stop `client` within `seconds`, whatever the brokers do; tell whether it had the time.

    In a task of its own: aiokafka cancels its fetches and waits for them, and their cancellation
    would come out of `stop()` as if it were the caller's.
    """
    stopping = asyncio.create_task(client.stop())
    try:
        await asyncio.wait({stopping}, timeout=seconds)
        return stopping.done()
    finally:
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


def _tls(configuration: Configuration) -> dict[str, Any]:
    if "SSL" not in configuration.kafka_security_protocol:
        return {}
    _demand_readable(configuration, "kafka_ca_file", "kafka_certificate_file", "kafka_key_file")
    try:
        context: ssl.SSLContext = create_ssl_context(
            cafile=_text(configuration.kafka_ca_file),
            certfile=_text(configuration.kafka_certificate_file),
            keyfile=_text(configuration.kafka_key_file),
        )
    except (OSError, ssl.SSLError) as error:
        raise Broken(
            f"kafka_ca_file, kafka_certificate_file, kafka_key_file: {error.strerror}"
        ) from None
    return {"ssl_context": context}


def _demand_readable(configuration: Configuration, *keys: str) -> None:
    """Name the file that is missing: the TLS library tells none."""
    for key in keys:
        file: Path | None = getattr(configuration, key)
        try:
            if file is not None:
                file.open("rb").close()
        except OSError as error:
            raise Broken(f"{key}: {file} cannot be read ({error.strerror})") from None


def _sasl(configuration: Configuration) -> dict[str, Any]:
    if not configuration.kafka_security_protocol.startswith("SASL"):
        return {}
    file = configuration.kafka_sasl_password_file
    if (
        file is None
        or not configuration.kafka_sasl_username
        or not configuration.kafka_sasl_mechanism
    ):
        raise Broken(
            f"{configuration.kafka_security_protocol} needs ESITO_KAFKA_SASL_MECHANISM, "
            "ESITO_KAFKA_SASL_USERNAME and ESITO_KAFKA_SASL_PASSWORD_FILE"
        )
    try:
        password = file.read_text().rstrip("\r\n")
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
    return {
        "sasl_mechanism": configuration.kafka_sasl_mechanism,
        "sasl_plain_username": configuration.kafka_sasl_username,
        "sasl_plain_password": password,
    }


def _text(path: Path | None) -> str | None:
    return str(path) if path else None
