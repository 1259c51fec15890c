"""Run all processes, with every fault there is, where a Prometheus scrapes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from ops.embedded.kafka import EmbeddedKafka
from ops.expectation import announce
from ops.local.installation_text import PIVOT_PATH, UAEPASS_PATH
from ops.local.processes import Processes, Program
from ops.local.running_installation import unless_one_dies
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from simulator.jwks_server import KeyService, Manner, key_sets_served, publisher
from simulator.plan import Plan
from simulator.planning import PLAYERS, make_plan
from simulator.play import Stage, play
from simulator.scene import scene_of
from tests.deploy.monitoring.prometheus import Prometheus, running_prometheus
from tests.e2e.esito import Esito, installed, running, with_database
from tests.integration.database_proxy import DatabaseProxy, database_proxy
from tests.integration.remote_stream import API_KEY, STREAM_ID, RemoteServer
from tests.kafka import Kafka

TRANSACTIONS: Final = 30
SEED: Final = 7
# More than one a second for five minutes: what CredentialsRefused waits for.
WRONG_KEYS: Final = 450
WRONG_FORMS: Final = 60
GARBAGE: Final = 30  # more dead letters of one code than DeadLetterSpike takes
UNCONFIRMED: Final = 40
_APART_SECONDS: Final = 0.05  # so that they are no one batch: each partition must have one
_POLL_SECONDS: Final = 0.2
_ANNOUNCED: Final = "announced-and-never-heard-of"
_SCRAPES_SECONDS: Final = 3.0
_SCRAPED_SECONDS_MAX: Final = 30.0
_SPARE_PORT: Final = 15  # behind the management ports of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A running Esito, what it stands on, and the Prometheus that watches it."""

    esito: Esito
    kafka: EmbeddedKafka
    database: DatabaseProxy
    remote: RemoteServer
    prometheus: Prometheus
    key_sets: KeyService

    @property
    def url(self) -> str:
        """Return where the ingress is."""
        return f"http://127.0.0.1:{self.esito.configuration.ingress.port}"

    def key(self, name: str) -> str:
        """Return a secret of the installation."""
        return (self.esito.directory / "keys" / name).read_text().strip()

    def break_key_sets(self) -> None:
        """Let the issuer answer 500 from now on."""
        self.key_sets.manner = Manner.FAILING

    def resume(self) -> None:
        """Let the broker go on, so that processes can end in order."""
        self.kafka.resume(1)


@asynccontextmanager
async def watched_esito(database: Database, directory: Path) -> AsyncIterator[Scene]:
    """Give all processes running, with nothing sent yet."""
    async with (
        EmbeddedKafka().running() as kafka,
        database_proxy(database) as proxy,
        RemoteServer().running() as remote,
    ):
        named = Kafka(kafka.bootstrap_servers, "for the monitoring alone")
        edit = partial(_configure, database=proxy.database, directory=directory, url=remote.url)
        configuration = await installed(named, directory, edit)
        key_sets = KeyService()
        async with (
            key_sets_served(configuration, key_sets),
            running(configuration, directory) as esito,
            running_prometheus(
                _made(directory / "prometheus"), esito.processes.management_ports
            ) as prometheus,
        ):
            yield Scene(
                esito=esito,
                kafka=kafka,
                database=proxy,
                remote=remote,
                prometheus=prometheus,
                key_sets=key_sets,
            )


async def play_everything(scene: Scene) -> None:
    """Play all providers with every fault, then do what else makes counters move."""
    await _wait_until_scraped(scene)
    configuration = scene.esito.configuration
    stage = Stage(url=scene.url, configuration=configuration, on_cue=publisher(configuration))
    playing = play(stage, _plans(configuration), scene.esito.reader, alone=True)
    await unless_one_dies(scene.esito.processes, playing)
    scene.remote.add("request-1", "REQUEST_ACCEPTED", "ACCEPTED")
    await scene.remote.read_empty()
    scene.remote.act = _answer_500
    await _overdue(scene)
    await _share_partitions(scene)
    (scene.esito.directory / "keys" / "uaepass.key").write_text("\n")
    await _send(scene, PIVOT_PATH, WRONG_KEYS, key="wrong")
    await _send(scene, UAEPASS_PATH, WRONG_FORMS, key="wrong", media_type="text/plain")
    await send_garbage(scene, GARBAGE)
    await asyncio.sleep(_SCRAPES_SECONDS)


async def send_garbage(scene: Scene, count: int) -> None:
    """Send bodies that nobody can read with a key that is right: each becomes a dead letter."""
    await _send(scene, PIVOT_PATH, count, key=scene.key("pivot.key"))


async def call_while_kafka_is_away(scene: Scene) -> None:
    """Send callbacks that nobody can confirm, side by side: each is answered 503."""

    async def call(number: int) -> None:
        await asyncio.sleep(number * _APART_SECONDS)
        await _send(scene, PIVOT_PATH, 1, key=scene.key("pivot.key"))

    await asyncio.gather(*map(call, range(UNCONFIRMED)))


async def _send(
    scene: Scene, path: str, count: int, *, key: str, media_type: str = "application/json"
) -> None:
    headers = {"x-api-key": key, "content-type": media_type}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        for _ in range(count):
            async with session.post(scene.url + path, data=b"{"):
                pass


async def _wait_until_scraped(scene: Scene) -> None:
    """Wait for the zeros: an increase is one between two scrapes."""
    async with asyncio.timeout(_SCRAPED_SECONDS_MAX):
        targets = len(scene.esito.processes.management_ports)
        while len(await scene.prometheus.query("up == 1")) < targets:  # noqa: ASYNC110 - another's
            await asyncio.sleep(_POLL_SECONDS)


async def _share_partitions(scene: Scene) -> None:
    """Let a second verifier join and leave, so that partitions are taken over twice."""
    configuration = scene.esito.configuration
    async with Processes(
        scene.esito.directory / "esito.yaml",
        [Program("verifier-pivot-2", ("workers", "verifier", "--provider", "pivot"))],
        management_ports=[configuration.management_port + _SPARE_PORT],
        logs=scene.esito.directory / "logs",
    ):
        await asyncio.sleep(_SCRAPES_SECONDS)


async def _overdue(scene: Scene) -> None:
    await announce(
        scene.url,
        scene.key("pivot-expectations.key"),
        endpoint="pivot-local",
        transaction_id=_ANNOUNCED,
        deadline=datetime.now(UTC) + timedelta(seconds=1),
    )


def _configure(settings: dict[str, Any], *, database: Database, directory: Path, url: str) -> None:
    with_database(settings, database)
    key = directory / "keys" / "send-remote.key"
    key.write_text(API_KEY)
    settings["key_reload_seconds"] = 1
    settings["ingress"]["confirm_seconds"] = 2
    settings["worker"] = {"breaker": {"records_min": 40, "window_records": 60}}
    named = {one["name"]: one for one in settings["endpoints"]}
    named["pivot-local"]["api_key"]["keys"][0]["not_after"] = _soon(days=10)
    named["wallet-local"]["tokens"]["issuers"][0] |= {
        "refresh_seconds": 2,
        "stale_seconds_max": 1800,
    }
    settings["endpoints"].append(
        {
            "name": "send-remote",
            "provider": "send",
            "host": "remote.example.org",  # the simulator plays where there is none
            "path": "/callbacks/send-remote",
            "api_key": deepcopy(named["send-local"]["api_key"]),
            "remote_stream": {
                "url": url,
                "stream_id": STREAM_ID,
                "api_key_file": str(key),
                "retry_seconds_max": 1,
            },
        }
    )


def _plans(configuration: Configuration) -> tuple[Plan, ...]:
    plans = []
    for provider, player in PLAYERS.items():
        scene = scene_of(configuration, provider)
        own = {name: one for name, one in scene.endpoints.items() if one.host is None}
        plans.append(
            make_plan(
                provider,
                transactions=TRANSACTIONS,
                faults=player.faults,
                seed=SEED,
                scene=replace(scene, endpoints=own),
            )
        )
    return tuple(plans)


def _soon(*, days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


async def _answer_500(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500)
