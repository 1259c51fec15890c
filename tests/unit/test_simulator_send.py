"""What the simulator plans for SEND, compared with what the code computes; and how it compares."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.serialization import Encoding

from contracts.send.problems import Invalid
from contracts.send.request_rules import check_request
from contracts.send.timeline import status_after
from ops.local.installation import Addresses, write_installation
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.notification_rules import send_rules
from simulator.pki_files import make_pki
from simulator.plan import Plan
from simulator.planning import PLAYERS, make_plan
from simulator.scene import scene_of
from simulator.send.acts import Ask, SendStep, SendStory, Stored, step, story
from simulator.send.pdf import pdf, signed_pdf, tampered_pdf
from simulator.send.stories import ANALOG, DIGITAL, REFINED, RETURNED, TWO, UNREACHABLE, Life
from simulator.send.streams import Read, follow
from workers.verifier.pades import read_signatures

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module", name="configuration")
def _configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    file = write_installation(tmp_path_factory.mktemp("installation"), Addresses())
    return load_configuration(file, environ={})


def a_plan(configuration: Configuration, *, seed: int = 1) -> Plan:
    return make_plan(
        "send",
        transactions=120,
        faults=PLAYERS["send"].faults,
        seed=seed,
        scene=scene_of(configuration, "send"),
    )


def asks(plan: Plan) -> Iterator[Ask]:
    for one in plan.stories:
        for part in one.steps:
            assert isinstance(part, SendStep)
            yield from (act for act in part.acts if isinstance(act, Ask))


def filled(value: Any) -> Any:  # noqa: ANN401 - JSON holds any value
    """Return members with the place of every file filled in, as the intake would have given it."""
    match value:
        case Stored():
            return {"key": "PN_NOTIFICATION_ATTACHMENTS-x.pdf", "versionToken": "v"}
        case dict() if "contentType" in value and value["contentType"] == "application/json":
            return {**value, "ref": {"key": "PN_F24_META-x.json", "versionToken": "v"}}
        case dict():
            return {name: filled(member) for name, member in value.items()}
        case list():
            return [filled(item) for item in value]
        case _:
            return value


@pytest.mark.parametrize("seed", range(3))
def test_request_that_is_to_be_taken_is_valid_and_the_others_have_the_planned_problems(
    configuration: Configuration, seed: int
) -> None:
    (endpoint,) = configuration.endpoints_of("send").values()
    assert endpoint.notifications is not None
    rules = send_rules(endpoint.notifications)
    planned, found = [], []

    for one in asks(a_plan(configuration, seed=seed)):
        codes: frozenset[str] = frozenset()
        try:
            check_request(filled(one.members), rules, rules.bodies[one.body])
        except Invalid as error:
            codes = frozenset(problem.code.value for problem in error.errors)
        planned.append(one.codes if one.answer == 400 else frozenset())
        found.append(codes)

    assert found == planned


@pytest.mark.parametrize("life", [DIGITAL, REFINED, ANALOG, UNREACHABLE, RETURNED, TWO])
def test_life_written_by_hand_is_what_the_table_leads_to(life: Life) -> None:
    status: str | None = "ACCEPTED"
    computed = []

    for category, _, _ in life:
        status = status_after(status, category, many=life is TWO)
        computed.append(status)

    assert computed == [one for _, _, one in life]


def test_plan_tells_of_every_fault_and_mostly_of_none(configuration: Configuration) -> None:
    told = [one.fault for one in a_plan(configuration).stories]

    assert set(told) == {None, *PLAYERS["send"].faults}
    assert told.count(None) > len(told) / 3


def test_plan_of_the_same_seed_tells_the_same(configuration: Configuration) -> None:
    one, other = (a_plan(configuration, seed=5).expected() for _ in range(2))

    assert one == other


def test_plan_says_which_texts_are_private(configuration: Configuration) -> None:
    for one in a_plan(configuration).stories:
        assert one.private
        assert all(len(text) >= 11 for text in one.private)


def test_story_is_known_by_its_protocol_number() -> None:
    told = story("one", step(statuses=(("one", "ACCEPTED"),)))

    assert isinstance(told, SendStory)
    assert told.transactions == {"one"}


def test_pdf_is_signed_and_a_changed_one_is_known_as_such() -> None:
    pki = make_pki(now=NOW)
    root = Certificate.load(pki.root.certificate.public_bytes(Encoding.DER))
    signed = signed_pdf(pdf("A notice", pages=3), pki.identities["public-body"])

    outcomes = [
        read_signatures(BytesIO(content), [root], NOW)
        for content in (signed, tampered_pdf(signed, "A notice"))
    ]

    assert outcomes == [("valid",), ("tampered",)]


def element(number: int, status: str | None, *, request_id: str = "r") -> dict[str, Any]:
    given = {"eventId": f"{number:038}", "notificationRequestId": request_id}
    return given if status is None else {**given, "newStatus": status}


def test_stream_that_has_everything_once_is_as_planned() -> None:
    read = Read(1, 1, 0, [element(1, "ACCEPTED"), element(2, None), element(3, "VIEWED")])

    found = follow({"comune": read}, {"one": ("ACCEPTED", "ACCEPTED", "VIEWED")}, {"r": "one"})

    assert (found.lost, found.doubled, found.gaps, found.differences) == (0, 0, 0, [])


@pytest.mark.parametrize(
    ("elements", "lost", "doubled", "gaps"),
    [
        ([element(1, "ACCEPTED")], 1, 0, 0),
        ([element(1, "ACCEPTED"), element(3, "VIEWED")], 0, 0, 1),
        ([element(1, "ACCEPTED"), element(2, "VIEWED"), element(3, None)], 0, 1, 0),
        ([element(1, "VIEWED"), element(2, "ACCEPTED")], 0, 0, 0),
        ([element(1, "ACCEPTED"), element(2, "VIEWED", request_id="other")], 1, 0, 0),
    ],
)
def test_stream_that_differs_is_told(
    elements: list[dict[str, Any]], lost: int, doubled: int, gaps: int
) -> None:
    read = Read(1, 1, 0, elements)

    found = follow({"comune": read}, {"one": ("ACCEPTED", "VIEWED")}, {"r": "one"})

    assert (found.lost, found.doubled, found.gaps) == (lost, doubled, gaps)
    assert found.differences or found.gaps
