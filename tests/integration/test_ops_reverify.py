"""`esito reverify` and replays that are followed, against a real Kafka and a real verifier."""

import asyncio
import json
import re
from pathlib import Path

from contracts.codes import RejectionCode
from contracts.lifecycle import Status
from contracts.raw import CALLBACK_ID, RECEIVED_AT
from ops.topic_reader import StoredRecord, all_partitions, end_offsets, read_at
from runtime.kafka import KafkaClients
from tests.integration.processes import verifier
from tests.integration.records import Esito, Shelf, change, record_id, update
from tests.kafka import run


def paid(transaction_id: str) -> bytes:
    """Return the body of a callback that the verifier takes."""
    data = {"id": transaction_id, "status": "PAID"}
    return json.dumps({"event": "PAYMENT.PAID", "data": data}).encode()


def decided(shelf: Shelf, transaction_id: str, native: str) -> str:
    """Write a callback that says PAID, and the verifier's word that it said `native`."""
    body = paid(transaction_id)
    place = shelf.callback(body)
    said = update(transaction_id, native, place, body)
    shelf.write(shelf.topics.verified, said.model_dump_json().encode(), key=said.key)
    return record_id(place)


def test_reverify_tells_each_difference_and_acts_on_none(esito: Esito, shelf: Shelf) -> None:
    decided(shelf, "same", "PAID")
    changed = decided(shelf, "changed", "EXPIRED")
    healed = shelf.callback(paid("healed"))
    shelf.rejected(paid("healed"), healed, RejectionCode.KEY_UNKNOWN)
    lost = shelf.applied("lost", "PAID", Status.COMPLETED, b"not JSON")
    still = shelf.callback(b"[]")
    shelf.rejected(b"[]", still, RejectionCode.JSON_INVALID)
    shelf.callback(paid("waiting"))

    told = esito("reverify", "--provider", "pivot", "--since", "1h", "--json")
    shown = esito("reverify", "--provider", "pivot", "--since", "1h")

    found = {one["record"]: one for one in map(json.loads, told.stdout.splitlines())}
    assert told.exit_code == 1
    assert {name: one["difference"] for name, one in found.items()} == {
        changed: "says something else",
        record_id(healed): "now verified",
        record_id(lost): "now rejected",
        record_id(still): "rejected otherwise",
    }
    assert found[changed]["was"] == "verified: changed EXPIRED"
    assert found[changed]["now"] == "verified: changed PAID"
    assert found[record_id(lost)]["published"] == ["lost completed"]
    assert found[record_id(lost)]["now"].startswith("json_invalid: ")
    assert "6 raw records verified again" in shown.stderr
    assert "  1 same\n" in shown.stderr
    assert "  1 not decided yet\n" in shown.stderr
    assert "2 callbacks would lead to something new (--apply)" in shown.stderr
    assert counted(shelf) == 6


def test_reverify_takes_ids_ranges_times_and_transactions(esito: Esito, shelf: Shelf) -> None:
    places = [shelf.callback(paid(f"tx{n}")) for n in range(4)]
    for place, n in zip(places, range(4), strict=True):
        shelf.rejected(paid(f"tx{n}"), place, RejectionCode.KEY_UNKNOWN)
    first = record_id(min(places))
    partition = f"{shelf.topics.raw}-{min(places)[1]}"
    of_partition = sum(place[1] == min(places)[1] for place in places)

    def found(*words: str) -> int:
        return len(esito("reverify", "--json", *words).stdout.splitlines())

    assert found(first) == 1
    assert found(f"{partition}-0..99") == of_partition
    assert found("--provider", "pivot", "--since", "1h", "--until", "30m") == 0
    assert found("--endpoint", "pivot-id", "--transaction", "tx3") == 1
    assert found("--endpoint", "pivot-id", "--since", "1h") == 4


async def test_reverify_apply_lets_the_verifier_decide_anew(
    esito: Esito, shelf: Shelf, configuration_file: Path
) -> None:
    """An endpoint left out of the configuration: rejected, found, written again, verified."""
    change(configuration_file, "name: pivot-id", "name: other")
    first = shelf.callback(paid("tx1"))
    shelf.callback(paid("tx2"))
    async with verifier(configuration_file):
        await rejected(shelf, 2)
    change(configuration_file, "name: other", "name: pivot-id")

    words = ("reverify", "--provider", "pivot", "--since", "1h")
    async with verifier(configuration_file):
        applied = await asyncio.to_thread(esito, *words, "--apply", "--yes", "--wait", "30")
        again = await asyncio.to_thread(esito, *words)

    assert applied.exit_code == 0
    assert applied.stdout.count("endpoint_unknown: ") == 2
    assert "2 of 2 sent again" in applied.stderr
    assert "  2 verified\n" in applied.stderr
    assert (again.exit_code, again.stdout) == (0, "")
    assert "  4 same\n" in again.stderr
    sent = re.findall(rf"^sent  {record_id(first)}  as  (\S+)$", applied.stdout, re.MULTILINE)
    before, after = await stored(shelf, record_id(first), *sent)
    assert (after.key, after.value) == (before.key, before.value)
    assert after.headers == (*before.headers, ("esito-replayed-from", record_id(first).encode()))
    assert after.header(CALLBACK_ID) == before.header(CALLBACK_ID)
    assert after.header(RECEIVED_AT) == before.header(RECEIVED_AT)


async def test_dead_letters_replay_reports_what_became_of_them(
    esito: Esito, shelf: Shelf, configuration_file: Path, tmp_path: Path
) -> None:
    for body, code in (
        (paid("tx1"), RejectionCode.KEY_UNKNOWN),
        (b"[]", RejectionCode.PAYLOAD_INVALID),
        (b"{}", RejectionCode.PAYLOAD_INVALID),
    ):
        shelf.rejected(body, shelf.callback(body), code)
    report = tmp_path / "report.jsonl"

    async with verifier(configuration_file):
        words = ("--since", "2026-01-01T00:00:00Z", "--yes", "--rate", "4", "--wait", "30")
        replayed = await asyncio.to_thread(
            esito, "dead-letters", "replay", *words, "--report", str(report)
        )

    rows = list(map(json.loads, report.read_text().splitlines()))
    seconds = re.search(r"3 of 3 sent again in (\d+\.\d) s", replayed.stderr)
    assert replayed.exit_code == 0
    assert seconds is not None
    assert float(seconds[1]) >= 0.5
    assert "  2 were payload_invalid\n" in replayed.stderr
    assert "  1 verified\n" in replayed.stderr
    assert "  2 rejected again: payload_invalid\n" in replayed.stderr
    assert [row.keys() for row in rows] == [{"source", "was", "record"}] * 3 + [
        {"source", "was", "record", "became"}
    ] * 3
    assert {row["was"]: row["became"] for row in rows[3:]}["key_unknown"] == "verified: tx1 PAID"


async def test_replays_in_vain_do_not_stop_the_verifier(
    esito: Esito, shelf: Shelf, configuration_file: Path
) -> None:
    """Counted, twenty rejections open the breaker, and nobody's callbacks go on."""
    for body in (b"[%d]" % n for n in range(25)):
        shelf.rejected(body, shelf.callback(body), RejectionCode.PAYLOAD_INVALID)
    words = ("dead-letters", "replay", "--code", "payload_invalid", "--yes", "--wait", "30")

    async with verifier(configuration_file):
        replayed = await asyncio.to_thread(esito, *words)

    assert "  25 rejected again: payload_invalid\n" in replayed.stderr


def test_replay_without_a_place_for_its_report_sends_nothing(
    esito: Esito, shelf: Shelf, tmp_path: Path
) -> None:
    letter = shelf.rejected(b"[]", shelf.callback(b"[]"), RejectionCode.PAYLOAD_INVALID)
    taken = tmp_path / "report.jsonl"
    taken.write_text("mine")

    for report, said in (
        (taken, "exists; name a new file"),
        (tmp_path / "nowhere" / "report.jsonl", "cannot be created (No such file or directory)"),
    ):
        refused = esito("dead-letters", "replay", record_id(letter), "--report", str(report))
        assert refused.exit_code == 2
        assert said in refused.stderr

    assert taken.read_text() == "mine"
    assert counted(shelf) == 1


def test_replay_to_the_verified_topic_says_that_nobody_follows_it(
    esito: Esito, shelf: Shelf
) -> None:
    """The state machine decides it, and says no verdict that could be waited for."""
    letter = shelf.unreadable_update()

    replayed = esito("dead-letters", "replay", record_id(letter), "--wait", "20")

    assert "  1 not followed\n" in replayed.stderr


def test_reverify_json_has_nothing_but_json_when_it_applies(esito: Esito, shelf: Shelf) -> None:
    healed = shelf.callback(paid("tx"))
    shelf.rejected(paid("tx"), healed, RejectionCode.KEY_UNKNOWN)

    applied = esito("reverify", record_id(healed), "--json", "--apply", "--yes")

    assert [json.loads(line)["record"] for line in applied.stdout.splitlines()] == [
        record_id(healed)
    ]
    assert f"sent  {record_id(healed)}  as  " in applied.stderr


def test_reverify_of_nothing_says_what_to_do(esito: Esito, shelf: Shelf) -> None:
    raw = shelf.topics.raw

    for words, said in (
        ((), "name the raw records: ids, --since"),
        ((f"{raw}-0-x",), f"write {raw}-0-17, or {raw}-0-17..42"),
        ((f"{raw}-9-0",), "has no partition 9"),
        (("--transaction", "tx"), "--transaction needs --endpoint"),
        (("--transaction", "tx", "--endpoint", "pivot-id", "--until", "1h"), "leave out ids"),
        (("--transaction", "tx", "--endpoint", "pivot-id", f"{raw}-0-0"), "leave out ids"),
        (("--endpoint", "nowhere", "--since", "1h"), "no endpoint nowhere"),
    ):
        refused = esito("reverify", *words)
        assert refused.exit_code == 2
        assert said in refused.stderr


async def rejected(shelf: Shelf, count: int) -> None:
    clients = KafkaClients(shelf.configuration, client_id="test")
    async with asyncio.timeout(30):
        consumer = clients.consumer(group=None, fetch_bytes_max=1_048_576)
        async with consumer:
            consumer.subscribe([shelf.topics.rejected])
            for _ in range(count):
                await consumer.getone()


async def stored(shelf: Shelf, *identifiers: str) -> list[StoredRecord]:
    places = []
    for identifier in identifiers:
        topic, partition, offset = identifier.rsplit("-", 2)
        places.append((topic, int(partition), int(offset)))
    found = await read_at(KafkaClients(shelf.configuration, client_id="test"), places)
    return [found[place] for place in places]


def counted(shelf: Shelf) -> int:
    """Return how many raw records there are."""

    async def ends() -> int:
        clients = KafkaClients(shelf.configuration, client_id="test")
        return sum((await end_offsets(clients, all_partitions({shelf.topics.raw: 2})))[1].values())

    return run(ends())
