"""Every vector of every provider gets the verdict that its folder names."""

import json
import re
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from contracts.codes import RefusalCode, RejectionCode
from contracts.dead_letter import original_headers
from contracts.errors import Rejected
from contracts.providers import provider_named, provider_names
from ingress.authenticate import Refused
from tests.conformance.road import Road
from tests.conformance.vector import VECTORS, Vector, vectors_of
from workers.dead_letters import dead_letter
from workers.processor import Output

# What anybody can try on any provider, and on one whose callbacks carry such a credential.
ATTACKS_ON_ALL = {
    "refused/body_too_large/oversize",
    "rejected/encoding_invalid/not-utf-8",
    "rejected/json_invalid/lone-surrogate",
    "rejected/json_duplicate_key/duplicate-key",
    "rejected/json_number_forbidden/nan",
    "rejected/json_number_forbidden/huge-integer",
    "rejected/json_number_forbidden/huge-exponent",
    "rejected/json_too_deep/too-deep",
    "rejected/payload_invalid/not-an-object",
    "rejected/payload_invalid/id-missing",
}
# Where the provider names the transaction; elsewhere the path does, in digits of ours.
ATTACKS_ON_IDS = {
    "rejected/payload_invalid/id-control-characters",
    "rejected/payload_invalid/id-with-space",
    "rejected/payload_invalid/id-10-kb",
}
ATTACKS_BY_CREDENTIAL = {
    "api_key": {
        "refused/credentials_missing/api-key-missing",
        "refused/credentials_wrong/api-key-wrong",
        "refused/credentials_ambiguous/api-key-twice",
    },
    "path_token": {
        "refused/credentials_missing/no-segment",
        "refused/credentials_wrong/seal-wrong",
        "refused/credentials_wrong/of-another-endpoint",
        "rejected/path_token_mismatch/another-state",
    },
    "hmac": {
        "refused/credentials_missing/stripped-signature",
        "refused/credentials_missing/stripped-timestamp",
        "refused/credentials_wrong/tampered-body",
        "refused/credentials_wrong/tampered-timestamp",
        "refused/credentials_wrong/wrong-hmac-key",
        "refused/credentials_wrong/algorithm-swapped",
        "refused/credentials_ambiguous/signature-twice",
        "refused/timestamp_malformed/malformed-timestamp",
        "rejected/timestamp_outside_tolerance/stale-timestamp",
    },
}
ATTACKS_ON_SIGNATURES = {
    "certificates": {
        "rejected/certificate_expired/expired-detached",
        "rejected/certificate_not_yet_valid/not-yet-valid-detached",
        "rejected/certificate_profile_invalid/wrong-usage-detached",
        "rejected/certificate_revoked/revoked-detached",
        "rejected/certificate_untrusted/other-root-detached",
        "rejected/signer_mismatch/another-bank-tls",
        "rejected/signature_mismatch/body-tampered",
        "rejected/signature_mismatch/digest-downgraded",
        "rejected/algorithm_forbidden/sha1",
        "rejected/algorithm_forbidden/jws-none",
    },
    "tokens": {
        "rejected/algorithm_forbidden/none",
        "rejected/algorithm_forbidden/hs256-with-the-public-key",
        "rejected/signature_mismatch/payload-swapped",
        "rejected/signature_mismatch/strangers-key",
        "rejected/token_header_forbidden/jku",
        "rejected/token_header_forbidden/crit",
        "rejected/token_expired/expired",
        "rejected/token_audience_wrong/another",
        "rejected/payload_contradictory/swapped-template",
    },
}
ALL = [vector for provider in provider_names() for vector in vectors_of(provider)]
STORED = [vector for vector in ALL if vector.verdict != "refused"]
STORED_ANYWAY = [vector for vector in ALL if vector.stored_anyway]
MADE = [name for name in provider_names() if (VECTORS / name / "make.py").exists()]


def with_verdict(verdict: str) -> pytest.MarkDecorator:
    chosen = [vector for vector in ALL if vector.verdict == verdict]
    return pytest.mark.parametrize("vector", chosen, ids=[vector.name for vector in chosen])


@cache
def road(provider: str) -> Road:
    return Road(provider)


def road_of(vector: Vector) -> Road:
    return road(vector.name.split("/")[0])


@with_verdict("accepted")
def test_accepted_vector_becomes_exactly_the_expected_updates(vector: Vector) -> None:
    way = road_of(vector)

    updates = way.verify(way.raw_record(vector))

    assert [_key_and_value(update) for update in updates] == vector.expected


@with_verdict("rejected")
def test_rejected_vector_is_stored_and_then_rejected_with_the_code_of_its_folder(
    vector: Vector,
) -> None:
    way = road_of(vector)
    record = way.raw_record(vector)

    with pytest.raises(Rejected) as rejection:
        way.verify(record)

    assert rejection.value.code == vector.code


@pytest.mark.parametrize("vector", STORED, ids=[one.name for one in STORED])
def test_ingress_calls_stale_what_the_verifier_rejects_as_outside_the_tolerance(
    vector: Vector,
) -> None:
    """It answers 409 then; both must judge alike, or an answer would lie about the callback."""
    assert road_of(vector).is_stale(vector) == (vector.code == "timestamp_outside_tolerance")


@with_verdict("refused")
def test_refused_vector_is_refused_with_the_code_of_its_folder(vector: Vector) -> None:
    with pytest.raises(Refused) as refusal:
        road_of(vector).raw_record(vector)

    assert refusal.value.code == vector.code


@pytest.mark.parametrize("vector", STORED_ANYWAY, ids=[one.name for one in STORED_ANYWAY])
def test_refused_signature_is_rejected_by_the_verifier_too(vector: Vector) -> None:
    """The verifier does not take the ingress's word where it can see for itself."""
    way = road_of(vector)

    with pytest.raises(Rejected) as rejection:
        way.verify(way.stored_anyway(vector))

    assert rejection.value.code == vector.stored_anyway


@with_verdict("rejected")
def test_rejection_tells_nothing_of_the_body(vector: Vector) -> None:
    way = road_of(vector)
    record = way.raw_record(vector)
    with pytest.raises(Rejected) as rejection:
        way.verify(record)

    letter = dead_letter(record, rejection.value, topic=way.topics.rejected)

    kept = original_headers(letter.headers)
    own = [value.decode() for name, value in letter.headers if (name, value) not in kept]
    told = [str(rejection.value), repr(rejection.value), *own]
    assert not [text for text in _texts_of(vector.body) for line in told if text in line]
    assert (letter.key, letter.value) == (record.key, record.value)
    assert kept == list(record.headers)


@pytest.mark.parametrize("provider", provider_names())
def test_provider_has_the_standard_attacks_on_its_door(provider: str) -> None:
    declared = provider_named(provider)
    wanted = set(ATTACKS_ON_ALL)
    for credential in declared.door.credentials:
        wanted |= ATTACKS_BY_CREDENTIAL[credential]
    if declared.path_state is None:
        wanted |= ATTACKS_ON_IDS
    if declared.signatures:
        wanted |= ATTACKS_ON_SIGNATURES["certificates"]
    if declared.tokens:
        wanted |= ATTACKS_ON_SIGNATURES["tokens"]

    found = {vector.name.removeprefix(f"{provider}/") for vector in vectors_of(provider)}

    assert wanted - found == set()


@pytest.mark.parametrize("provider", provider_names())
def test_provider_has_accepted_vectors_and_says_where_all_come_from(provider: str) -> None:
    accepted = [vector for vector in vectors_of(provider) if vector.verdict == "accepted"]

    provenance = (VECTORS / provider / "PROVENANCE.md").read_text()

    assert accepted
    assert all(vector.expected for vector in accepted)
    folders = {"/".join(vector.name.split("/")[1:-1]) for vector in vectors_of(provider)}
    assert [folder for folder in folders if f"`{folder}`" not in provenance] == []


@pytest.mark.parametrize("provider", MADE)
def test_made_vectors_are_what_their_maker_makes(provider: str) -> None:
    """A vector is changed where it is made, so that its expectation changes with it."""
    made = import_module(f"tests.vectors.{provider}.make").vectors()

    directory = VECTORS / provider
    different = [name for name, text in made.items() if (directory / name).read_bytes() != text]

    assert different == []


def test_every_vector_lies_under_a_known_code() -> None:
    codes: dict[str, set[str]] = {
        "accepted": {""},
        "rejected": set(RejectionCode),
        "refused": set(RefusalCode),
    }

    strangers = [one.name for one in ALL if one.code not in codes[one.verdict]]

    assert strangers == []


def _key_and_value(update: Output) -> dict[str, Any]:
    return {"key": (update.key or b"").decode(), "value": json.loads(update.value or b"")}


def _texts_of(body: bytes) -> list[str]:
    """Return the texts of more than three characters that are values of the body."""
    text = body.decode("latin-1")
    found = re.findall(r'"((?:[^"\\]|\\.)*)"(?!\s*:)', text)
    return [value for value in found if len(value) > 3]
