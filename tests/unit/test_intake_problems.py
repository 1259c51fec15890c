"""Error answers: SEND's form, whatever went wrong."""

import json
from http import HTTPStatus
from typing import Any

import pytest

from contracts.send.problems import DETAIL_CHARACTERS_MAX, ProblemCode, ProblemError
from intake.app import path_pattern
from intake.problems import Code, Problem, invalid, not_found, problem_answer, unavailable


def told(problem: Problem) -> dict[str, Any]:
    body = problem_answer(problem, retry_after_seconds=7).body
    assert isinstance(body, bytes)
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize("status", [400, 401, 404, 405, 408, 409, 413, 415, 429, 503])
def test_every_problem_has_what_send_requires(status: int) -> None:
    found = told(Problem(status, Code.MALFORMED))

    assert found["status"] == status
    assert found["title"] == HTTPStatus(status).phrase
    assert found["errors"] == [{"code": "ESITO_MALFORMED"}]


def test_all_errors_are_told_and_none_is_longer_than_send_takes() -> None:
    errors = [
        ProblemError(ProblemCode.REQUIRED, "subject", "missing"),
        ProblemError(ProblemCode.INVALID, "", "d" * 2_000),
    ]

    found = told(invalid(errors))["errors"]

    assert found[0] == {"code": errors[0].code, "element": "subject", "detail": "missing"}
    assert len(found[1]["detail"]) == DETAIL_CHARACTERS_MAX
    assert "element" not in found[1]


@pytest.mark.parametrize(
    ("problem", "header"),
    [(unavailable(), "7"), (Problem(429, Code.TOO_MANY), "7"), (not_found(), None)],
)
def test_only_what_may_be_sent_again_says_when(problem: Problem, header: str | None) -> None:
    answer = problem_answer(problem, retry_after_seconds=7)

    assert answer.headers.get("Retry-After") == header


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("/a/x/b/y", ("x", "y")),
        ("/a/x%2Fz/b/y", ("x%2Fz", "y")),
        ("/a//b/y", None),
        ("/a/x/b/y/", None),
        ("/a.x/b/y", None),
    ],
)
def test_path_pattern_takes_one_segment_for_each_variable(
    path: str, variables: tuple[str, ...] | None
) -> None:
    found = path_pattern("/a/{one}/b/{two}").fullmatch(path)

    assert (found.groups() if found else None) == variables
