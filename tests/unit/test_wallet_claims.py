"""What a wallet's token says of a person: needed for success, told by a digest alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.providers.wallet import PROVIDER
from contracts.update import Statement
from contracts.wallet_payload import state_of, tokens_of
from tests.property.strategies import json_values
from tests.wallet_callbacks import PERSONAL, fields, issuance, statement, token, verification

NOTHING_PRESENTED: list[dict[str, Any]] = [
    {"exp": 1, "nonce": "n", "jti": "j"},
    {"vp_token": None},
    {"vp_token": {}},
    {"vp_token": {"query": []}},
    {"given_name": ""},
]


@pytest.mark.parametrize("claims", NOTHING_PRESENTED, ids=str)
def test_token_that_presents_nothing_is_rejected(claims: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        PROVIDER.translate(fields(verification(t1="COMPLETED"), {"1": token(**claims)}))

    assert refused.value.code is RejectionCode.TOKEN_CLAIM_MISSING


@pytest.mark.parametrize("claims", [{"age_over_18": False}, {"vp_token": {"query": ["eyJ~"]}}])
def test_token_that_presents_a_no_or_a_credential_is_taken(claims: dict[str, Any]) -> None:
    said = statement(verification(t1="COMPLETED"), {"1": token(**claims)})

    assert said.native_status == "VERIFIED"


@pytest.mark.parametrize("statuses", [("COMPLETED", "COMPLETED"), ("COMPLETED", "FAILED")])
def test_no_personal_claim_is_in_anything_that_leaves(statuses: tuple[str, str]) -> None:
    members = verification(t1=statuses[0], t2=statuses[1])
    presented = {"1": token(), "2": token(name={"last": "Quaranta"}, born=["1987-06-05"])}

    found = PROVIDER.translate(fields(members, presented))

    told = json.dumps([one.model_dump(mode="json") for one in found]) + repr(found)
    told += repr(presented)
    assert [text for text in (*PERSONAL, "Quaranta", "1987-06-05") if text in told] == []


def test_same_claims_in_another_order_have_the_same_digest_and_others_another() -> None:
    members = verification(t1="COMPLETED")
    backwards = dict(reversed(PERSONAL.items()))
    digests = [
        statement(members, {"1": token(**claims)}).references["1.claims_digest"]
        for claims in (PERSONAL, backwards, PERSONAL | {"age_over_18": False})
    ]

    assert digests[0] == digests[1] != digests[2]


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4), st.data())
def test_any_members_are_rejected_or_become_a_statement(
    noise: dict[str, Any], data: st.DataObject
) -> None:
    """Honest members with a few replaced by anything, and the shapes of entries by anything."""
    honest = data.draw(
        st.sampled_from([verification(t1="COMPLETED", t2="FAILED"), issuance(), {}]), label="honest"
    )
    changed = data.draw(st.dictionaries(st.sampled_from([*honest, "x"]), json_values, max_size=2))
    entries = st.dictionaries(
        st.text(max_size=3),
        json_values | st.fixed_dictionaries({"status": st.sampled_from(["COMPLETED", "KO"])}),
        max_size=3,
    )
    members = {**noise, **honest, **changed}
    if data.draw(st.booleans()):
        members["tokens"] = data.draw(entries)

    details = [detail_of(read, members) for read in (state_of, tokens_of, translated, terms_of)]

    assert max(map(len, details)) < 300


def detail_of(read: Callable[[dict[str, Any]], object], members: dict[str, Any]) -> str:
    """Return why `members` are rejected; empty where they are not."""
    try:
        read(members)
    except Rejected as refused:
        return refused.detail
    return ""


def translated(members: dict[str, Any]) -> object:
    return PROVIDER.translate(fields(members))


def terms_of(members: dict[str, Any]) -> object:
    assert PROVIDER.terms is not None
    return PROVIDER.terms(fields(members, {}))


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=6))
def test_any_claims_are_rejected_or_told_by_a_digest_alone(claims: dict[str, Any]) -> None:
    try:
        said = statement(
            verification(t1="COMPLETED"), {"1": token("v-1", **{**claims, "z": "Z" * 9})}
        )
    except Rejected:
        return

    assert isinstance(said, Statement)
    assert set(said.references) == {
        "1.outcome",
        "1.verification_id",
        "1.claims_digest",
        "1.holder_binding",
    }
    assert "Z" * 9 not in repr(said)
