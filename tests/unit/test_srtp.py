"""What SRTP callbacks say: statuses, whose transaction, who refused, and what is never told."""

import hashlib
from copy import deepcopy
from dataclasses import replace
from itertools import permutations

import pytest

from contracts.errors import Broken, Rejected
from contracts.iso20022.profile import FINDINGS_MAX
from contracts.lifecycle import Move
from contracts.provider import SignedFields
from contracts.providers.srtp import LIFECYCLE, PROVIDER, REPORTED, STATUSES, speaker, translate
from contracts.update import Amount, Finding, FindingCode, Reason, Statement, Witness
from tests.srtp_messages import (
    BANK,
    CREATED,
    DASHED,
    DATA_SETS,
    DECIDED,
    MESSAGE_ID,
    NOTICE,
    PERSONAL,
    RTP,
    SHAPES,
    Tree,
    as_json,
    as_xml,
    bare,
    report,
    resolution,
    transaction,
    under_document,
)

LEI = "815600D7B2B3A4E5F607"
SAID = {
    "DS04b": ("RJCT", "AC02", "provider"),
    "DS05": ("ACTC", None, None),
    "REDIRECT": ("REDIRECT", None, None),
    "DS08N": ("RJCT", "NOAR", "payer"),
    "DS08P": ("ACCP", None, None),
    "DS16RTP": ("ALAC", "ALAC", None),
    "DS12P": ("CNCL", None, None),
    "DS12N": ("RJCR", "ARJR", None),
}


def said(message: Tree) -> Statement:
    """Return the one statement of a message in its envelope."""
    return one_of(as_json(under_document(message)))


def one_of(fields: SignedFields) -> Statement:
    first, *rest = translate(fields)
    assert isinstance(first, Statement)
    assert [type(one) for one in rest] == [Witness]
    return first


def witness_of(fields: SignedFields) -> Witness:
    last = translate(fields)[-1]
    assert isinstance(last, Witness)
    return last


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_data_set_says_the_same_in_every_envelope_and_in_xml(data_set: str) -> None:
    message = DATA_SETS[data_set]
    statements = [one_of(as_json(shape(message))) for shape in SHAPES] + [one_of(as_xml(message))]

    native, reason, refused_by = SAID[data_set]
    assert statements == [statements[0]] * len(statements)
    assert statements[0].native_status == statements[0].fact == native
    assert statements[0].reason == (Reason(code=reason) if reason else None)
    assert statements[0].references.get("refused_by") == refused_by
    assert statements[0].transaction_id == RTP
    assert statements[0].amount == Amount(value="130.25", currency="EUR")


def test_statement_carries_ids_of_business_and_the_time_of_the_decision() -> None:
    statement = said(DATA_SETS["DS08P"])

    assert statement.occurred_at == DECIDED
    assert statement.references == {
        "message_id": MESSAGE_ID,
        "sender": BANK,
        "original_message": "pain.013.001.10",
        "instruction_id": RTP,
        "end_to_end_id": NOTICE,
        "status_id": "9b9e6b24ba434545",
    }
    assert said(DATA_SETS["DS05"]).occurred_at == CREATED
    accepted = report("ACCP")
    accepted["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["AccptncDtTm"] = DECIDED
    assert said(accepted).occurred_at == DECIDED


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_names_accounts_and_texts_are_not_taken_over(data_set: str) -> None:
    message = DATA_SETS[data_set]
    told = repr(translate(as_json(under_document(message)))) + repr(translate(as_xml(message)))

    assert [word for word in PERSONAL if word in told] == []


@pytest.mark.parametrize("original", [RTP, DASHED, DASHED.lower(), RTP.upper()])
def test_request_to_pay_is_one_with_and_without_dashes(original: str) -> None:
    message = report("ACTC")
    message["OrgnlGrpInfAndSts"]["OrgnlMsgId"] = original

    assert said(message).transaction_id == RTP


def test_id_that_is_no_uuid_is_kept_as_given() -> None:
    message = report("ACTC")
    message["OrgnlGrpInfAndSts"]["OrgnlMsgId"] = "TestRtpMessage-1A"

    assert said(message).transaction_id == "TestRtpMessage-1A"


@pytest.mark.parametrize(
    ("reason", "decided", "refused_by"),
    [
        ("AC02", False, "provider"),
        ("NOAR", False, "payer"),
        ("AM05", False, None),
        ("AM05", True, "payer"),
        (None, True, "payer"),
        (None, False, None),
        ("ZZZZ", False, None),
    ],
)
def test_refusal_tells_who_refused_where_the_message_does(
    reason: str | None,
    decided: bool,  # noqa: FBT001 - a parameter of the table above
    refused_by: str | None,
) -> None:
    statement = said(report("RJCT", reason, decided=decided))

    assert statement.native_status == "RJCT"
    assert statement.references.get("refused_by") == refused_by


@pytest.mark.parametrize("code", sorted(REPORTED))
def test_reason_alone_is_the_status_of_a_status_report(code: str) -> None:
    assert said(report(None, code, listed=True)).native_status == code


def test_unknown_words_stay_the_providers_own() -> None:
    assert said(report("PATC")).native_status == "PATC"
    assert said(report(None, "XYZ9")).native_status == "XYZ9"
    assert said(resolution("PDCR", "PDCR", None, listed=True)).native_status == "PDCR"
    assert not LIFECYCLE.knows("PATC") | LIFECYCLE.knows("XYZ9") | LIFECYCLE.knows("PDCR")


@pytest.mark.parametrize("word", sorted(set(STATUSES) - REPORTED))
def test_status_in_the_place_of_a_reason_moves_nothing(word: str) -> None:
    """Money must not be said to have moved by a code that means something else there."""
    with pytest.raises(Rejected, match="payload_contradictory: a status stands as a reason"):
        said(report(None, word))


def test_empty_status_is_a_redirect_only_beside_a_text() -> None:
    assert said(report("", notes="https://payer.example.org/")).native_status == "REDIRECT"
    assert said(report("", "ALAC", notes="text")).native_status == "ALAC"
    with pytest.raises(Rejected, match="payload_invalid: TxSts, StsRsnInf"):
        said(report(""))
    with pytest.raises(Rejected, match="payload_invalid: TxSts, StsRsnInf"):
        said(report(None, notes="text"))


def test_same_transaction_twice_is_one_and_contradicting_itself_nothing() -> None:
    message = report("ACTC", listed=True)
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"] = [transaction("ACTC"), transaction("ACTC")]
    assert said(message).native_status == "ACTC"

    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"][1]["TxSts"] = "ACCP"
    with pytest.raises(Rejected, match="payload_contradictory: one transaction is told two things"):
        said(message)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (transaction("RJCT", "AC02"), transaction("RJCT", "FRAD")),
        (transaction("RJCT", "AC02"), transaction("RJCT")),
        (transaction("ACCP"), transaction("ACCP") | {"OrgnlTxRef": {"Amt": {"InstdAmt": 130.26}}}),
    ],
    ids=["reason", "no reason", "amount"],
)
def test_first_of_two_contents_of_one_status_does_not_win(one: Tree, other: Tree) -> None:
    message = report("ACTC", listed=True)
    for parts in ([one, other], [other, one]):
        message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"] = parts
        with pytest.raises(Rejected, match="payload_contradictory: one transaction is told two"):
            said(message)


@pytest.mark.parametrize("codes", [("AEXR", "ARFR"), ("ARFR", "AEXR"), ("ALAC", "XYZ9")])
def test_two_reasons_where_one_is_the_status_are_no_status(codes: tuple[str, str]) -> None:
    message = report(None, listed=True)
    place = message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"][0]
    place["StsRsnInf"] = [{"Rsn": {"Cd": code}} for code in codes]
    for fields in (as_json(bare(message)), as_xml(message)):
        with pytest.raises(Rejected, match="payload_contradictory: two reasons where one is"):
            translate(fields)

    place["StsRsnInf"] = [{"Rsn": {"Cd": codes[0]}}] * 2
    assert said(message).native_status == codes[0]


def test_witness_is_of_the_sender_and_the_messages_id_marked_by_the_body() -> None:
    fields = as_json(bare(DATA_SETS["DS05"]))
    digest = hashlib.sha256(f"{BANK}\n{MESSAGE_ID}".encode()).hexdigest()

    assert witness_of(fields) == Witness(
        transaction_id=f"witness:message:{digest}", mark=fields.signed.sha256
    )


def test_head_office_is_the_same_sender_with_and_without_its_branch_code() -> None:
    short, long = deepcopy(DATA_SETS["DS05"]), deepcopy(DATA_SETS["DS05"])
    long["GrpHdr"]["InitgPty"]["Id"]["OrgId"]["AnyBIC"] = f"{BANK}XXX"

    ids = {witness_of(as_json(bare(one))).transaction_id for one in (short, long)}

    assert len(ids) == 1


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_speaker_is_the_party_that_the_message_names(data_set: str) -> None:
    assert speaker(as_json(under_document(DATA_SETS[data_set]))) == BANK
    assert speaker(as_xml(DATA_SETS[data_set])) == BANK


def test_speaker_may_be_known_by_its_lei_and_must_be_known() -> None:
    message = report("ACTC")
    party = message["GrpHdr"]["InitgPty"]
    party["Id"] = {"OrgId": {"AnyBIC": None, "LEI": LEI}}
    assert speaker(as_json(bare(message))) == LEI

    for identity in ({"OrgId": {"AnyBIC": "mocksp04"}}, {"OrgId": {"AnyBIC": f"{BANK}\nX"}}, {}):
        party["Id"] = identity
        with pytest.raises(Rejected, match=r"payload_invalid: .*AnyBIC: neither"):
            speaker(as_json(bare(message)))
        with pytest.raises(Rejected, match=r"payload_invalid: .*AnyBIC: neither"):
            translate(as_json(bare(message)))


def test_findings_of_the_schema_come_first_and_none_twice() -> None:
    fields = as_xml(report("", notes="text", listed=True))
    where = "CdtrPmtActvtnReqStsRpt.OrgnlPmtInfAndSts.TxInfAndSts.TxSts"
    schema = Finding(code=FindingCode.SCHEMA_INVALID, where="OrgnlTxRef")
    own = Finding(code=FindingCode.TEXT_MALFORMED, where=where)
    both = SignedFields(fields.members, fields.signed, fields.document, (schema, own))

    assert one_of(both).findings == (schema, own)
    many = tuple(
        Finding(code=FindingCode.SCHEMA_INVALID, where=f"{number}")
        for number in range(FINDINGS_MAX)
    )
    full = SignedFields(fields.members, fields.signed, fields.document, many)
    assert one_of(full).findings == many


def test_order_of_two_statuses_does_not_matter_unless_they_exclude_each_other() -> None:
    """Told in either order the end is the same; where it is not, both orders tell a person."""

    def end(*order: str) -> tuple[str, Move]:
        standing, move = order[0], Move.SAME
        for native in order[1:]:
            move = LIFECYCLE.move(standing, native)
            standing = native if move in {Move.APPLY, Move.LATE} else standing
        return LIFECYCLE.statuses[standing], move

    for one, other in permutations(STATUSES, 2):
        (there, move), (back, reverse) = end(one, other), end(other, one)
        assert there == back or {move, reverse} == {Move.CONFLICT}, (one, other)


def test_door_asks_for_no_credential_of_its_own_and_keeps_what_a_signature_covers() -> None:
    door = PROVIDER.door

    assert (door.credentials, door.offered) == ((), ("api_key", "client_certificate"))
    assert (door.answers.accepted, door.answers.unauthenticated) == (200, 403)
    assert door.answers.error_model == "epc"
    assert door.forbidden_headers == ("version",)
    assert {"x-srtp-signature", "x-request-id", "idempotency-key", "location"} <= set(
        door.kept_headers
    )


def test_provider_with_signatures_and_no_speaker_is_refused() -> None:
    with pytest.raises(Broken, match="signatures need speaker"):
        replace(PROVIDER, speaker=None)
