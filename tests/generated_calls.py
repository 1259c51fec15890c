"""Call what an OpenAPI document describes, as schemathesis thinks it up, and judge the answers.

Half of the calls are by the document and half against it; in half of each, values that lead to
something take the place of those thought up. The same calls come every time.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import schemathesis
import schemathesis.specs.openapi.schemas  # now: CPython 3.11 may fail to parse in two threads
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.send.site import TIMEOUT_SECONDS, Site

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
# One call of so many comes without a key of ours.
_KEYED: Final = 10
_API_KEY: Final = "x-api-key"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the calls of one operation."""

    label: str
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def verdicts(document: Mapping[str, Any], site: Site, *, examples: int) -> Iterator[Verdict]:
    """Yield a verdict for each operation after `examples` calls of each kind."""
    schema = schemathesis.openapi.from_dict(_without_security(document))
    for found in schema.get_all_operations():
        assert not isinstance(found, Err), found.err()
        operation = found.ok()
        verdict = Verdict(operation.label)
        for mode in _MODES:
            with suppress(Unsatisfiable):  # any text at all is by the document
                _call(operation.as_strategy(mode), site, verdict, examples=examples)
        yield verdict


def _without_security(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without keys: schemathesis would send its own, or none, in our place."""
    paths = {
        path: {name: _bare(one) for name, one in operations.items()}
        for path, operations in document["paths"].items()
    }
    bare = {**_bare(document), "paths": paths}
    kept = {**document["components"], "securitySchemes": {}}
    return {**bare, "components": kept}


def _bare(given_: Any) -> Any:  # noqa: ANN401 - an operation, or its parameters
    if not isinstance(given_, Mapping):
        return given_
    return {name: value for name, value in given_.items() if name != "security"}


def _call(strategy: Any, site: Site, verdict: Verdict, *, examples: int) -> None:  # noqa: ANN401 - untyped there
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, real=st.booleans())
    def call(case: Case[Any], *, real: bool) -> None:
        if real:
            _make_real(case, site)
        if verdict.statuses.total() % _KEYED:
            case.headers[_API_KEY] = site.key(case.path)
        response = case.call(site.url(case.path), timeout=TIMEOUT_SECONDS)
        verdict.statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            verdict.faults.extend(f"{one.title}: {one.message}" for one in group.exceptions)

    call()


def _make_real(case: Case[Any], site: Site) -> None:
    """Put what leads to something in the place of what was thought up."""
    if case.path_parameters or case.query:
        known = site.known(case.method)
        for name in case.path_parameters.keys() & known.keys():
            case.path_parameters[name] = quote(known[name], safe="")
        for name in case.query.keys() & known.keys():
            case.query[name] = known[name]
        for name in ("after", "lastEventId"):  # the page would be empty for ever after
            case.query.pop(name, None)
    body = site.body(case.method, case.path)
    if body is not None:
        case.body = body
