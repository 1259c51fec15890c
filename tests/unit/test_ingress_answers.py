"""Every refusal has one status, and all refusals of one status are one and the same answer."""

import json
from datetime import UTC, datetime
from typing import Final

import pytest

from contracts.codes import RefusalCode
from contracts.provider import Answers
from ingress.answers import empty, epc_error, problem, status_of

# By hand, from the issue and the providers' documents: the module's own table proves nothing.
STATUSES: Final = {
    "path_unknown": 404,
    "method_forbidden": 405,
    "headers_too_many": 431,
    "media_type_unsupported": 415,
    "encoding_unsupported": 415,
    "body_too_large": 413,
    "body_too_slow": 408,
    "body_incomplete": 400,
    "credentials_missing": 401,
    "credentials_ambiguous": 401,
    "credentials_wrong": 401,
    "edge_untrusted": 403,
    "header_forbidden": 400,
    "timestamp_malformed": 401,
    "endpoint_full": 429,
    "ingress_full": 429,
    "kafka_unavailable": 503,
    "draining": 503,
    "request_malformed": 400,
    "unforeseen": 503,
}


def test_every_refusal_code_has_the_status_of_the_table() -> None:
    assert {code.value: status_of(code, Answers()) for code in RefusalCode} == STATUSES


def test_credentials_are_answered_as_the_provider_asks() -> None:
    answers = Answers(unauthenticated=403)

    forbidden = {code.value for code in RefusalCode if status_of(code, answers) == 403}

    assert forbidden == {code for code, status in STATUSES.items() if status in {401, 403}}


@pytest.mark.parametrize("status", sorted({*STATUSES.values(), 409}))
def test_problem_says_the_status_and_nothing_more(status: int) -> None:
    response = problem(status, retry_after_seconds=7)

    assert isinstance(response.body, bytes)
    details = json.loads(response.body)
    assert set(details) == {"type", "title", "status"}
    assert (details["type"], details["status"]) == ("about:blank", status)
    assert response.content_type == "application/problem+json"
    assert response.headers["Server"] == "esito"
    assert response.headers.get("Retry-After") == ("7" if status in {429, 503} else None)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


def test_method_forbidden_names_the_methods() -> None:
    assert problem(405, retry_after_seconds=1, allow="POST").headers["Allow"] == "POST"


def test_empty_answer_has_no_body_and_no_version_of_the_software() -> None:
    response = empty(200)

    assert response.body is None
    assert response.headers["Server"] == "esito"


@pytest.mark.parametrize("status", sorted({*STATUSES.values()}))
def test_epc_error_says_the_status_and_nothing_more(status: int) -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)

    response = epc_error(status, path="/rtp/cb/v1/send", at=at, retry_after_seconds=7)

    assert isinstance(response.body, bytes)
    details = json.loads(response.body)
    assert set(details) == {"timestamp", "status", "error", "message", "path"}
    assert (details["status"], details["path"]) == (status, "/rtp/cb/v1/send")
    assert details["timestamp"] == "2026-11-21T12:00:00.000005Z"
    assert response.content_type == "application/json"
    assert response.headers["Server"] == "esito"
    assert response.headers.get("Retry-After") == ("7" if status in {429, 503} else None)


def test_epc_error_keeps_to_the_lengths_of_its_schema() -> None:
    """EPC133-22: 140 characters for each text."""
    for status in STATUSES.values():
        response = epc_error(
            status, path="/" + "a" * 200, at=datetime.now(UTC), retry_after_seconds=1, allow="POST"
        )
        assert isinstance(response.body, bytes)
        texts = [text for text in json.loads(response.body).values() if isinstance(text, str)]
        assert max(map(len, texts)) <= 140
        assert response.headers["Allow"] == "POST"
