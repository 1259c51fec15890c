"""`esito transaction show` against a real Kafka."""

import json

from contracts.codes import AnomalyCode, RejectionCode
from contracts.lifecycle import Status
from tests.integration.records import Esito, Shelf, record_id


def test_transaction_show_tells_the_whole_story(esito: Esito, shelf: Shelf) -> None:
    body = b'{"id": "tx1", "name": "Ada"}'
    place = shelf.applied("tx1", "PAID", Status.COMPLETED, body)
    # Of the same partition as the first.
    shelf.applied("tx4", "PAID", Status.COMPLETED, b"{}")
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
