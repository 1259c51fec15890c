"""No body, however made, is answered 5xx; and no call ends the process."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.intake import REQUESTS, Intake
from tests.kafka import run
from tests.send.requests import f24, pago_pa, recipient, request

ALLOWED = {202, 400, 404, 409}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "\0", "PF", "PG", "PEC", "ITALIA", "application/pdf", "302000100000019"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
WHOLE = request(
    idempotenceToken="t",
    group="g",
    recipients=[recipient(payments=[pago_pa(), f24(apply_cost=False)])],
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    """Return the path of every part of a value."""
    if not isinstance(value, dict | list):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(one for name, part in inner for one in paths(part, (*path, name)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy of a value with another part at `path`."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(paths(WHOLE)), value=VALUES)
def test_request_with_any_value_anywhere_is_taken_or_refused(
    shared_intake: Intake, path: tuple[Any, ...], value: object
) -> None:
    body = json.dumps(changed(WHOLE, path, value)).encode()

    answer = run(shared_intake.call("POST", REQUESTS, body=body))

    assert answer.status in ALLOWED
    assert shared_intake.processes[0].count("callback.failed") == 0


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200) | VALUES.map(lambda one: json.dumps(one).encode()))
def test_any_body_is_refused(shared_intake: Intake, body: bytes) -> None:
    answer = run(shared_intake.call("POST", REQUESTS, body=body))

    assert answer.status in ALLOWED
    assert shared_intake.processes[0].count("callback.failed") == 0


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    number=st.text(max_size=300),
    token=st.none() | st.text(max_size=20),
    identifier=st.none() | st.text(max_size=40) | st.just("A" * 36),
)
def test_any_question_is_answered(
    shared_intake: Intake, number: str, token: str | None, identifier: str | None
) -> None:
    given_ = {
        "paProtocolNumber": number,
        "idempotenceToken": token,
        "notificationRequestId": identifier,
    }
    known = {name: text for name, text in given_.items() if text is not None}

    answer = run(shared_intake.status(**known))

    assert answer.status in ALLOWED | {200}
    assert shared_intake.processes[0].count("callback.failed") == 0
