"""The `esito` command against a real Kafka: topics, tap, dead letters, transaction, doctor."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic
from typer.testing import CliRunner, Result

from contracts.codes import AnomalyCode, RejectionCode
from contracts.lifecycle import Status
from ops.__main__ import app
from ops.topic_reader import StoredRecord, read_at
from runtime.kafka import KafkaClients
from tests.integration.records import RECEIVED_AT, Shelf, record_id, write_configuration
from tests.kafka import Kafka, run

Esito = Callable[..., Result]
ESCAPE = "\x1b"


@pytest.fixture
def file(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Path:
    """Return the configuration of an installation of its own."""
    return write_configuration(tmp_path, servers=kafka.bootstrap_servers, prefix=topic_prefix)


@pytest.fixture
def esito(file: Path) -> Esito:
    """Return a way to run the command with that configuration."""

    def command(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(
            app, list(words), env={"ESITO_CONFIGURATION": str(file)}, input=typed
        )

    return command


@pytest.fixture
def shelf(file: Path, kafka: Kafka, esito: Esito) -> Shelf:
    """Return the installation's topics, created."""
    assert esito("topics", "apply").exit_code == 0
    return Shelf.of(file, kafka)


def test_topics_apply_missing_creates_all(esito: Esito, topic_prefix: str) -> None:
    before = esito("topics", "check")

    applied = esito("topics", "apply")

    after = esito("topics", "check")
    assert (before.exit_code, applied.exit_code, after.exit_code) == (1, 0, 0)
    assert before.output.count("does not exist") == 6
    assert f"created  {topic_prefix}callbacks.pivot.raw.v1" in applied.output


def test_topics_check_drifted_names_difference_and_fix(
    esito: Esito, file: Path, kafka: Kafka
) -> None:
    shelf = Shelf.of(file, kafka)
    run(_create(shelf, shelf.topics.raw, partitions=1, settings={"retention.ms": "1000"}))
    run(_create(shelf, shelf.topics.status, settings={"cleanup.policy": "compact"}))
    esito("topics", "apply")

    found = esito("topics", "check")

    raw, status = shelf.topics.raw, shelf.topics.status
    assert found.exit_code == 1
    assert f"{raw}: partitions=1, planned 2" in found.output
    assert f"{raw}: retention.ms=1000, planned 2592000000" in found.output
    assert f"--alter --topic {raw} --add-config retention.ms=2592000000" in found.output
    assert f"{status}: cleanup.policy=compact, planned delete" in found.output


def test_topics_check_unequal_partitions_is_found_although_planned(
    esito: Esito, file: Path, kafka: Kafka
) -> None:
    """The plan may follow the odd topic; the state machine still needs all four to be equal."""
    shelf = Shelf.of(file, kafka)
    run(_create(shelf, shelf.topics.anomalies, partitions=3))
    esito("topics", "apply")
    file.write_text(file.read_text().replace("partitions: 2", "partitions: 3"))

    found = esito("topics", "check")

    assert found.exit_code == 1
    assert "partition counts of pivot differ: verified=2, status=2, anomalies=3" in found.output


def test_topics_apply_too_many_replicas_says_why(esito: Esito, file: Path) -> None:
    text = file.read_text().replace("replication_factor: 1", "replication_factor: 9")
    file.write_text(text)

    refused = esito("topics", "apply")

    assert refused.exit_code == 2
    assert "not created: InvalidReplicationFactorError" in refused.stderr


def test_tap_json_writes_cloud_events(esito: Esito, shelf: Shelf) -> None:
    shelf.applied("tx1", "PAID", Status.COMPLETED, b"{}")
    shelf.applied("tx2", "PAID", Status.COMPLETED, b"{}")

    tapped = esito("tap", "--json", "--from-beginning", "--limit", "1", "--transaction", "tx2")

    event = json.loads(tapped.stdout)
    assert tapped.exit_code == 0
    assert (event["specversion"], event["subject"]) == ("1.0", "tx2")
    assert event["type"] == "esito.transaction.status.v1"
    assert event["data"]["status"] == "completed"


def test_tap_anomalies_are_lines_too(esito: Esito, shelf: Shelf) -> None:
    shelf.applied("[red]tx", "PAID", Status.COMPLETED, b"{}")
    shelf.anomaly("[red]tx", AnomalyCode.OVERDUE)

    tapped = esito("tap", "--anomalies", "--from-beginning", "--limit", "2")

    assert set(tapped.stdout.splitlines()) == {
        f"{RECEIVED_AT}  pivot-id  [red]tx  new → completed  (PAID)  #1  final",
        f"{RECEIVED_AT}  pivot-id  [red]tx  ANOMALY overdue: no final callback before the deadline",
    }


def test_dead_letters_ls_filters_by_code_and_time(esito: Esito, shelf: Shelf) -> None:
    origin = shelf.callback(b"x")
    wanted = shelf.rejected(b"x", origin, RejectionCode.JSON_INVALID)
    shelf.rejected(b"y", origin, RejectionCode.PAYLOAD_INVALID)

    listed = esito("dead-letters", "ls", "--code", "json_invalid", "--since", RECEIVED_AT)
    later = esito("dead-letters", "ls", "--since", "2026-11-21T10:00:00.000002Z", "--json")

    (row,) = listed.stdout.splitlines()[1:]
    assert row.split()[:2] == [record_id(wanted), "json_invalid"]
    assert "data.id: [bold]missing" in row
    assert later.stdout == ""


def test_dead_letters_ls_limit_keeps_the_newest(esito: Esito, shelf: Shelf) -> None:
    origin = shelf.callback(b"x")
    ids = [
        record_id(shelf.rejected(b"%d" % n, origin, RejectionCode.JSON_INVALID)) for n in range(5)
    ]

    listed = esito("dead-letters", "ls", "--limit", "2", "--json")

    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == ids[-2:]
    assert "2 of 5 dead letters" in listed.stderr


def test_dead_letters_show_keeps_the_body_back_unless_asked(esito: Esito, shelf: Shelf) -> None:
    body = b'{"name": "Ada \x1b[31m"}\n\xc3\xa9'
    identifier = record_id(
        shelf.rejected(body, shelf.callback(body), RejectionCode.PAYLOAD_INVALID)
    )

    without = esito("dead-letters", "show", identifier)
    asked = esito("dead-letters", "show", identifier, "--body")

    assert "Ada" not in without.stdout
    assert r"\x1b[31mred" in without.stdout
    assert "Ada \\x1b[31m" in asked.stdout
    assert ESCAPE not in asked.stdout + without.stdout


def test_dead_letters_replay_sends_the_record_as_it_was(esito: Esito, shelf: Shelf) -> None:
    body = bytes(range(256))
    origin = shelf.callback(body)
    identifier = record_id(shelf.rejected(body, origin, RejectionCode.JSON_INVALID))

    replayed = esito("dead-letters", "replay", identifier)

    first, second = run(_records(shelf, origin, _sent(replayed)))
    assert (second.key, second.value) == (first.key, body)
    assert second.headers == (*first.headers, ("esito-replayed-from", identifier.encode()))


def test_dead_letters_replay_of_verified_record_keeps_its_partition(
    esito: Esito, shelf: Shelf
) -> None:
    origin = shelf.write(shelf.topics.verified, b"odd", key="pivot-id:tx")
    headers = [
        ("__streams.errors.topic", origin[0].encode()),
        ("__streams.errors.partition", str(origin[1]).encode()),
        ("__streams.errors.offset", str(origin[2]).encode()),
        ("esito-rejection-code", b"update_malformed"),
    ]
    letter = shelf.write(shelf.topics.rejected, b"odd", key="pivot-id:tx", headers=headers)

    replayed = esito("dead-letters", "replay", record_id(letter))

    assert _sent(replayed) == (origin[0], origin[1], origin[2] + 1)


def test_dead_letters_replay_dry_run_sends_nothing(esito: Esito, shelf: Shelf) -> None:
    origin = shelf.callback(b"x")
    identifier = record_id(shelf.rejected(b"x", origin, RejectionCode.JSON_INVALID))

    said = esito("dead-letters", "replay", identifier, "--dry-run")
    sent = esito("dead-letters", "replay", identifier)

    assert said.stdout == f"would send  {identifier}  to  {shelf.topics.raw}\n"
    assert _sent(sent)[2] <= origin[2] + 1


def test_dead_letters_replay_of_several_asks_first(esito: Esito, shelf: Shelf) -> None:
    origin = shelf.callback(b"x")
    for body in (b"x", b"y"):
        shelf.rejected(body, origin, RejectionCode.JSON_INVALID)

    refused = esito("dead-letters", "replay", "--code", "json_invalid", typed="n\n")
    allowed = esito("dead-letters", "replay", "--code", "json_invalid", typed="y\n")

    assert (refused.exit_code, refused.stdout.count("sent  ")) == (1, 0)
    assert (allowed.exit_code, allowed.stdout.count("sent  ")) == (0, 2)


def test_dead_letters_replay_of_one_callback_rejected_twice_sends_it_once(
    esito: Esito, shelf: Shelf
) -> None:
    """A replay in vain makes a second letter: without this, each try would double the traffic."""
    origin = shelf.callback(b"x")
    shelf.rejected(b"x", origin, RejectionCode.JSON_INVALID)
    newest = shelf.rejected(b"x", origin, RejectionCode.JSON_INVALID)

    said = esito("dead-letters", "replay", "--code", "json_invalid", "--dry-run")

    assert said.stdout == f"would send  {record_id(newest)}  to  {shelf.topics.raw}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the dead letters to send"),
        (("callbacks.pivot.raw.v1-0-0",), "is no dead letter of this configuration"),
        (("PREFIXcallbacks.pivot.rejected.v1-9-0",), "has no partition 9"),
        (("PREFIXcallbacks.pivot.rejected.v1-0-7",), "not written, or no longer kept"),
        (("x", "--code", "poisoned"), "not both"),
    ],
)
def test_dead_letters_replay_of_nothing_says_what_to_do(
    esito: Esito, shelf: Shelf, words: tuple[str, ...], said: str
) -> None:
    prefix = shelf.configuration.topic_prefix

    refused = esito("dead-letters", "replay", *(word.replace("PREFIX", prefix) for word in words))

    assert refused.exit_code == 2
    assert said in refused.stderr


def test_transaction_show_tells_the_whole_story(esito: Esito, shelf: Shelf) -> None:
    body = b'{"id": "tx1", "name": "Ada"}'
    place = shelf.applied("tx1", "PAID", Status.COMPLETED, body)
    shelf.applied("tx2", "PAID", Status.COMPLETED, b"{}")
    shelf.anomaly("tx1", AnomalyCode.OVERDUE)
    letter = shelf.rejected(body, place, RejectionCode.JSON_INVALID)

    shown = esito("transaction", "show", "pivot-id", "tx1", "--json")

    story = json.loads(shown.stdout)
    assert [line["kind"] for line in story["story"]] == [
        "callback",
        "verified",
        "status",
        "anomaly",
        "dead letter",
    ]
    assert story["story"][0]["record"] == record_id(place)
    assert story["story"][0]["body_bytes"] == len(body)
    assert story["story"][-1]["record"] == record_id(letter)
    assert story["snapshot"]["status"] == "PAID"
    assert "Ada" not in shown.stdout


def test_transaction_show_body_is_printed_when_asked(esito: Esito, shelf: Shelf) -> None:
    shelf.applied("tx1", "PAID", Status.COMPLETED, b'{"name": "Ada \x1b[2J"}')

    without = esito("transaction", "show", "pivot-id", "tx1")
    asked = esito("transaction", "show", "pivot-id", "tx1", "--body")

    assert "Ada" not in without.stdout
    assert r"Ada \x1b[2J" in asked.stdout


def test_transaction_show_unknown_says_so(esito: Esito, shelf: Shelf) -> None:
    assert shelf.topics

    nothing = esito("transaction", "show", "pivot-id", "tx9")
    nowhere = esito("transaction", "show", "nowhere", "tx9")

    assert (nothing.exit_code, nowhere.exit_code) == (2, 2)
    assert "nothing is kept about pivot-id:tx9" in nothing.stderr
    assert "no endpoint nowhere; the configuration has: pivot-id" in nowhere.stderr


def test_doctor_healthy_installation_passes(esito: Esito, shelf: Shelf) -> None:
    shelf.callback(b"x")

    examined = esito("doctor", "--json")

    findings = [json.loads(line) for line in examined.stdout.splitlines()]
    assert examined.exit_code == 0
    assert {one["subject"]: one["level"] for one in findings} == {
        "configuration": "ok",
        "secrets": "ok",
        "keys": "ok",
        "ingress.port": "ok",
        "management_port": "ok",
        "brokers": "warn",
        "topics": "ok",
        "replicas": "ok",
        "reading": "ok",
        "clocks": "ok",
        "writing": "ok",
        "verifier pivot": "warn",
        "state-machine pivot": "warn",
    }
    assert "nobody works; 1 records behind" in examined.stdout


def test_doctor_faults_fail_with_their_fix(esito: Esito, file: Path) -> None:
    file.write_text(file.read_text().replace("replication_factor: 1", "replication_factor: 9"))
    (file.parent / "api.key").write_text("short")

    examined = esito("doctor")

    assert examined.exit_code == 1
    assert "fail  endpoints.0.api_key.keys.0.file: " in examined.stdout
    assert "openssl rand -hex 32" in examined.stdout
    assert "replication_factor is 9, and there are" in examined.stdout
    assert "fix: esito topics apply" in examined.stdout


def test_doctor_without_kafka_fails_after_the_files(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, servers="127.0.0.1:1", prefix="t.")

    examined = CliRunner().invoke(app, ["doctor", "--configuration", str(file)])

    assert examined.exit_code == 1
    assert "ok    configuration: 1 endpoints, no fault" in examined.stdout
    assert "fail  brokers: Kafka does not answer at 127.0.0.1:1" in examined.stdout


def _sent(replayed: Result) -> tuple[str, int, int]:
    assert replayed.exit_code == 0
    topic, partition, offset = replayed.stdout.split()[-1].rsplit("-", 2)
    return topic, int(partition), int(offset)


async def _records(shelf: Shelf, *places: tuple[str, int, int]) -> list[StoredRecord]:
    clients = KafkaClients(shelf.configuration, client_id="test")
    found = await read_at(clients, places)
    return [found[place] for place in places]


async def _create(
    shelf: Shelf, topic: str, *, partitions: int = 2, settings: dict[str, str] | None = None
) -> None:
    admin = KafkaClients(shelf.configuration, client_id="test").admin()
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
    finally:
        await admin.close()
