"""Proving and translating: what the vectors cannot show, as seen by the verifier alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.errors import Rejected
from contracts.provider import Provider, SignedFields
from contracts.raw import RawCallback, Source
from contracts.update import Expectation, Statement, VerifiedUpdate
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import EndpointKeys
from tests.updates import PIVOT, UAEPASS, at
from workers.verifier.policy import Policy
from workers.verifier.verify import verify

PAID = {"event": "PAYMENT.PAID", "data": {"id": "t1"}}


def callback(body: object, *, source: Source = Source.CALLBACK) -> RawCallback:
    return RawCallback(
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        callback_id="c1",
        endpoint="shop",
        source=source,
        received_at=at(),
        method="POST",
        target_uri="https://example.org/callbacks",
        principal="api_key:current",
    )


def policy(provider: Provider = PIVOT, **settings: Any) -> Policy:  # noqa: ANN401 - as Endpoint
    endpoint = Endpoint(name="shop", provider=provider.name, path="/callbacks", **settings)
    return Policy(endpoint, provider.door, EndpointKeys)


def verified(
    given: RawCallback,
    provider: Provider = PIVOT,
    **settings: Any,  # noqa: ANN401 - as Endpoint
) -> tuple[VerifiedUpdate, ...]:
    policies = {"shop": policy(provider, **settings)}
    return verify(given, provider=provider, policies=policies, topic="raw", at=(2, 5))


def expected(body: object, **settings: Any) -> Expectation:  # noqa: ANN401 - as Endpoint
    (update,) = verified(callback(body, source=Source.EXPECTATION), **settings)
    assert isinstance(update.what, Expectation)
    return update.what


def test_update_says_where_it_comes_from_and_who_vouches() -> None:
    (update,) = verified(callback(PAID))

    assert (update.origin.topic, update.origin.partition, update.origin.offset) == ("raw", 2, 5)
    assert update.origin.callback_id == "c1"
    assert (update.proof.scheme, update.proof.key_id, update.proof.signer) == (
        "api_key",
        "current",
        "shop",
    )


def test_endpoint_that_is_not_configured_is_rejected() -> None:
    with pytest.raises(Rejected, match="endpoint_unknown"):
        verified(replace(callback(PAID), endpoint="former"))


def test_rejection_of_an_unknown_endpoint_does_not_repeat_the_record() -> None:
    """Found by fuzzing: whoever writes to the raw topic chose the detail, at any length."""
    with pytest.raises(Rejected) as caught:
        verified(replace(callback(PAID), endpoint="x" * 1_000))

    assert caught.value.detail == "esito-endpoint: not configured"


@pytest.mark.parametrize("principal", ["", "api_key", "api_key:", "hmac:current", ":current"])
def test_record_without_a_credential_is_rejected(principal: str) -> None:
    with pytest.raises(Rejected, match="principal_missing"):
        verified(replace(callback(PAID), principal=principal))


def test_hmac_provider_without_keys_is_rejected_and_not_believed() -> None:
    with pytest.raises(Rejected, match="key_unknown"):
        verified(callback({"spTransactionID": "t1", "status": "ACCEPTED"}), UAEPASS)


def test_poll_of_an_hmac_provider_is_not_believed_without_its_proof_either() -> None:
    body = {"spTransactionID": "t1", "status": "EXPIRED"}

    with pytest.raises(Rejected, match="key_unknown"):
        verified(callback(body, source=Source.POLL), UAEPASS)


def test_statement_narrower_than_the_payload_is_a_rejection_and_no_failure() -> None:
    """A provider's own model may be wider than a statement: its words, not our fault."""

    def wide(fields: SignedFields) -> tuple[Statement, ...]:
        return (Statement(transaction_id="t1", native_status=fields.members["s"], fact="f"),)

    provider = replace(PIVOT, translate=wide)

    with pytest.raises(Rejected, match="payload_invalid: native_status: string_pattern_mismatch"):
        verified(callback({"s": "a status with spaces"}), provider)


def test_expectation_without_a_deadline_has_none() -> None:
    assert expected({"transaction_id": "t1"}) == Expectation(transaction_id="t1")


def test_expectation_without_a_deadline_gets_that_of_its_endpoint() -> None:
    assert expected({"transaction_id": "t1"}, deadline_seconds=90).deadline == at(90)


def test_longest_deadline_of_an_endpoint_is_a_date() -> None:
    found = expected({"transaction_id": "t1"}, deadline_seconds=315_360_000)

    assert found.deadline == "2036-10-30T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("given", "deadline"),
    [
        ("2026-11-03T00:00:00Z", "2026-11-03T00:00:00.000000Z"),
        ("2026-11-03T04:00:00.5+04:00", "2026-11-03T00:00:00.500000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_deadline_is_written_in_utc(given: str, deadline: str) -> None:
    found = expected({"transaction_id": "t1", "deadline": given}, deadline_seconds=90)

    assert found.deadline == deadline


@pytest.mark.parametrize(
    "deadline",
    [
        "",
        "tomorrow",
        "2026-11-03T00:00:00",
        "2026-11-03",
        "2026-13-03T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "\u0661\u0662",
        1_793_620_800,
    ],
)
def test_deadline_that_is_no_instant_is_rejected(deadline: object) -> None:
    with pytest.raises(Rejected, match="payload_invalid: deadline"):
        expected({"transaction_id": "t1", "deadline": deadline})


def test_expectation_does_not_need_the_proof_that_callbacks_need() -> None:
    given = callback({"transaction_id": "t1"}, source=Source.EXPECTATION)

    (update,) = verified(given, UAEPASS)

    assert (update.proof.scheme, update.proof.signer) == ("api_key", "own")


@pytest.mark.parametrize("body", [{}, {"transaction_id": "a b"}, {"transaction_id": 5}, []])
def test_expectation_of_a_wrong_shape_is_rejected(body: object) -> None:
    with pytest.raises(Rejected, match="payload_invalid"):
        expected(body)
