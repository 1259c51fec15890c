"""What `esito demo --json` tells of what it found."""

import json
from dataclasses import replace
from typing import Any

from ops.local.demo import Outcome
from simulator.comparison import Comparison

EQUAL = Comparison(
    provider="pivot",
    transactions=30,
    attempts=80,
    retries=0,
    rows=(),
    lost=0,
    doubled=0,
    gaps=0,
    disorder=0,
    differences=(),
)


def test_outcome_as_planned_is_ok() -> None:
    found = told(outcome(EQUAL, replace(EQUAL, provider="srtp")))

    assert found["ok"] is True
    assert set(found["providers"]) == {"pivot", "srtp"}
    assert found["exit_codes"] == {"ingress": 0}


def test_outcome_sums_what_went_wrong_with_each_provider() -> None:
    found = told(outcome(replace(EQUAL, lost=2), replace(EQUAL, provider="srtp", lost=1, gaps=4)))

    assert found["ok"] is False
    assert [found[what] for what in ("lost", "doubled", "gaps", "disorder")] == [3, 0, 4, 0]


def test_process_that_did_not_end_well_is_not_ok() -> None:
    assert told(outcome(EQUAL, exit_code=-9))["ok"] is False


def outcome(*comparisons: Comparison, exit_code: int = 0) -> Outcome:
    return Outcome(
        seed=1, comparisons=comparisons, exit_codes={"ingress": exit_code}, seconds=40.04
    )


def told(found: Outcome) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(found.as_json()))
    return read
