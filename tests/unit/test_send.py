"""The provider SEND: what a record comes to, and what `keep` makes of it where it comes."""

import json
from typing import Any

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Broken, Rejected, Unavailable
from contracts.providers.send import PROVIDER, needs, translate
from contracts.raw import Source
from contracts.send.rules import SendRules
from contracts.update import Expectation, Statement
from tests.send.cases import told
from tests.send.requests import (
    IUN,
    ORGANISATION,
    OTHER_IUN,
    PERSON,
    REQUEST_ID,
    RULES,
    element,
    fields,
    found,
    recipient,
    request,
)


def verdict(members: Any, **changes: Any) -> tuple[Expectation, Statement]:  # noqa: ANN401 - any JSON
    evidence = found(needs(fields(members)))
    (expectation,) = translate(fields(members, evidence, **changes))
    assert isinstance(expectation, Expectation)
    assert expectation.then is not None
    return expectation, expectation.then


def test_accepted_request_is_announced_with_its_iun() -> None:
    expectation, statement = verdict(request(group="g"))

    assert expectation == Expectation(
        transaction_id=REQUEST_ID,
        terms={"recipients": "1"},
        assigned={"sender": "comune", "group": "g", "iun": IUN},
        then=statement,
    )
    assert (statement.native_status, statement.fact) == ("ACCEPTED", "REQUEST_ACCEPTED")
    assert (statement.reason, statement.reasons) == (None, ())
    assert IUN not in statement.model_dump_json()


def test_same_record_comes_to_the_same_iun_and_another_place_to_another() -> None:
    first, again = verdict(request())[0], verdict(request())[0]
    elsewhere = verdict(request(), place=(2, 41))[0]

    assert first == again
    assert elsewhere.assigned["iun"] == OTHER_IUN != first.assigned["iun"]


def test_request_that_is_stored_twice_says_the_same_twice() -> None:
    """The relay may store it again at another place: only what we assigned may differ."""
    first, second = verdict(request()), verdict(request(), place=(2, 41))

    assert first[0].terms == second[0].terms
    assert first[1] == second[1]


def test_refused_request_is_announced_without_an_iun() -> None:
    members = request()
    evidence = {**found(needs(fields(members))), "address:0": found_not_valid()}

    (expectation,) = translate(fields(members, evidence))

    assert isinstance(expectation, Expectation)
    assert expectation.assigned == {"sender": "comune"}
    assert expectation.then is not None
    assert (expectation.then.native_status, len(expectation.then.reasons)) == ("REFUSED", 1)


def found_not_valid() -> Any:  # noqa: ANN401 - facts of any kind
    return type(found(needs(fields(request())))["address:0"])("not_valid")


def test_several_recipients_are_many() -> None:
    members = request(recipients=[recipient(), recipient(taxId=ORGANISATION, recipientType="PG")])

    assert verdict(members)[0].terms == {"recipients": "many"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"principal": "api_key:stranger.2026-11"}, RejectionCode.PRINCIPAL_MISSING),
        ({"principal": "hmac:comune.2026-11"}, RejectionCode.PRINCIPAL_MISSING),
        ({"principal": ""}, RejectionCode.PRINCIPAL_MISSING),
        ({"transaction_id": ""}, RejectionCode.RECORD_MALFORMED),
        ({"transaction_id": "x" * 35}, RejectionCode.RECORD_MALFORMED),
    ],
)
def test_record_that_the_intake_does_not_write_is_a_dead_letter(
    changes: dict[str, str], code: RejectionCode
) -> None:
    members = request()
    evidence = found(needs(fields(members)))

    with pytest.raises(Rejected) as rejected:
        translate(fields(members, evidence, **changes))

    assert rejected.value.code is code


def test_request_that_is_none_is_a_dead_letter_without_its_values() -> None:
    with pytest.raises(Rejected) as rejected:
        needs(fields(request(recipients=[recipient(taxId=f"{PERSON}X")])))

    assert rejected.value.code is RejectionCode.PAYLOAD_INVALID
    assert PERSON not in rejected.value.detail


def test_accepted_request_waits_while_no_key_makes_its_iun() -> None:
    """A fault of ours would make it poisonous, and a dead letter of a request that was taken."""
    keyless = SendRules(bodies=RULES.bodies, pdf_bytes_max=1_000)
    evidence = found(needs(fields(request())))

    with pytest.raises(Unavailable, match="iun_keys"):
        translate(fields(request(), evidence, rules=keyless))
    with pytest.raises(Unavailable, match="numbers no such place"):
        translate(fields(request(), evidence, place=(1_024, 0)))


def test_endpoint_without_its_section_is_our_fault() -> None:
    with pytest.raises(Broken, match="notifications"):
        needs(fields(request(), rules=None))


@pytest.mark.parametrize("source", [Source.CALLBACK, Source.POLL])
def test_elements_need_nothing_looked_up(source: Source) -> None:
    assert needs(fields(element("REFINEMENT"), source=source)) == {}
    assert needs(fields({"cancel": IUN}, method="PUT")) == {}


def test_unknown_category_stands_for_itself_and_is_in_no_lifecycle() -> None:
    statement = told("SENT_BY_PIGEON")

    assert statement.native_status == "SENT_BY_PIGEON"
    assert not PROVIDER.lifecycle.knows(statement.native_status)


def test_elements_are_ordered_by_what_happened_then_by_the_flow() -> None:
    early = told("NOTIFICATION_VIEWED")
    late = told("SEND_DIGITAL_DOMICILE")
    elsewhere = element("REFINEMENT")
    elsewhere["element"]["timestamp"] = "2026-11-05T11:30:00+02:00"
    (earliest,) = translate(fields(elsewhere, source=Source.CALLBACK))

    assert isinstance(earliest, Statement)
    assert earliest.sort_key < late.sort_key < early.sort_key


def test_recipients_address_never_leaves_the_raw_record() -> None:
    members = element("SEND_DIGITAL_DOMICILE")
    members["element"]["details"] = {
        "recIndex": 1,
        "digitalAddress": {"type": "PEC", "address": "verdi@pec.example"},
        "physicalAddress": {"address": "VIA ROMA 1"},
    }

    (statement,) = translate(fields(members, source=Source.CALLBACK))

    assert "verdi" not in statement.model_dump_json()
    assert "VIA ROMA" not in json.dumps(statement.model_dump(mode="json"))
