"""Play every provider with every fault once, and ask many things about what it left behind."""

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiokafka import TopicPartition

from contracts.topics import Role, Topics
from ops.cluster import connected
from ops.installation import Addresses, write_installation
from ops.local_installation import create_topics, free_row, unless_one_dies
from ops.processes import Processes, programs_of
from runtime.configuration import Configuration, Database
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from simulator.credentials import WRONG_KEY
from simulator.jwks_server import key_sets_served, publisher
from simulator.people import private_values
from simulator.plan import Fault, Plan
from simulator.planning import PLAYERS, make_plan
from simulator.play import Played, Stage, play
from simulator.reader import Reader
from simulator.scene import scene_of
from tests.kafka import Kafka
from tests.postgres import Postgres

TRANSACTIONS = 40
SEED = 4711
# Too short to search for as values: their names must not appear instead.
PRIVATE_NAMES = (b"paymentUrl", b"encryptionKey", b"first6", b"last4", b"fingerprint", b"invoiceNo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of one topic, as a consumer sees it."""

    role: Role
    key: bytes
    value: bytes
    headers: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What one performance left behind, and the secrets it was given."""

    plans: tuple[Plan, ...]
    played: tuple[Played, ...]
    exit_codes: dict[str, int]
    logs: dict[str, bytes]
    metrics: dict[str, bytes]
    records: tuple[Record, ...]
    keys: tuple[bytes, ...]

    @property
    def public(self) -> bytes:
        """Return everything that must hold nothing private: all but the bodies kept by design."""
        kept = {Role.RAW, Role.REJECTED}
        values = [one.value for one in self.records if one.role not in kept]
        return b"\n".join(
            [
                *self.logs.values(),
                *self.metrics.values(),
                *(one.headers for one in self.records),
                *(one.key for one in self.records),
                *values,
            ]
        )

    @property
    def private(self) -> frozenset[bytes]:
        """Return every personal or secret text in the bodies that were sent."""
        told = {text for plan in self.plans for story in plan.stories for text in story.private}
        return self.private_members | {text.encode() for text in told}

    @property
    def private_members(self) -> frozenset[bytes]:
        """Return those that stand in JSON bodies as they are, in no encoding over them."""
        found: set[str] = set()
        for plan in self.plans:
            for callback in plan.callbacks:
                with suppress(ValueError):  # a body cut in half holds what its whole holds
                    found |= private_values(json.loads(callback.body))
        return frozenset(one.encode() for one in found)


@pytest.fixture(scope="module")
def performance(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Performance:
    """Run all processes, play every provider with every fault, stop, and read everything."""
    with postgres.database() as database:
        return asyncio.run(_perform(kafka, database, tmp_path_factory.mktemp("played")))


def test_played_with_every_fault_comes_out_as_planned(performance: Performance) -> None:
    differences = [one.comparison and one.comparison.differences for one in performance.played]

    assert differences == [()] * len(PLAYERS)


def test_played_loses_doubles_and_skips_nothing(performance: Performance) -> None:
    comparisons = [one.comparison for one in performance.played]

    assert [(one.lost, one.doubled, one.gaps) for one in comparisons if one] == [(0, 0, 0)] * len(
        PLAYERS
    )


def test_played_shows_every_fault_there_is(performance: Performance) -> None:
    shown = {story.fault for plan in performance.plans for story in plan.stories}

    assert shown == {None, *Fault}


def test_every_process_on_sigterm_exits_zero(performance: Performance) -> None:
    assert performance.exit_codes == dict.fromkeys(
        (
            *("ingress", "intake", "streams"),
            *(f"{worker}-{name}" for name in PLAYERS for worker in ("verifier", "state-machine")),
        ),
        0,
    )


def test_private_values_are_in_the_raw_topics_where_the_search_would_find_them(
    performance: Performance,
) -> None:
    """Show that the search below can find: what is kept by design is found."""
    raw = b"\n".join(one.value for one in performance.records if one.role is Role.RAW)
    found = [one for one in performance.private_members if one in raw]

    assert len(performance.private_members) > 10 * TRANSACTIONS
    assert len(found) > 0.9 * len(
        performance.private_members
    )  # the others were refused at the door


def test_private_values_appear_nowhere_else(performance: Performance) -> None:
    public = performance.public

    assert [one for one in performance.private if one in public] == []


def test_private_members_are_not_even_named(performance: Performance) -> None:
    public = performance.public

    assert [name for name in PRIVATE_NAMES if name in public] == []


def test_keys_appear_nowhere(performance: Performance) -> None:
    everything = performance.public + b"\n".join(one.value for one in performance.records)

    assert len(performance.keys) == 14
    assert [key for key in performance.keys if key in everything] == []


async def _perform(kafka: Kafka, database: Database, directory: Path) -> Performance:
    ports = free_row(20)
    file = write_installation(
        directory,
        Addresses(
            kafka=kafka.bootstrap_servers,
            ingress_port=ports,
            jwks_port=ports + 1,
            intake_port=ports + 2,
            streams_port=ports + 3,
            management_port=ports + 4,
            topic_prefix=f"e{secrets.token_hex(4)}.",
        ),
    )
    configuration = load_configuration(file, environ={})
    await create_topics(configuration)
    programs = programs_of(configuration)
    plans = _plans(configuration)
    async with (
        key_sets_served(configuration),
        Processes(
            file,
            programs,
            management_ports=range(ports + 4, ports + 4 + len(programs)),
            logs=directory / "logs",
            variables=_variables(database),
        ) as processes,
    ):
        played = await _play(configuration, plans, processes)
        metrics = {name: await _metrics(port) for name, port in processes.management_ports.items()}
        exit_codes = dict(await processes.stop())
    return Performance(
        plans=plans,
        played=played,
        exit_codes=exit_codes,
        logs={name: log.read_bytes() for name, log in processes.logs.items()},
        metrics=metrics,
        records=await _records(configuration),
        keys=_keys(directory / "keys"),
    )


def _variables(database: Database) -> dict[str, str]:
    found = {"ESITO_DATABASE__URL": database.url}
    if database.password_file is not None:
        found["ESITO_DATABASE__PASSWORD_FILE"] = str(database.password_file)
    return found


def _plans(configuration: Configuration) -> tuple[Plan, ...]:
    return tuple(
        make_plan(
            provider,
            transactions=TRANSACTIONS,
            faults=player.faults,
            seed=SEED,
            scene=scene_of(configuration, provider),
        )
        for provider, player in PLAYERS.items()
    )


async def _play(
    configuration: Configuration, plans: tuple[Plan, ...], processes: Processes
) -> tuple[Played, ...]:
    url = f"http://127.0.0.1:{configuration.ingress.port}"
    stage = Stage(url=url, configuration=configuration, on_cue=publisher(configuration))
    async with (
        connected(configuration) as cluster,
        Reader(
            list(PLAYERS), clients=cluster.clients, topic_prefix=configuration.topic_prefix
        ) as reader,
    ):
        return await unless_one_dies(processes, play(stage, plans, reader, alone=True))


async def _metrics(port: int) -> bytes:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        return await response.read()


async def _records(configuration: Configuration) -> tuple[Record, ...]:
    """Return every committed record of every topic."""
    roles = {
        topic: role
        for provider in PLAYERS
        for role, topic in Topics.of(provider, prefix=configuration.topic_prefix).by_role().items()
    }
    consumer = KafkaClients(configuration, client_id="test").consumer(
        group=None, fetch_bytes_max=4_194_304
    )
    await consumer.start()
    found = []
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in roles
            for partition in range(configuration.topics.partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        Record(
                            role=roles[record.topic],
                            key=record.key or b"",
                            value=record.value or b"",
                            headers=b"\n".join(
                                name.encode() + b": " + value for name, value in record.headers
                            ),
                        )
                        for record in records
                    ]
    finally:
        await consumer.stop()
    return tuple(found)


def _keys(directory: Path) -> tuple[bytes, ...]:
    files = sorted(directory.glob("*.key"))
    golden = json.loads((directory / "uaepass-golden.json").read_text())
    return (
        *(file.read_bytes().strip() for file in files),
        golden["secret"].encode(),
        WRONG_KEY.encode(),
    )
