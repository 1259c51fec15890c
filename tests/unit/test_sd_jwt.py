"""SD-JWT: every line of the checklist by a variant of its own, and nothing hostile gets through."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from simulator.sd_jwt import Hidden, digest, disclosure, issue_sd_jwt
from simulator.sign_jws import encode
from tests.presented.issuers import (
    NONCE,
    NOW,
    PINNED,
    Variant,
    attested,
    credential,
    demanding,
    issuers,
    seconds,
)
from tests.presented.key_binding import bound
from tests.presented.variants import variants
from workers.verifier.presentation_policy import Disclosed, PresentationPolicy
from workers.verifier.sd_jwt import verify_sd_jwt
from workers.verifier.sd_jwt_disclosures import disclosed_payload

SD_JWTS = {name: one for name, one in variants().items() if name.startswith("sd-jwt")}
ACCEPTED = {name: one for name, one in SD_JWTS.items() if one.code is None}
REJECTED = {name: one for name, one in SD_JWTS.items() if one.code is not None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["_sd", "...", "_sd_alg", "iss", "exp", "cnf", "jwk", "vct", "a", "b"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)

# What JSON writes the same way again: text, and integers of a bearable length.
ORDINARY = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=3)
    ),
    max_leaves=12,
)


def verified(
    text: str, policy: PresentationPolicy | None = None, nonce: str | None = NONCE
) -> Disclosed:
    return verify_sd_jwt(text, policy or attested(), at=NOW, nonce=nonce)


@pytest.mark.parametrize("variant", ACCEPTED.values(), ids=ACCEPTED)
def test_presentation_that_holds_is_accepted_and_tells_its_binding(variant: Variant) -> None:
    found = verified(variant.vp_token, variant.policy, variant.nonce)

    assert found.format == "dc+sd-jwt"
    assert found.holder_binding == variant.binding


@pytest.mark.parametrize("variant", REJECTED.values(), ids=REJECTED)
def test_presentation_with_a_fault_is_rejected_and_shows_no_value(variant: Variant) -> None:
    with pytest.raises(Rejected) as raised:
        verified(variant.vp_token, variant.policy, variant.nonce)

    assert raised.value.code is variant.code
    assert raised.value.detail
    assert not {"Specimen", "1990", "Roma", "example.org"} & set(raised.value.detail.split())


def test_what_is_disclosed_is_what_was_issued_and_nothing_more() -> None:
    issued = credential(decoys=3)

    everything = verified(issued.present())
    little = verified(issued.present(["address", '"DE"']))

    assert everything.claims == {
        "given_name": "Specimen",
        "birthdate": "1990-01-01",
        "address": {"locality": "Roma", "country": "IT"},
        "nationalities": ["IT", "DE"],
        "age_over_18": True,
    }
    assert little.claims == {
        "address": {"country": "IT"},
        "nationalities": ["DE"],
        "age_over_18": True,
    }
    assert little.names == {"address/country", "nationalities/*", "age_over_18"}


def test_claim_of_which_everything_is_withheld_has_no_name() -> None:
    found = verified(credential().present([]))

    assert found.claims["nationalities"] == []
    assert found.names == {"age_over_18"}


def test_claims_are_not_in_the_representation() -> None:
    assert "Specimen" not in repr(verified(credential().present()))


def test_disclosure_is_hashed_as_the_standard_shows() -> None:
    # RFC 9901 §5.1: a disclosure of an array's element, and its digest.
    text = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0"
    payload = {"nationalities": [{"...": "pFndjkZ_VCzmyTa6UjlZo3dh-ko8aIKQc9DlGzhaVYo"}]}

    assert disclosed_payload(payload, [text]) == {"nationalities": ["US"]}
    assert disclosed_payload(payload, []) == {"nationalities": []}


def test_binding_is_never_called_verified_unless_it_is_demanded() -> None:
    assert verified(bound(), demanding()).holder_binding == "verified"
    assert verified(bound(), attested()).holder_binding == "gateway-attested"


def test_binding_demanded_without_audience_is_missing() -> None:
    policy = replace(demanding(), audience=None)

    with pytest.raises(Rejected, match="presentation_binding_missing"):
        verified(bound(), policy)


def test_expiry_may_be_left_out_only_where_the_policy_says_so() -> None:
    endless = replace(attested(), expiry_required=False)

    assert verified(credential(exp=None).present(), endless)
    with pytest.raises(Rejected, match="presentation_claim_missing: exp"):
        verified(credential(exp=None).present())


def test_credential_holds_to_the_second() -> None:
    text = credential(nbf=seconds(0), exp=seconds(100)).present()
    policy = replace(attested(), leeway=timedelta(0))

    def code(after: float) -> RejectionCode | None:
        try:
            verify_sd_jwt(text, policy, at=NOW + timedelta(seconds=after))
        except Rejected as error:
            return error.code
        return None

    assert code(-0.001) is RejectionCode.PRESENTATION_NOT_YET_VALID
    assert code(0) is None
    assert code(99.999) is None
    assert code(100) is RejectionCode.PRESENTATION_EXPIRED


@pytest.mark.parametrize("bits", [1, 2, 4, 32])
def test_any_character_of_a_presentation_changed_is_rejected(bits: int) -> None:
    text = bound(credential().present(["birthdate", "address"]))

    for place, character in enumerate(text):
        changed = f"{text[:place]}{chr(ord(character) ^ bits)}{text[place + 1 :]}"
        with pytest.raises(Rejected):
            verified(changed, demanding())


def test_any_character_of_a_presentation_removed_is_rejected() -> None:
    text = bound()

    for place in range(len(text)):
        with pytest.raises(Rejected):
            verified(text[:place] + text[place + 1 :], demanding())


@given(st.text(max_size=200) | st.text(alphabet="ab.~_-=", max_size=40))
def test_arbitrary_text_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        verified(text)


@pytest.mark.parametrize("iss", [PINNED, None])
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), JSON)
def test_whatever_an_issuer_signs_ends_in_a_verdict(
    iss: str | None, claims: dict[str, Any], cnf: object
) -> None:
    usual = {"iss": iss, "vct": "urn:eudi:pid:1", "exp": seconds(99), "cnf": cnf}
    text = issue_sd_jwt({**usual, **claims}, issuers().pinned, hash_name=None).present()

    _verdict(issuers().holder.bind(text, audience="a", nonce=NONCE, now=NOW))
    _verdict(text)


@given(st.lists(JSON, max_size=4), JSON)
def test_whatever_is_disclosed_ends_in_a_verdict(contents: list[Any], header: object) -> None:
    text = disclosure(*contents)
    issued = credential(
        issuers().pinned,
        iss=PINNED,
        _sd=[digest(text, "sha-256")],
        nationalities=[{"...": digest(text, "sha-256")}] if len(contents) == 2 else [],
        header={"x5c": header},
    )

    _verdict(f"{issued.present([])}{text}~")


@given(st.binary(max_size=60))
def test_whatever_bytes_are_disclosed_end_in_a_verdict(raw: bytes) -> None:
    text = encode(raw)
    issued = credential(issuers().pinned, iss=PINNED, _sd=[digest(text, "sha-256")])

    _verdict(f"{issued.present([])}{text}~")


@given(ORDINARY)
def test_value_that_is_hidden_comes_back_as_it_was(value: object) -> None:
    text = json.dumps(value)

    found = verified(credential(issuers().pinned, iss=PINNED, hidden=Hidden(value)).present())

    assert json.dumps(found.claims["hidden"]) == text


def _verdict(text: str) -> None:
    for policy in (attested(), demanding()):
        with suppress(Rejected):
            verified(text, policy)
