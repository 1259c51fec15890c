"""`esito person` on a real Kafka, a real PostgreSQL and a directory of files."""

import json
import secrets
from base64 import b64encode, encodebytes, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unicodedata import normalize

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from typer.testing import CliRunner, Result

from contracts.codes import RejectionCode
from contracts.errors import Broken
from contracts.lifecycle import Status
from intake.named_files import NamedFile, note_files
from ops.__main__ import app
from ops.cluster import connected
from ops.person.search import Found, Words, search_requests
from runtime.database import Pool
from runtime.service_configuration import Database
from runtime.slots import object_path
from tests.integration.records import ENDPOINT, Esito, Shelf, record_id
from tests.integration.test_intake_janitor import prepared
from tests.kafka import run
from tests.postgres import settings_of

NAME = "Zoë Sørensen-Ünal"
BODY = "comune-x"
# As PEM and MIME have it, the name across two lines.
IN_LINES = b"-----BEGIN X-----\n" + encodebytes(b"=" * 50 + NAME.encode()) + b"-----END X-----\n"
NOW = datetime.now(UTC)


def test_person_is_found_in_callbacks_and_dead_letters_with_what_they_moved(
    esito: Esito, shelf: Shelf
) -> None:
    mine = json.dumps({"customer": {"surname": NAME}}).encode()  # escaped: JSON in ASCII
    applied = shelf.applied("tx-1", "PAID", Status.COMPLETED, mine)
    shelf.applied("tx-2", "PAID", Status.COMPLETED, b'{"customer": {"surname": "Rossi"}}')
    rejected = shelf.rejected(NAME.upper().encode(), applied, RejectionCode.PAYLOAD_INVALID)

    done = esito("person", "find", "--json", typed=f"{NAME}\n")

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0, done.output
    assert {(one["kind"], one["place"], *one["transactions"]) for one in found} == {
        ("raw", record_id(applied), "tx-1"),
        ("rejected", record_id(rejected)),
    }
    assert {one["endpoint"] for one in found} == {ENDPOINT}
    days = {one["kind"]: _days(one) for one in found}
    assert days == {"raw": 31, "rejected": 91}  # the topic's term, and a day for its segment


def test_find_shows_nothing_of_what_it_looks_for(esito: Esito, shelf: Shelf) -> None:
    shelf.callback(NAME.encode())

    shown = esito("person", "find", typed=f"{NAME}\n")

    assert shown.exit_code == 0
    assert record_id((shelf.topics.raw, 0, 0))[:-4] in shown.output
    assert NAME.split(maxsplit=1)[0] not in shown.output


def test_person_of_whom_nothing_is_kept_is_told_by_the_exit_code(
    esito: Esito, shelf: Shelf
) -> None:
    shelf.callback(b"{}")

    assert esito("person", "find", typed=f"{NAME}\n").exit_code == 1


@pytest.mark.parametrize("typed", ["", "\n \n", "Zoë\n", f"{NAME}\nabc\n"])
def test_words_that_tell_nobody_apart_are_refused(typed: str) -> None:
    with pytest.raises(Broken):
        Words(typed.splitlines())


@pytest.mark.parametrize(
    "body",
    [
        NAME.encode(),
        NAME.upper().encode(),
        json.dumps(NAME).encode(),
        b"<Nm>Zo&#xEB; S&#248;rensen-&Uuml;nal</Nm>",
        b'{"a": "' + b64encode(NAME.encode()) + b'"}',
        b"eyJhbGciOiJFUzI1NiJ9." + urlsafe_b64encode(json.dumps({"n": NAME}).encode()) + b".c2ln",
        urlsafe_b64encode(b'["salt", "' + urlsafe_b64encode(NAME.encode()) + b'"]').rstrip(b"="),
        b"\x82\x63abc\x72" + NAME.encode(),  # CBOR holds texts as they are
        b'"' + b64encode(b"???" + NAME.encode()).replace(b"/", rb"\/") + b'"',
        b'{"note": "\\ud83d\\ude00 Zo\\u00EB S\\u00f8rensen-\\u00dcnal"}',
        json.dumps({"note": NAME.replace(" ", "\n\t")}).encode(),
        normalize("NFD", NAME).encode(),
        *(
            encode(IN_LINES)
            for encode in (bytes, lambda lines: json.dumps(lines.decode()).encode())
        ),
        IN_LINES.replace(b"\n", b"\r\n        "),
        *(b"/v1/" + b"a" * more + b"/" + b64encode(f"xyz{NAME}".encode()) for more in range(4)),
    ],
)
def test_name_is_found_in_whatever_it_is_encoded(body: bytes) -> None:
    assert Words([NAME]).are_in(body)
    assert not Words(["Zoë Sørensen-Ünaw"]).are_in(body)


@dataclass(slots=True)
class House:
    """A database and a directory of files, with requests of one public body."""

    directory: Path
    database: Database

    async def fill(self) -> None:
        """Store two judged requests that share a file, and one that waits for its verdict."""
        pool = await prepared(self.database)
        await _request(pool, "r1", status="ACCEPTED", files=("a.pdf", "both.pdf"))
        await _request(pool, "r2", status="ACCEPTED", files=("both.pdf",))
        await _request(pool, "r3", status=None, files=())
        await pool.close()

    def file(self, key: str, *, days_ago: int = 0) -> Path:
        """Put a file where the intake would."""
        moment = NOW - timedelta(days=days_ago)
        place = self.directory / "store" / object_path("send", BODY, moment, key)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"%PDF-")
        return place

    async def contents(self) -> set[str]:
        """Return the requests that still say something."""
        pool = await prepared(self.database)
        async with pool.acquire() as connection:
            kept = {"send": timedelta(days=120)}
            found = [one async for one in search_requests(connection, Words([NAME]), kept)]
        await pool.close()
        assert all(isinstance(one, Found) and one.kind == "request" for one in found)
        return {one.transactions[0] for one in found}

    def esito(self, *words: str, typed: str | None = None) -> Result:
        """Run the command over this house."""
        file = self.directory / "esito.yaml"
        file.write_text(json.dumps(self._configuration()))
        return CliRunner().invoke(
            app, ["person", *words, "--configuration", str(file)], input=typed
        )

    def _configuration(self) -> dict[str, object]:
        (self.directory / "a.key").write_text(secrets.token_hex(32))
        keys = [{"id": "a", "file": "a.key"}]
        section = {
            "bodies": [{"id": BODY, "tax_id": "00000000000", "keys": keys}],
            "attachments": {"slot_keys": keys},
            "iun_keys": {"keys": keys},
        }
        place = {"provider": "send", "path": "/callbacks/send", "api_key": {"keys": keys}}
        other = {"name": "pivot-id", "provider": "pivot", "path": "/p", "api_key": {"keys": keys}}
        return {
            "database": settings_of(self.database),
            "object_store": {"url": (self.directory / "store").as_uri()},
            "endpoints": [{"name": "send", **place, "notifications": section}, other],
        }


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    found = House(tmp_path, database)
    run(found.fill())
    return found


async def _request(
    pool: Pool, identifier: str, *, status: str | None, files: tuple[str, ...]
) -> None:
    """Store a request that names files, and what became of it."""
    content = json.dumps({"recipients": [{"denomination": NAME}]}).encode()
    await pool.execute(
        """INSERT INTO intake.requests (endpoint, body, id, state, callback_id, received_at,
        principal, traceparent, fingerprint, content)
        VALUES ('send', $1, $2, 'sent', 'c', $3, 'p', '', '\\x00', $4)""",
        BODY,
        identifier,
        NOW,
        content,
    )
    async with pool.acquire() as connection:
        await note_files(
            connection, [NamedFile("send", BODY, one, identifier, NOW) for one in files]
        )
    if status is not None:
        await pool.execute(
            """INSERT INTO streams.transactions (endpoint, transaction_id, source, "offset",
            native_status, status, final, sequence, updated_at, event)
            VALUES ('send', $1, 1, 1, $2, 'accepted', false, 1, $3, '{}')""",
            identifier,
            status,
            NOW,
        )


def test_request_is_erased_with_the_files_that_it_alone_names(house: House) -> None:
    alone, shared = house.file("a.pdf", days_ago=3), house.file("both.pdf")
    before = run(house.contents())

    dry = house.esito("erase", "send", "r1", "--dry-run")
    unchanged = alone.exists() and run(house.contents()) == before
    refused = house.esito("erase", "send", "r1", typed="n\n")
    done = house.esito("erase", "send", "r1", "--yes")
    again = house.esito("erase", "send", "r1", "--yes")

    assert before == {"r1", "r2", "r3"}
    assert (dry.exit_code, refused.exit_code, done.exit_code, again.exit_code) == (0, 1, 0, 0)
    assert unchanged
    assert dry.stdout == "would erase the content of r1 and 1 files\n"
    gone = (NOW + timedelta(days=91)).date()
    left = f"what Kafka holds of it now is gone by {gone}; not what comes later or is replayed"
    assert done.stdout.endswith(f"1 files; {left}\n")
    assert again.stdout.startswith("erased no content any more and 0 files")
    assert run(house.contents()) == {"r2", "r3"}
    assert (alone.exists(), shared.exists()) == (False, True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("send", "r3"), "not judged yet"),
        (("send", "r4"), "no request r4"),
        (("pivot-id", "r1"), "takes no requests"),
        (("nowhere", "r1"), "no endpoint nowhere"),
    ],
)
def test_what_cannot_be_erased_is_told_and_nothing_goes(
    house: House, words: tuple[str, str], why: str
) -> None:

    done = house.esito("erase", *words, "--yes")

    assert done.exit_code == 2
    assert why in done.stderr
    assert run(house.contents()) == {"r1", "r2", "r3"}


def _days(found: dict[str, str]) -> int:
    since = datetime.fromisoformat(found["since"]).date()
    return (datetime.fromisoformat(found["gone_by"]).date() - since).days


def test_record_before_the_cut_is_gone_and_those_behind_it_stay(esito: Esito, shelf: Shelf) -> None:
    """docs/PRIVACY.md, the way that does not wait: the beginning of a partition is cut off."""
    places = [shelf.callback(NAME.encode()) for _ in range(8)]
    topic, partition, offset = places[0]

    run(_cut(shelf, topic, partition, offset + 1))

    done = esito("person", "find", "--json", typed=f"{NAME}\n")
    left = {json.loads(line)["place"] for line in done.stdout.splitlines()}
    assert left == {record_id(one) for one in places[1:]}


async def _cut(shelf: Shelf, topic: str, partition: int, offset: int) -> None:
    async with connected(shelf.configuration) as cluster:
        await cluster.admin.delete_records(
            {TopicPartition(topic, partition): RecordsToDelete(offset)}
        )
