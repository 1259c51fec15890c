"""The wallet's callbacks: what is taken, what they come to, and that no claim is told."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import VerifiedToken
from contracts.providers.wallet import PROVIDER, translate
from contracts.update import Witness
from contracts.wallet_payload import TEMPLATES_MAX, state_of, tokens_of
from tests.wallet_callbacks import (
    CODE,
    ISSUER,
    ONE,
    OTHER,
    PRESENTATION,
    STATE,
    digest_of,
    fields,
    issuance,
    statement,
    terms,
    token,
    unwrapped,
    verification,
)


def code_of(refused: pytest.ExceptionInfo[Rejected]) -> RejectionCode:
    return refused.value.code


def witnesses(members: dict[str, Any], tokens: dict[str, VerifiedToken]) -> list[Witness]:
    (found,) = translate(fields(members, tokens))
    return [one for one in unwrapped(found) if isinstance(one, Witness)]


@pytest.mark.parametrize("state", [None, "", "none", "None", " NONE ", "null", "  ", 5, "x" * 513])
def test_state_that_was_not_specified_is_rejected(state: object) -> None:
    with pytest.raises(Rejected) as refused:
        state_of(verification(state=state))

    assert code_of(refused) is RejectionCode.PAYLOAD_INVALID


def test_absent_state_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"payload_invalid.*state: missing"):
        state_of({"code": CODE})


@pytest.mark.parametrize("members", [verification(t1="COMPLETED"), issuance(), {"state": STATE}])
def test_state_of_a_callback_or_a_registration_is_what_we_gave(members: dict[str, Any]) -> None:
    assert state_of(members) == STATE


def test_tokens_of_completed_templates_alone_are_to_be_verified() -> None:
    members = verification(t1="COMPLETED", t2="FAILED", t3="completed", t4="Whatever else")

    assert tokens_of(members) == {"1": "token-t1"}


def test_issuance_has_no_token_to_verify() -> None:
    assert tokens_of(issuance() | {"tokens": None}) == {}


@pytest.mark.parametrize("missing", [{}, {"token": None}, {"token": ""}, {"token": 5}])
def test_completed_entry_without_a_token_is_rejected(missing: dict[str, Any]) -> None:
    members = verification() | {"tokens": {"1": {"status": "COMPLETED", **missing}}}

    with pytest.raises(Rejected, match=r"payload_invalid.*completed entry without a token"):
        tokens_of(members)


@pytest.mark.parametrize("given", [{}, {"token": None}, {"token": 5}, {"token": ["a"]}])
def test_failed_entry_may_have_any_token(given: dict[str, Any]) -> None:
    members = verification() | {"tokens": {"1": {"status": "FAILED", **given}}}

    assert statement(members).native_status == "FAILED"


@pytest.mark.parametrize("name", ["", "Mario Rossi", "1\n", "\u0661", "x" * 65])
def test_name_that_is_no_templates_id_is_rejected_and_not_repeated(name: str) -> None:
    members = verification() | {"tokens": {name: {"token": "t", "status": "COMPLETED"}}}

    with pytest.raises(Rejected) as refused:
        tokens_of(members)

    assert code_of(refused) is RejectionCode.PAYLOAD_INVALID
    assert refused.value.detail == "tokens: a name that is no template's id"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"state": STATE, "code": CODE}, RejectionCode.PAYLOAD_INVALID),
        ({"state": STATE, "code": CODE, "tokens": None}, RejectionCode.PAYLOAD_INVALID),
        (verification(t1="COMPLETED") | issuance(), RejectionCode.PAYLOAD_CONTRADICTORY),
        (verification(code=None, t1="COMPLETED"), RejectionCode.PAYLOAD_INVALID),
        (verification(code="", t1="COMPLETED"), RejectionCode.PAYLOAD_INVALID),
        (verification(code=5, t1="COMPLETED"), RejectionCode.PAYLOAD_INVALID),
        (verification(t1=None), RejectionCode.PAYLOAD_INVALID),
        (verification(t1=True), RejectionCode.PAYLOAD_INVALID),
        (verification() | {"tokens": []}, RejectionCode.PAYLOAD_INVALID),
        (verification() | {"tokens": {"1": "a.b.c"}}, RejectionCode.PAYLOAD_INVALID),
        (issuance("1"), RejectionCode.PAYLOAD_INVALID),
        (issuance(template=True), RejectionCode.PAYLOAD_INVALID),
        (issuance(-1), RejectionCode.PAYLOAD_INVALID),
        (issuance(2**63), RejectionCode.PAYLOAD_INVALID),
        (issuance(completed="true"), RejectionCode.PAYLOAD_INVALID),
        (issuance(completed=None), RejectionCode.PAYLOAD_INVALID),
        (issuance(status=None), RejectionCode.PAYLOAD_INVALID),
    ],
)
def test_callback_in_another_shape_is_rejected(
    members: dict[str, Any], code: RejectionCode
) -> None:
    with pytest.raises(Rejected) as refused:
        translate(fields(members, {}))

    assert code_of(refused) is code


def test_more_templates_than_the_limit_are_rejected() -> None:
    most = {f"t{number}": "FAILED" for number in range(TEMPLATES_MAX)}

    assert statement(verification(**most)).native_status == "FAILED"
    with pytest.raises(Rejected, match="tokens: too_long"):
        statement(verification(one_more="FAILED", **most))


def test_every_template_completed_is_verified() -> None:
    said = statement(
        verification(t1="COMPLETED", t2="COMPLETED"),
        {"1": token(), "2": replace(token(nonce="2"), presentations=(PRESENTATION,))},
    )

    assert (said.transaction_id, said.native_status, said.fact) == (ONE, "VERIFIED", "VERIFIED")
    assert said.reason is None
    assert said.references["1.outcome"] == "completed"
    assert said.references["1.verification_id"] == "v-1"
    assert said.references["1.holder_binding"] == "gateway-attested"
    assert len(said.references["1.claims_digest"]) == 32
    assert said.references["2.holder_binding"] == "verified"
    assert said.references["2.claims_digest"] == PRESENTATION.claims_digest
    assert said.references["2.credential_type"] == "urn:eudi:pid:1"
    assert said.references["2.credential_issuer"] == "https://pid.example.org"


@pytest.mark.parametrize("status", ["FAILED", "KO", "completed", "", "Issued"])
def test_one_template_with_another_status_fails_the_whole_and_nothing_of_any_is_told(
    status: str,
) -> None:
    said = statement(verification(t1="COMPLETED", t2=status), {"1": token()})

    assert said.native_status == "FAILED"
    assert said.reason is not None
    assert said.reason.code == "template_failed"
    assert said.references == {"1.outcome": "completed", "2.outcome": "failed"}


def test_no_template_at_all_is_a_failure_and_not_everything_completed() -> None:
    assert statement(verification()).native_status == "FAILED"


def test_completed_entry_whose_token_nobody_verified_is_rejected() -> None:
    with pytest.raises(Rejected) as refused:
        translate(fields(verification(t1="COMPLETED"), {}))

    assert code_of(refused) is RejectionCode.TOKEN_ISSUER_UNKNOWN


def test_verified_token_of_a_failed_entry_counts_for_nothing() -> None:
    members = verification(t1="FAILED")

    assert witnesses(members, {"1": token()}) == []
    assert statement(members, {"1": token()}).references == {"1.outcome": "failed"}


@pytest.mark.parametrize("verification_id", [None, "", 5, "a\nb", "x" * 513, ["v"]])
def test_token_without_a_usable_verification_id_is_rejected(verification_id: object) -> None:
    with pytest.raises(Rejected) as refused:
        translate(fields(verification(t1="COMPLETED"), {"1": token(verification_id)}))

    assert code_of(refused) is RejectionCode.TOKEN_CLAIM_MISSING


def test_one_token_under_two_templates_is_rejected() -> None:
    """An ECDSA signature has a twin, so the claims are compared and not the texts."""
    members = verification(t1="COMPLETED", t2="COMPLETED")

    with pytest.raises(Rejected) as refused:
        translate(fields(members, {"1": token(), "2": replace(token(), key_id="k2")}))

    assert code_of(refused) is RejectionCode.PAYLOAD_CONTRADICTORY


def test_witness_names_issuer_and_verification_and_what_they_were_used_for() -> None:
    members = verification(t1="COMPLETED", t2="COMPLETED")
    shared = {"1": token("v-1"), "2": token("v-1", nonce="2", given_name="Ada")}
    two = {"1": token("v-1"), "2": token("v-2")}
    elsewhere = {"1": replace(token("v-1"), issuer="https://other.example.org")}

    (one,) = witnesses(members, shared)

    assert one.transaction_id.startswith("witness:verification:")
    assert one.mark == ONE
    assert len({each.transaction_id for each in witnesses(members, two)}) == 2
    assert witnesses(verification(t1="COMPLETED"), elsewhere) != [one]


def test_failed_verification_witnesses_the_tokens_that_it_used() -> None:
    assert len(witnesses(verification(t1="COMPLETED", t2="FAILED"), {"1": token()})) == 1


@pytest.mark.parametrize(
    ("status", "completed", "native"),
    [
        ("Issued", True, "ISSUED"),
        ("Issued", False, "ISSUED_OPEN"),
        ("Rejected", True, "NOT_ISSUED"),
        ("Rejected", False, "PENDING"),
        ("issued", True, "NOT_ISSUED"),
        ("", False, "PENDING"),
    ],
)
def test_credential_is_named_by_status_and_completed(
    status: str, *, completed: bool, native: str
) -> None:
    said = statement(issuance(7, status=status, completed=completed))

    assert (said.native_status, said.fact) == (native, f"{native}:7")
    assert said.references == {"template_id": "7"}


@pytest.mark.parametrize("members", [verification(t1="COMPLETED"), issuance()])
def test_code_is_told_as_a_digest_bound_to_the_transaction(members: dict[str, Any]) -> None:
    one, other = statement(members), statement(members, transaction=OTHER)

    assert one.terms["code"] == digest_of(ONE, CODE) != other.terms["code"]
    assert CODE not in one.model_dump_json()


@pytest.mark.parametrize("lost", [{"digest": None}, {"transaction_id": ""}])
def test_callback_without_a_path_of_its_own_is_rejected(lost: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        translate(replace(fields(issuance()), **lost))

    assert code_of(refused) is RejectionCode.PRINCIPAL_MISSING


def test_registration_becomes_terms_without_its_secrets() -> None:
    registered = terms(1, "eu-pid", verification_ids=["v-1"])

    assert registered == {
        "code": digest_of(ONE, CODE),
        "interaction": "verification",
        "template:1": "",
        "template:eu-pid": "",
        f"verification_id:{digest_of(ONE, 'v-1')}": "",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": None},
        {"code": ""},
        {"code": 5},
        {"templates": []},
        {"templates": None},
        {"templates": [True]},
        {"templates": ["a b"]},
        {"templates": [1.5]},
        {"templates": list(range(TEMPLATES_MAX + 1))},
        {"verification_ids": [5]},
        {"verification_ids": "v-1"},
        {"interaction": "both"},
    ],
    ids=str,
)
def test_registration_in_another_shape_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        terms(1, **wrong)

    assert code_of(refused) is RejectionCode.PAYLOAD_INVALID


def test_door_wants_the_path_and_answers_a_stranger_that_there_is_nothing() -> None:
    door = PROVIDER.door

    assert (door.credentials, door.offered) == (("path_token",), ("api_key",))
    assert (door.answers.accepted, door.answers.unauthenticated) == (200, 404)
    assert ISSUER not in door.model_dump_json()
