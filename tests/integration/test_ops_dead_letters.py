"""`esito dead-letters` against a real Kafka: list, show, and send again byte for byte."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import Result

from contracts.codes import RejectionCode
from ops.topic_reader import StoredRecord, all_partitions, end_offsets, read_at
from runtime.kafka import KafkaClients
from tests.integration.records import RECEIVED_AT, Esito, Shelf, record_id
from tests.kafka import run

ESCAPE = "\x1b"


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
    letter = shelf.unreadable_update()

    replayed = esito("dead-letters", "replay", record_id(letter))

    (first,) = run(_records(shelf, (shelf.topics.verified, _sent(replayed)[1], 0)))
    (again,) = run(_records(shelf, _sent(replayed)))
    assert again.place == (first.topic, first.partition, 1)
    assert (again.key, again.value) == (b"pivot-id:tx", b"odd")


def test_dead_letters_replay_dry_run_sends_nothing(esito: Esito, shelf: Shelf) -> None:
    origin = shelf.callback(b"x")
    identifier = record_id(shelf.rejected(b"x", origin, RejectionCode.JSON_INVALID))

    said = esito("dead-letters", "replay", identifier, "--dry-run")

    assert said.stdout == f"would send  {identifier}  to  {shelf.topics.raw}\n"
    assert run(_count(shelf, shelf.topics.raw)) == 1


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


def test_dead_letters_replay_interrupted_says_how_far_it_came(
    shelf: Shelf, configuration_file: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    for body in (b"x", b"y", b"z"):
        shelf.rejected(body, shelf.callback(body), RejectionCode.JSON_INVALID)
    words = ["replay", "--code", "json_invalid", "--yes", "--rate", "0.1", "--report", str(report)]
    command = [sys.executable, "-m", "ops", "dead-letters", *words]
    with subprocess.Popen(
        [*command, "--configuration", str(configuration_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as replaying:
        assert replaying.stdout is not None
        assert replaying.stderr is not None
        assert replaying.stdout.readline().startswith("sent  ")
        replaying.send_signal(signal.SIGINT)
        told = replaying.stderr.read()
        assert replaying.wait(timeout=30) != 0

    assert [json.loads(row)["was"] for row in report.read_text().splitlines()] == ["json_invalid"]
    assert "1 of 3 sent again" in told
    assert "not all was sent" in told
    assert run(_count(shelf, shelf.topics.raw)) == 4


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


def _sent(replayed: Result) -> tuple[str, int, int]:
    assert replayed.exit_code == 0
    topic, partition, offset = replayed.stdout.split()[-1].rsplit("-", 2)
    return topic, int(partition), int(offset)


async def _records(shelf: Shelf, *places: tuple[str, int, int]) -> list[StoredRecord]:
    clients = KafkaClients(shelf.configuration, client_id="test")
    found = await read_at(clients, places)
    return [found[place] for place in places]


async def _count(shelf: Shelf, topic: str) -> int:
    clients = KafkaClients(shelf.configuration, client_id="test")
    _, ends = await end_offsets(clients, all_partitions({topic: 2}))
    return sum(ends.values())
