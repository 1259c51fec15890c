"""What a person or a provider entrusts to a body stays in it: nothing of it is seen elsewhere.

Every value of every body is looked for, in many spellings, in everything that a whole run leaves
behind: all but what `tests.e2e.excused` lists with its reason.
"""

from dataclasses import dataclass

import pytest

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE
from contracts.errors import Broken
from contracts.topics import Role
from runtime.configuration_file import load_configuration
from simulator.planning import PLAYERS
from tests.e2e.excused import EXCUSED, PERSONAL, UNNAMED, excused_names
from tests.e2e.found import Found, columns
from tests.e2e.performance import Performance
from tests.e2e.private import Private, credentials_of, kept_bodies, places_of, private_of
from tests.e2e.search import Hit, Search, is_searchable, spellings_of

# Somebody who is in no body, with what each spelling changes: capitals, accents, blanks, a dot.
CANARY = "Ornitho Rýnchus&Co. 4711"


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What was looked for, where, and what was found."""

    private: Private
    search: Search
    credentials: Search
    places: dict[str, bytes]
    kept: dict[str, bytes]
    hits: set[Hit]


@pytest.fixture(scope="module")
def searched(performance: Performance, found: Found) -> Searched:
    private = private_of(performance)
    search, places = Search(private.values), places_of(performance)
    result = Searched(
        private=private,
        search=search,
        credentials=Search(credentials_of(performance)),
        places=places,
        kept=kept_bodies(performance),
        hits=search.hits(places),
    )
    found.add("personal data", _table(performance, result))
    return result


def test_no_value_of_any_body_is_seen_outside_the_bodies(searched: Searched) -> None:
    seen = {
        (*searched.private.names_of(hit.value), hit.spelling, hit.place) for hit in searched.hits
    }

    assert sorted(seen) == []


def test_no_credential_is_seen_anywhere_not_even_in_the_bodies(searched: Searched) -> None:
    everywhere = searched.places | searched.kept

    assert len(searched.credentials.values) > 100
    assert searched.credentials.hits(everywhere) == set()


def test_values_too_short_to_be_looked_for_are_not_even_named(searched: Searched) -> None:
    everything = b"\n".join(searched.places.values())

    assert [name for name in UNNAMED if name.encode() in everything] == []


def test_search_finds_the_values_where_they_are_kept(searched: Searched) -> None:
    """Without this, finding nothing would say nothing."""
    found = {hit.value for hit in searched.search.hits(searched.kept)}

    for name in PERSONAL:
        values = searched.private.by_name[name] & searched.search.values
        # A claim lies in a disclosure in a token, in base64 in base64: nothing is found in there.
        if values and not name.startswith("wallet disclosure."):
            # What was refused at the door is kept nowhere.
            assert len(values & found) > 0.6 * len(values), name


@pytest.mark.parametrize(
    ("spelling", "text"),
    [pytest.param(name, text, id=name) for name, text in spellings_of(CANARY)],
)
def test_search_finds_a_value_in_every_spelling(spelling: str, text: bytes) -> None:
    line = b'{"event": "record.rejected", "reason": "' + text + b'", "level": "warning"}'

    hits = Search([CANARY]).hits({"a log": line})

    assert Hit(CANARY, spelling, "a log") in hits


def test_search_finds_a_part_of_a_long_value() -> None:
    token = ".".join(f"{part}{'abcdefghij' * 9}" for part in ("eyJ0", "eyJ1", "sig"))

    hits = Search([token]).hits({"a log": token[60:120].encode()})

    assert {hit.spelling for hit in hits} == {"piece"}


def test_search_finds_what_is_planted_in_any_place(searched: Searched) -> None:
    planted = {
        place: content[: len(content) // 2] + CANARY.encode() + content[len(content) // 2 :]
        for place, content in searched.places.items()
    }

    hits = Search([CANARY]).hits(planted)

    assert {hit.place for hit in hits} == set(searched.places)
    assert Search([CANARY]).hits(searched.places) == set()


def test_places_are_all_there_and_hold_something(searched: Searched) -> None:
    processes = 3 + 2 * len(PLAYERS)

    # Log and metrics of each; answers; headers and keys of six topics, values of four.
    assert len(searched.places) == 2 * processes + 1 + 6 + 6 + 4
    # A callback has no key, and so its dead letter has none; a snapshot has no headers.
    # A request of SEND has its id as key.
    empty = {place for place, content in searched.places.items() if not content}
    assert empty == {"keys, rejected", "headers, state"}


def test_nothing_personal_is_excused(searched: Searched) -> None:
    private = searched.private
    excused = {
        (name, value)
        for name in PERSONAL
        for value in private.by_name[name]
        if is_searchable(value) and value in private.excused
    }

    assert set(PERSONAL) <= set(private.by_name)
    assert set(PERSONAL) & set(excused_names()) == set()
    # Pivot's word for "none", also where it has no time to tell.
    assert excused == {("pivot data.encryptionKey", "undefined")}


def test_every_excuse_is_needed(searched: Searched) -> None:
    """An excuse for what is not seen would hide the day when it is."""
    by_name = searched.private.by_name
    seen = {hit.value for hit in Search(searched.private.excused).hits(searched.places)}

    assert [name for name in excused_names() if not by_name[name] & seen] == []


def test_log_cannot_be_made_louder_than_in_this_run(performance: Performance) -> None:
    """DEBUG of the libraries prints bodies; there is no way to ask for it."""
    file = performance.directory / "esito.yaml"

    with pytest.raises(Broken, match="LOG_LEVEL"):
        load_configuration(file, environ={"ESITO_LOG_LEVEL": "debug"})


def _table(performance: Performance, searched: Searched) -> list[str]:
    private = searched.private
    codes = {
        line.partition(b": ")[2].decode()
        for record in performance.records
        if record.role is Role.REJECTED
        for line in record.headers.split(b"\n")
        if line.startswith(CODE.encode() + b": ")
    }
    every = frozenset().union(*private.by_name.values())
    rows: list[tuple[object, ...]] = [
        ("", "count"),
        ("values in all bodies", len(every)),
        ("excused, with a reason each", len(private.excused)),
        ("too short to look for", sum(not is_searchable(one) for one in private.values)),
        ("values looked for", len(searched.search.values)),
        ("in spellings", searched.search.spellings),
        ("credentials looked for", len(searched.credentials.values)),
        ("places", len(searched.places)),
        ("bytes", sum(map(len, searched.places.values()))),
        ("rejection codes among the dead letters", len(codes & set(RejectionCode))),
        ("found", len(searched.hits)),
    ]
    names = [f"{len(names):3} names excused: {reason}" for reason, names in EXCUSED.items()]
    return [*columns(*rows), "", *names]
