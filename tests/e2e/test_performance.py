"""Play every provider with every fault once, and ask many things about what it left behind.

All comes out as planned; and what a person or a provider entrusts to a body stays in it. Every
value of every body is looked for, in many spellings, in everything that the run leaves behind: all
but what `tests.e2e.excused` lists with its reason.
"""

from collections import defaultdict
from dataclasses import dataclass

import pytest

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE
from contracts.errors import Broken
from contracts.topics import Role
from ops.local.processes import programs_of
from runtime.configuration_file import load_configuration
from simulator.plan import Fault
from simulator.planning import PLAYERS
from tests.e2e.asked import WORD
from tests.e2e.excused import EXCUSED, PERSONAL, UNNAMED, excused_names
from tests.e2e.found import Found, columns
from tests.e2e.heard import NOBODY
from tests.e2e.performance import Performance
from tests.e2e.places import kept_bodies, places_of
from tests.e2e.private import Private, credentials_of, private_of
from tests.e2e.rows import KEPT_COLUMNS
from tests.e2e.search import CANARY, Hit, Search, is_searchable

BODIES = ("provincia", "regione")
# Nothing makes a run fill these: no key has groups, nobody sends a trace or disables a stream, a
# fingerprint goes when its request is sent, what is removed is removed in the end.
MAY_BE_EMPTY = frozenset(
    {
        "rows, intake.requests.fingerprint",
        "rows, intake.requests.group_name",
        "rows, intake.requests.traceparent",
        "rows, streams.readings.not_before",
        "rows, streams.removed.stream_id",
        "rows, streams.streams.disabled_at",
    }
)
# A version token begins with day and digest of its file: only the whole is its body's alone.
TOKEN = 48
# A problem names the members that are wrong, to who sent them; statistics name our own columns.
NAMING = frozenset({"problems, intake", "problems, streams", "statistics of PostgreSQL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What was looked for, where, and what was found that has no excuse there."""

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
        hits=private.unexcused(search.hits(places)),
    )
    found.add("personal data", _table(performance, result))
    return result


def test_played_with_every_fault_comes_out_as_planned(performance: Performance) -> None:
    differences = [one.comparison and one.comparison.differences for one in performance.played]

    assert differences == [()] * len(PLAYERS)


def test_played_loses_doubles_skips_and_swaps_nothing(performance: Performance) -> None:
    comparisons = [one.comparison for one in performance.played]

    counts = [(one.lost, one.doubled, one.gaps, one.disorder) for one in comparisons if one]
    assert counts == [(0, 0, 0, 0)] * len(PLAYERS)


def test_played_shows_every_fault_there_is(performance: Performance) -> None:
    shown = {story.fault for plan in performance.plans for story in plan.stories}

    assert shown == {None, *Fault}


def test_every_process_on_sigterm_exits_zero(performance: Performance) -> None:
    started = [program.name for program in programs_of(performance.configuration)]

    assert performance.exit_codes == dict.fromkeys(started, 0)


def test_no_value_of_any_body_is_seen_outside_the_bodies(searched: Searched) -> None:
    seen = {
        (*searched.private.names_of(hit.value), hit.spelling, hit.place) for hit in searched.hits
    }

    assert sorted(seen) == [], "\n".join(map(str, sorted(seen)))


def test_no_credential_is_seen_anywhere_not_even_in_the_bodies(
    searched: Searched, performance: Performance
) -> None:
    back = performance.hearing.given_back()
    everywhere = searched.places | searched.kept | back

    assert len(searched.credentials.values) > 100
    assert searched.credentials.hits(everywhere) == set()


def test_values_too_short_to_be_looked_for_are_not_even_named(searched: Searched) -> None:
    everything = b"\n".join(
        content for place, content in searched.places.items() if place not in NAMING
    )

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


def test_search_finds_what_is_planted_in_any_place(searched: Searched) -> None:
    planted = {
        place: content[: len(content) // 2] + CANARY.encode() + content[len(content) // 2 :]
        for place, content in searched.places.items()
    }

    hits = Search([CANARY]).hits(planted)

    assert {hit.place for hit in hits} == set(searched.places)
    assert Search([CANARY]).hits(searched.places) == set()


def test_places_are_all_there_and_hold_something(
    searched: Searched, performance: Performance
) -> None:
    processes = len(programs_of(performance.configuration))

    # Log and metrics of each; answers; headers and keys of six topics, values of four.
    of_kafka = 2 * processes + 1 + 6 + 6 + 4
    columns = [place for place in searched.places if place.startswith("rows, ")]
    # Of the three processes elsewhere; answers of three servers; records and stores.
    assert len(searched.places) == of_kafka + 2 * 3 + (2 + 3 + 3) + 5 + len(columns)
    assert len(columns) > 50
    # A callback has no key, and so its dead letter has none; a snapshot has no headers.
    # A request of SEND has its id as key.
    empty = {place for place, content in searched.places.items() if not content}
    assert empty - MAY_BE_EMPTY == {"keys, rejected", "headers, state"}


def test_nothing_personal_is_excused(searched: Searched) -> None:
    private = searched.private
    excused = {
        (name, value)
        for name in PERSONAL
        for value in private.by_name[name]
        if is_searchable(value) and value in private.allowed
    }

    assert set(PERSONAL) <= set(private.by_name)
    assert set(PERSONAL) & set(excused_names()) == set()
    # Pivot's word for "none", also where it has no time to tell.
    assert excused == {("pivot data.encryptionKey", "undefined")}


def test_every_excuse_is_needed(searched: Searched) -> None:
    """An excuse for what is not seen would hide the day when it is."""
    by_name = searched.private.by_name
    found: dict[str, set[str]] = defaultdict(set)
    for hit in Search(searched.private.allowed).hits(searched.places):
        found[hit.place].add(hit.value)
    seen = frozenset().union(*found.values())
    used = {
        place
        for one in EXCUSED
        for place in one.where or ()
        if any(by_name[name] & found[place] for name in one.names)
    }

    assert [name for name in excused_names() if not by_name[name] & seen] == []
    assert {place for one in EXCUSED for place in one.where or ()} - used == set()


def test_excuse_holds_in_its_own_places_alone(searched: Searched) -> None:
    reference = min(searched.private.by_name["pivot data.clientReferenceId"])

    hits = Search([reference]).hits(
        dict.fromkeys(("values, status", "log of ingress"), reference.encode())
    )

    assert {hit.place for hit in hits} == {"values, status", "log of ingress"}
    assert {hit.place for hit in searched.private.unexcused(hits)} == {"log of ingress"}


def test_word_that_was_said_in_every_place_is_quoted_nowhere(
    searched: Searched, performance: Performance
) -> None:
    back = performance.hearing.given_back()

    assert Search([WORD]).hits(searched.places) == set()
    # It was said, taken and kept; and whoever said it may hear it again.
    kept = {hit.place for hit in Search([WORD]).hits(searched.kept | back)}
    assert {"values, raw and rejected", "rows, intake.requests.content", BODIES[0]} <= kept
    for process in ("intake", "streams"):
        assert b"callback.failed" not in performance.logs[process]


def test_nobody_is_given_what_another_said(searched: Searched, performance: Performance) -> None:
    by_body, allowed = searched.private.by_body, searched.private.allowed
    back = performance.hearing.given_back()

    for who, answers in back.items():
        own = by_body.get(who, frozenset()) | {WORD * 40}  # everybody said it, as often as that
        others = frozenset().union(*(by_body[one] for one in BODIES if one != who))
        # A house number may begin another one, and one document may be uploaded by both.
        theirs = {one for one in others - set(allowed) if not any(one in mine for mine in own)}
        found = Search(theirs).hits({who: answers})
        assert {hit for hit in found if hit.spelling != "piece"} == set()
        assert [one for one in theirs if len(one) > TOKEN and one.encode() in answers] == []
    # Without this, finding nothing would say nothing.
    assert {NOBODY, *BODIES} <= set(back)
    for who in BODIES:
        assert len(Search(by_body[who]).hits({who: back[who]})) > 20


def test_every_answer_that_gives_something_back_was_asked_for(performance: Performance) -> None:
    assert performance.hearing.unasked() == []


def test_columns_that_keep_are_there_and_the_server_had_something_to_complain_of(
    performance: Performance,
) -> None:
    kept = performance.kept

    assert set(KEPT_COLUMNS) <= set(kept.rows)
    assert kept.log.count(b"ERROR:") == 4
    assert b"intake.requests.principal: " in kept.statistics
    assert b"intake.requests.content: " not in kept.statistics


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
        ("excused everywhere", sum(where is None for where in private.allowed.values())),
        ("excused in some places", sum(where is not None for where in private.allowed.values())),
        ("too short to look for", sum(not is_searchable(one) for one in private.values)),
        ("values looked for", len(searched.search.values)),
        ("in spellings", searched.search.spellings),
        ("credentials looked for", len(searched.credentials.values)),
        ("places", len(searched.places)),
        ("bytes", sum(map(len, searched.places.values()))),
        ("rejection codes among the dead letters", len(codes & set(RejectionCode))),
        ("found", len(searched.hits)),
    ]
    names = [f"{len(one.names):3} names excused: {one.reason}" for one in EXCUSED]
    return [*columns(*rows), "", *names]
