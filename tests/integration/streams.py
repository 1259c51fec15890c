"""Give the tests the streams' API over a real PostgreSQL, and a way to project without Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from contracts.status import StatusEvent
from runtime.configuration import Configuration
from runtime.database import Pool, connect, migrate
from runtime.failpoint import no_failpoint
from runtime.metrics import Metrics
from runtime.service_configuration import Database
from runtime.telemetry import configure_logging
from streams.__main__ import MIGRATIONS
from streams.api import Api
from streams.event import Event, read_event
from streams.positions import Position
from streams.retention import Retention
from streams.send_api import ROOT as SEND
from streams.server import application
from streams.store import Reached, write_batch
from tests.faults.processes import until
from tests.status_events import value_of

KEYS: Final = {
    "comune-a": "key-of-comune-a-0123456789abcdef01",
    "comune-a-grouped": "key-of-comune-a-with-a-group-01234",
    "comune-b": "key-of-comune-b-0123456789abcdef01",
    "shop": "key-of-shop-0123456789abcdef012345",
    "other": "key-of-other-0123456789abcdef01234",
    "slots": "key-of-slots-0123456789abcdef01234",
    "iun": "key-of-iun-0123456789abcdef0123456",
}
# No test lasts so long: who waits for events has to be woken.
NEVER_SECONDS: Final = 3_600
TIMELINE: Final = {"title": "all of it", "eventType": "TIMELINE", "groups": []}
STATUS: Final = {"title": "statuses", "eventType": "STATUS", "groups": []}


def key(name: str, directory: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of a key
    """Return a key as the configuration writes it, after writing its file."""
    file = directory / f"{name}.key"
    file.write_text(KEYS[name])
    return {"id": name, "file": str(file), **more}


def members(directory: Path, database: Database, **streams: Any) -> dict[str, Any]:  # noqa: ANN401 - settings
    """Return a configuration with two public bodies and two consumers."""
    bodies = [
        {
            "id": "comune-a",
            "tax_id": "00000000001",
            "keys": [
                key("comune-a", directory),
                key("comune-a-grouped", directory, groups=["tributi"]),
            ],
        },
        {"id": "comune-b", "tax_id": "00000000002", "keys": [key("comune-b", directory)]},
    ]
    notifications = {
        "bodies": bodies,
        "attachments": {"slot_keys": [key("slots", directory)]},
        "iun_keys": {"keys": [key("iun", directory)]},
    }
    consumers = [
        {"id": "shop", "keys": [key("shop", directory)], "endpoints": ["pivot-id"]},
        {"id": "other", "keys": [key("other", directory)], "endpoints": ["send"]},
    ]
    return {
        "database": database.model_dump(mode="json"),
        "log_level": "error",
        "management_port": 0,
        "topics": {"replication_factor": 1, "min_insync_replicas": 1, "partitions": 4},
        "streams": {"port": 0, "consumers": consumers, **streams},
        "endpoints": [
            {"name": "pivot-id", "provider": "pivot", "path": "/callbacks/pivot"},
            {
                "name": "send",
                "provider": "send",
                "path": "/callbacks/send",
                "notifications": notifications,
            },
        ],
    }


@dataclass(slots=True)
class Installation:
    """The API of an installation of its own, and its database."""

    configuration: Configuration
    pool: Pool
    client: TestClient[web.Request, web.Application]
    api: Api
    stop: asyncio.Event
    metrics: Metrics
    _positions: dict[int, Position] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def running(cls, configuration: Configuration) -> AsyncIterator[Self]:
        """Start it; end it after the block."""
        async with AsyncExitStack() as stack:
            pool = await connect(configuration)
            stack.push_async_callback(pool.close)
            await migrate(pool, "streams", MIGRATIONS)
            stop = asyncio.Event()
            log, metrics = configure_logging(configuration, process="test"), Metrics()
            api = Api(
                configuration,
                lambda *_: None,
                metrics=metrics,
                log=log,
                stop=stop,
                look_seconds=NEVER_SECONDS,
            )
            background = asyncio.gather(*api.watches().values())
            server = TestServer(application(api.routes(pool)))
            client = await stack.enter_async_context(TestClient(server))
            try:
                yield cls(configuration, pool, client, api, stop, metrics)
            finally:
                stop.set()
                background.cancel()
                await asyncio.gather(background, return_exceptions=True)

    async def publish(self, *events: StatusEvent, partition: int = 0) -> int:
        """Project events as if they came in one batch of a partition; return how many were new."""
        position = self._positions.get(partition) or await self._position(partition)
        told = [
            _read(event, source=position.source, offset=position.next + number)
            for number, event in enumerate(events)
        ]
        reached = Reached(position.source, position.next, position.next + len(events))
        new = await write_batch(self.pool, [reached], told, no_failpoint)
        position.next = reached.next
        return new

    async def _position(self, partition: int) -> Position:
        source = await self.pool.fetchval(
            """INSERT INTO streams.sources (topic, partition, next_offset)
            VALUES ('t', $1, 0) RETURNING source""",
            partition,
        )
        self._positions[partition] = Position(source, 0)
        return self._positions[partition]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        by: str,
        **more: Any,  # noqa: ANN401 - of aiohttp
    ) -> ClientResponse:
        """Send a request with the key of `by`; return the answer."""
        headers = {"x-api-key": KEYS[by], **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def made(self, body: dict[str, Any], *, by: str = "comune-a") -> str:
        """Make a stream of SEND; return its id."""
        response = await self.ask("POST", SEND, by=by, json=body)
        answer = await response.json()
        assert response.status == 200, answer
        return str(answer["streamId"])

    async def read(
        self, stream: str, *, after: str | None = None, by: str = "comune-a"
    ) -> list[dict[str, Any]]:
        """Return a page of a stream of SEND."""
        query = {} if after is None else {"lastEventId": after}
        response = await self.ask("GET", f"{SEND}/{stream}/events", by=by, params=query)
        page: list[dict[str, Any]] = await response.json()
        assert response.status == 200, page
        return page

    async def listened(self, body: dict[str, Any] | None = None, *, by: str = "shop") -> str:
        """Make a stream of a consumer; return its path."""
        response = await self.ask("POST", "/v1/streams", by=by, json=body or {})
        answer = await response.json()
        assert response.status == 201, answer
        return f"/v1/streams/{answer['id']}"

    async def events(self, path: str, *, by: str = "shop", **query: int) -> list[dict[str, Any]]:
        """Return a page of a consumer's stream."""
        response = await self.ask("GET", f"{path}/events", by=by, params=query)
        answer = await response.json()
        assert response.status == 200, answer
        found: list[dict[str, Any]] = answer["events"]
        return found

    async def until_readers_wait(self, count: int) -> None:
        """Wait until so many reads wait for events."""
        name = "esito_streams_waiting_readers"
        value = self.metrics.registry.get_sample_value
        await until(lambda: value(name) == count, f"{count} readers wait")

    async def rows(self, stream: str) -> list[int]:
        """Return the numbers of the events that the database holds for a stream."""
        rows = await self.pool.fetch(
            "SELECT number FROM streams.stream_events WHERE stream_id = $1 ORDER BY number",
            UUID(stream),
        )
        return [row[0] for row in rows]

    async def remove(self) -> None:
        """Remove what may go now."""
        log = configure_logging(self.configuration, process="test")
        await Retention(self.configuration, self.pool, Metrics(), log).remove_all()


def _read(event: StatusEvent, *, source: int, offset: int) -> Event:
    found = read_event(value_of(event), source=source, offset=offset)
    assert found is not None
    return found
