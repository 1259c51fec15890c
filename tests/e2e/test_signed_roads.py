"""A signed pain.014 on every road: to its status event, and under another bank's name to nowhere.

The forged messages are signed well, by a bank that is trusted and registered: only that who signed
is not who speaks tells them from the true one.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from aiokafka import ConsumerRecord

from contracts.dead_letter import CODE, DETAIL
from contracts.raw import ENDPOINT
from contracts.status import StatusEvent
from contracts.topics import Topics
from tests.e2e.esito import records_of, running_esito
from tests.e2e.found import Found, columns
from tests.e2e.roads import ROADS, Journey, Road, configure, travel
from tests.kafka import Kafka

each_road = pytest.mark.parametrize("road", ROADS, ids=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelled:
    """All journeys, and what the topics hold after them."""

    journeys: dict[Road, Journey]
    events: dict[str, list[StatusEvent]]
    letters: list[ConsumerRecord[bytes, bytes]]
    verified: int

    def letters_of(self, journey: Journey) -> list[ConsumerRecord[bytes, bytes]]:
        """Return the dead letters with a body of this journey, whichever."""
        bodies = {one.body for one in (*journey.forged, journey.true)}
        return [
            letter
            for letter in self.letters
            if letter.value in bodies
            and dict(letter.headers)[ENDPOINT].decode() == journey.road.endpoint
        ]


@pytest.fixture(scope="module")
def travelled(kafka: Kafka, found: Found, tmp_path_factory: pytest.TempPathFactory) -> Travelled:
    async def run() -> Travelled:
        directory = tmp_path_factory.mktemp("roads")
        async with running_esito(kafka, directory, edit=configure) as esito:
            journeys = await travel(esito)
            tally = esito.reader.tallies["srtp"]
            topics = Topics.of("srtp", prefix=esito.configuration.topic_prefix)
            return Travelled(
                journeys={one.road: one for one in journeys},
                events=dict(tally.events),
                letters=await records_of(esito.configuration, [topics.rejected]),
                verified=tally.verified,
            )

    result = asyncio.run(run())
    found.add("signed roads", _table(result))
    return result


@each_road
def test_signed_message_becomes_one_status_event_that_names_its_proof(
    travelled: Travelled, road: Road
) -> None:
    journey = travelled.journeys[road]

    events = travelled.events[journey.transaction]
    proof = events[0].evidence.proof
    assert [(event.native_status, event.endpoint) for event in events] == [("ACCP", road.endpoint)]
    assert ((proof.scheme, *proof.beside), proof.signer) == (road.schemes, "bank-a")
    assert events[0].evidence.raw.sha256 == journey.true.sha256


@each_road
def test_same_message_by_another_bank_becomes_a_dead_letter(
    travelled: Travelled, road: Road
) -> None:
    journey = travelled.journeys[road]

    letters = travelled.letters_of(journey)
    codes = Counter(dict(letter.headers)[CODE] for letter in letters)
    assert codes == {b"signer_mismatch": len(journey.forged)}
    assert Counter(letter.value for letter in letters) == Counter(
        callback.body for callback in journey.forged
    )


def test_every_message_is_taken_and_only_the_true_ones_are_verified(travelled: Travelled) -> None:
    answers = {answer for journey in travelled.journeys.values() for answer in journey.answers}

    assert answers == {200}
    assert set(travelled.events) == {one.transaction for one in travelled.journeys.values()}
    # The statement and the witness of its id.
    assert travelled.verified == 2 * len(ROADS)


def _table(travelled: Travelled) -> list[str]:
    rows = []
    for road, journey in travelled.journeys.items():
        event = travelled.events[journey.transaction][0]
        proof = event.evidence.proof
        letters = [dict(letter.headers) for letter in travelled.letters_of(journey)]
        rows.append(
            (
                road.endpoint,
                road.carrier.value,
                " + ".join((proof.scheme, *proof.beside)),
                proof.algorithm,
                f"{event.native_status} {event.status}",
                len(letters),
                " ".join(sorted({letter[CODE].decode() for letter in letters})),
                "; ".join(sorted({letter[DETAIL].decode() for letter in letters})),
            )
        )
    headings = ("endpoint", "carrier", "proof", "algorithm", "status", "dead", "code", "detail")
    return list(columns(headings, *rows))
