"""The presentations of a token: which are demanded, in which shapes, and what is kept of them."""

import hmac
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Broken, Rejected
from contracts.provider import Presentation
from runtime.token_configuration import Presentations
from simulator.sign_jws import key_set
from tests.presented.issuers import (
    AUDIENCE,
    CREDENTIAL,
    DOCUMENT,
    ISSUER,
    NONCE,
    NOW,
    PINNED,
    attested,
    credential,
    demanding,
    issuers,
    mdoc,
    response,
)
from tests.presented.key_binding import bound
from tests.presented.variants import variants
from workers.verifier.presentation_policy import CLAIM_NAME_CHARACTERS_MAX, PresentationPolicy
from workers.verifier.presentations import (
    CLAIM_NAMES_MAX,
    PRESENTATIONS_MAX,
    verify_presentations,
)
from workers.verifier.presentations_source import load_presentations

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=9,
)


# The usual ones taken away.
NO_CLAIMS: dict[str, Any] = dict.fromkeys(
    ("given_name", "birthdate", "address", "nationalities", "age_over_18"), None
)


def keyed(text: bytes, key: bytes = b"a key") -> str:
    return hmac.digest(key, text, "sha256").hex()


def verified(
    vp_token: object, policy: PresentationPolicy | None = None, **claims: object
) -> tuple[Presentation, ...]:
    given_claims = {"vp_token": vp_token, **claims}
    return verify_presentations(given_claims, policy or attested(), at=NOW, digest=keyed)


def nested_in_an_sd_jwt(name: str) -> str:
    claims: dict[str, Any] = {name: {str(number): number for number in range(2_000)}}
    return credential(**NO_CLAIMS, **claims).present()


def nested_in_an_mdoc(name: str) -> str:
    return response(mdoc(elements={name: {str(number): 1 for number in range(500)}}))


def test_sd_jwt_and_mdoc_are_told_apart_by_what_they_are() -> None:
    found = verified([credential().present(), response()])

    assert [(one.format, one.credential_type, one.issuer) for one in found] == [
        ("dc+sd-jwt", CREDENTIAL, ISSUER),
        ("mso_mdoc", DOCUMENT, "CN=Issuer,O=Esito test,C=IT"),
    ]


@pytest.mark.parametrize("count", [1, 2, PRESENTATIONS_MAX])
def test_every_shape_of_vp_token_is_read(count: int) -> None:
    text = credential().present()
    shapes = [[text] * count, {"pid": [text] * count}, {str(one): text for one in range(count)}]

    assert [len(verified(shape)) for shape in shapes] == [count] * 3
    assert len(verified(text)) == 1


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_no_presentation_is_missing_only_where_it_is_demanded(nothing: object) -> None:
    with pytest.raises(Rejected, match="presentation_missing"):
        verified(nothing)

    assert verified(nothing, replace(attested(), policy="if_present")) == ()
    assert verify_presentations({}, replace(attested(), policy="off"), at=NOW, digest=keyed) == ()


def test_presentation_that_is_there_is_verified_although_not_demanded() -> None:
    policy = replace(attested(), policy="if_present")

    assert len(verified(credential().present(), policy)) == 1
    with pytest.raises(Rejected, match="presentation_expired"):
        verified(credential(exp=1).present(), policy)


def test_policy_off_reads_nothing() -> None:
    assert verified(object(), replace(attested(), policy="off")) == ()


@pytest.mark.parametrize(
    "odd",
    [
        1,
        True,
        "",
        [""],
        [None],
        [["nested"]],
        {"pid": []},
        {"pid": {"type": "VerifiablePresentation"}},
        {"pid": [[]]},
        "eyJhbGciOiJFUzI1NiJ9.e30.AA",
    ],
)
def test_vp_token_of_another_shape_is_malformed(odd: object) -> None:
    with pytest.raises(Rejected, match="presentation_malformed"):
        verified(odd)


def test_more_presentations_than_the_limit_are_malformed() -> None:
    with pytest.raises(Rejected, match="presentation_malformed"):
        verified([credential().present()] * (PRESENTATIONS_MAX + 1))


def test_one_bad_presentation_among_good_ones_is_enough() -> None:
    with pytest.raises(Rejected, match="presentation_untrusted"):
        verified([credential().present(), credential(issuers().stranger).present()])


def test_claims_are_named_and_digested_and_never_shown() -> None:
    (found,) = verified(credential().present(["birthdate", '"IT"']))

    assert found.claim_names == ("age_over_18", "birthdate", "nationalities/*")
    claims = {"age_over_18": True, "birthdate": "1990-01-01", "nationalities": ["IT"]}
    canonical = json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()
    assert found.claims_digest == keyed(canonical)
    assert "1990" not in repr(found)


def test_digest_is_the_same_for_the_same_claims_and_no_other() -> None:
    def digest(**claims: Any) -> str:  # noqa: ANN401 - JSON holds any value
        return verified(credential(**claims).present())[0].claims_digest

    assert digest() == digest()
    assert len({digest(), digest(x=1), digest(x="1"), digest(x=1.5)}) == 4


def test_digest_needs_the_key_to_be_guessed() -> None:
    claims = {"vp_token": credential().present()}

    def other(text: bytes) -> str:
        return keyed(text, b"another key")

    digests = {
        verify_presentations(claims, attested(), at=NOW, digest=one)[0].claims_digest
        for one in (keyed, other)
    }

    assert len(digests) == 2


def test_names_are_bounded_in_number_and_length() -> None:
    claims: dict[str, Any] = {f"claim-{number:03}": number for number in range(200)}
    claims |= {"a" * 500: 1, "a line\nbreak": 2}

    (found,) = verified(credential(**claims).present([]))

    assert len(found.claim_names) == CLAIM_NAMES_MAX
    assert found.claim_names[:2] == ("a line?break", "a" * CLAIM_NAME_CHARACTERS_MAX)
    assert list(found.claim_names) == sorted(found.claim_names)


@pytest.mark.parametrize("make", [nested_in_an_sd_jwt, nested_in_an_mdoc])
def test_long_name_above_many_others_is_not_copied_for_each(make: Callable[[str], str]) -> None:
    presentation = make("n" * 200_000)
    tracemalloc.start()

    (found,) = verified(presentation)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert {len(name) for name in found.claim_names} == {CLAIM_NAME_CHARACTERS_MAX}
    assert peak < 50_000_000


def test_holder_is_verified_by_the_nonce_that_the_token_repeats() -> None:
    found = verified(bound(), demanding(), request_nonce=NONCE)

    assert [one.holder_binding for one in found] == ["verified"]
    with pytest.raises(Rejected, match="presentation_binding_invalid"):
        verified(bound(), demanding(), request_nonce="another")
    with pytest.raises(Rejected, match="presentation_binding_missing"):
        verified(bound(), demanding(), request_nonce=7)


def test_variants_reach_every_code_of_presentations() -> None:
    expected = {code for code in RejectionCode if code.value.startswith("presentation_")}

    reached = {one.code for one in variants().values()}

    # That none is there is no fault of a presentation; see above.
    assert expected - reached == {RejectionCode.PRESENTATION_MISSING}


@given(JSON)
def test_whatever_a_token_carries_ends_in_a_verdict(vp_token: object) -> None:
    with pytest.raises(Rejected):
        verified(vp_token)


def section(tmp_path: Path, **wanted: object) -> Presentations:
    roots, keys = tmp_path / "roots.pem", tmp_path / "keys.json"
    roots.write_bytes(issuers().root.certificate.public_bytes(Encoding.PEM))
    keys.write_bytes(key_set([issuers().pinned]))
    given_section = {
        "policy": "required",
        "issuer_root_files": [roots],
        "issuer_jwks_files": {PINNED: keys},
        "credential_types": [CREDENTIAL, DOCUMENT],
        **wanted,
    }
    return Presentations.model_validate(given_section)


def test_policy_is_loaded_with_its_files(tmp_path: Path) -> None:
    policy = load_presentations(
        section(
            tmp_path,
            holder_binding="verified",
            audience=AUDIENCE,
            nonce_claim="request_nonce",
            binding_age_seconds_max=60,
        )
    )

    assert verified(credential().present(), replace(policy, holder_binding="gateway_attested"))
    assert verified(bound(), policy, request_nonce=NONCE)
    assert policy.binding_age_max == timedelta(seconds=60)
    assert policy.issuer_keys[PINNED][0].kid == "pinned-1"
    assert policy.trust
    assert policy.trust.roots == (issuers().root.certificate,)


def test_policy_off_needs_no_file() -> None:
    policy = load_presentations(Presentations(policy="off"))

    assert (policy.policy, policy.trust, policy.issuer_keys) == ("off", None, {})


@pytest.mark.parametrize("key", ["issuer_root_files", "issuer_jwks_files"])
@pytest.mark.parametrize("contents", [None, b"", b"junk", b"x" * 65_537, b"{}"])
def test_file_that_cannot_be_used_is_a_fault_of_the_configuration(
    tmp_path: Path, key: str, contents: bytes | None
) -> None:
    file = tmp_path / "broken"
    if contents is not None:
        file.write_bytes(contents)
    given_files = [file] if key == "issuer_root_files" else {PINNED: file}

    with pytest.raises(Broken, match=f"presentations.{key}.*{file}"):
        load_presentations(section(tmp_path, **{key: given_files}))
