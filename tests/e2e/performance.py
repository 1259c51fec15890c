"""Play every provider with every fault once, send every recorded vector, and keep what is left."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from contracts.providers import provider_names
from contracts.topics import Role, Topics
from ops.embedded.postgres import EmbeddedPostgres
from ops.local.running_installation import unless_one_dies
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from simulator.jwks_server import key_sets_served, publisher
from simulator.plan import Plan
from simulator.planning import PLAYERS, make_plan
from simulator.play import Played, Stage, play
from simulator.scene import Scene, scene_of
from tests.e2e.asked import BODY_KEY, WORD, ask_rightly, ask_wrongly, asking, make_streams
from tests.e2e.elsewhere import Elsewhere, polled, pruned
from tests.e2e.esito import Esito, installed, records_of, running, with_database
from tests.e2e.heard import Hearing
from tests.e2e.recorded import recorded_endpoints, send_recorded
from tests.e2e.rows import quarrel, rows_of, statistics_of, stored_names
from tests.kafka import Kafka

TRANSACTIONS = 40
SEED = 4711
# The loudest that an operator can make our processes from outside: asyncio tells of slow callbacks
# and forgotten tasks, Python of unclosed files. Our own log has no level below info.
LOUD = {"PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default", "ESITO_LOG_LEVEL": "info"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of one topic, as a consumer sees it; a header is `name: value`, one on a line."""

    provider: str
    role: Role
    key: bytes
    value: bytes
    headers: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What lies in PostgreSQL, by column, and in the object store; what both say of it."""

    rows: dict[str, bytes]
    statistics: bytes
    log: bytes
    object_names: bytes
    pruned: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What one performance left behind, and where it was played."""

    directory: Path
    configuration: Configuration
    plans: tuple[Plan, ...]
    played: tuple[Played, ...]
    exit_codes: dict[str, int]
    logs: dict[str, bytes]
    metrics: dict[str, bytes]
    answers: list[bytes]
    records: tuple[Record, ...]
    hearing: Hearing
    elsewhere: Elsewhere
    kept: Kept


async def perform(kafka: Kafka, postgres: EmbeddedPostgres, directory: Path) -> Performance:
    """Run all processes, play all providers with every fault, send the vectors, read everything."""
    database = Database(url=postgres.url)
    configuration = await installed(kafka, directory, partial(_configure, database=database))
    plans, hearing = _plans(configuration), Hearing.of(configuration)
    async with (
        key_sets_served(configuration),
        running(configuration, directory, variables=LOUD) as esito,
        asking(directory, configuration, hearing) as asker,
    ):
        streams = await make_streams(asker)
        played = await unless_one_dies(esito.processes, _play(esito, plans, hearing))
        answers = await unless_one_dies(esito.processes, send_recorded(esito))
        await unless_one_dies(esito.processes, ask_rightly(asker, streams))
        await unless_one_dies(esito.processes, ask_wrongly(asker, streams))
        assert await esito.reader.wait_until_drained(seconds_max=60)
        elsewhere = await polled(directory, configuration, streams[BODY_KEY], variables=LOUD)
        metrics = await esito.metrics()
        exit_codes = dict(await esito.processes.stop())
    return Performance(
        hearing=hearing,
        elsewhere=elsewhere,
        kept=await _kept(directory, configuration, postgres),
        directory=directory,
        configuration=configuration,
        plans=plans,
        played=played,
        exit_codes=exit_codes,
        logs={name: log.read_bytes() for name, log in esito.processes.logs.items()},
        metrics=metrics,
        answers=answers,
        records=await _records(configuration),
    )


async def _kept(directory: Path, configuration: Configuration, postgres: EmbeddedPostgres) -> Kept:
    database = configuration.database
    rows = await rows_of(database)
    await quarrel(database, WORD)
    return Kept(
        rows=rows,
        statistics=await statistics_of(database),
        log=postgres.log_path.read_bytes(),
        object_names=await stored_names(configuration),
        pruned=await pruned(directory),
    )


def _configure(settings: dict[str, Any], *, database: Database) -> None:
    with_database(settings, database)
    settings["endpoints"] += recorded_endpoints()
    # Most vectors are to be rejected: that must not count as a fault of ours.
    settings["worker"] = {"breaker": {"rejected_ratio_max": 1}}


def _plans(configuration: Configuration) -> tuple[Plan, ...]:
    return tuple(
        make_plan(
            provider,
            transactions=TRANSACTIONS,
            faults=player.faults,
            seed=SEED,
            scene=_scene(configuration, provider),
        )
        for provider, player in PLAYERS.items()
    )


def _scene(configuration: Configuration, provider: str) -> Scene:
    """Return where the plans are played: at the installation's own endpoints."""
    scene = scene_of(configuration, provider)
    own = {name: one for name, one in scene.endpoints.items() if one.host is None}
    return replace(scene, endpoints=own)


async def _play(esito: Esito, plans: tuple[Plan, ...], hearing: Hearing) -> tuple[Played, ...]:
    stage = Stage(
        url=f"http://127.0.0.1:{esito.configuration.ingress.port}",
        configuration=esito.configuration,
        on_cue=publisher(esito.configuration),
        on_answer=hearing.hear,
    )
    return await play(stage, plans, esito.reader, alone=True)


async def _records(configuration: Configuration) -> tuple[Record, ...]:
    """Return every committed record of every topic."""
    places = {
        topic: (provider, role)
        for provider in provider_names()
        for role, topic in Topics.of(provider, prefix=configuration.topic_prefix).by_role().items()
    }
    return tuple(
        Record(
            provider=places[record.topic][0],
            role=places[record.topic][1],
            key=record.key or b"",
            value=record.value or b"",
            headers=b"\n".join(name.encode() + b": " + value for name, value in record.headers),
        )
        for record in await records_of(configuration, places)
    )
