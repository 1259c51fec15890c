"""What is told of a verified token: its kind, how it is bound to its holder, and a digest."""

from dataclasses import replace

import pytest

from contracts.presented import evidence, presents_something
from tests.wallet_callbacks import ONE, PRESENTATION, digest_of, token


def digest(text: str) -> str:
    return digest_of(ONE, text)


@pytest.mark.parametrize(
    ("bindings", "weakest"),
    [
        (("verified", "verified"), "verified"),
        (("verified", "gateway-attested"), "gateway-attested"),
        (("none", "verified"), "none"),
        (("verified", "of a new kind"), "of a new kind"),
    ],
)
def test_token_is_bound_to_its_holder_as_its_weakest_presentation_is(
    bindings: tuple[str, ...], weakest: str
) -> None:
    presentations = tuple(replace(PRESENTATION, holder_binding=one) for one in bindings)

    told = evidence(replace(token(), presentations=presentations), digest)

    assert told["holder_binding"] == weakest


def test_credential_of_which_everything_is_withheld_presents_nothing() -> None:
    empty, full = replace(PRESENTATION, claim_names=()), PRESENTATION
    bare = token(vp_token={"pid": ["eyJ~"]})

    assert not presents_something(replace(bare, presentations=(empty,)))
    assert presents_something(replace(bare, presentations=(empty, full)))
    assert presents_something(replace(token(), presentations=(empty,)))
    assert presents_something(bare)


def test_several_presentations_have_one_digest_and_each_type_once() -> None:
    other = replace(PRESENTATION, credential_type="org.iso.18013.5.1.mDL", claims_digest="0b" * 16)

    told = evidence(replace(token(), presentations=(PRESENTATION, PRESENTATION, other)), digest)

    assert told["credential_type"] == "org.iso.18013.5.1.mDL urn:eudi:pid:1"
    assert told["claims_digest"] not in {PRESENTATION.claims_digest, other.claims_digest}
    assert len(told["claims_digest"]) == 32


def test_name_too_long_for_a_reference_is_left_out() -> None:
    long = replace(PRESENTATION, credential_type="x" * 501)

    told = evidence(replace(token(), presentations=(long,)), digest)

    assert set(told) == {"claims_digest", "holder_binding", "credential_issuer"}
