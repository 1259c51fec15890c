"""A release never takes back what was released: versions rise, and the lower one stays beside."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ops.contract_rule.__main__ import RELEASED, main, released
from ops.contract_rule.changes import contract_changes
from ops.contract_rule.surface import Surface, surface
from ops.generate import ROOT
from ops.generated.yaml_text import project_version

NOW = surface(ROOT / "docs")


def event_members(of: Surface) -> dict[str, Any]:
    found: dict[str, Any] = of["asyncapi"]["schemas"]["StatusEvent"]["properties"]
    return found


def raised(of: Surface) -> Surface:
    """Return it with a second version of the status events beside the first."""
    after = copy.deepcopy(of)
    after["asyncapi"]["contents"]["status v2"] = {}
    topics = after["asyncapi"]["topics"]
    topics += [one.replace(".v1", ".v2") for one in topics if one.endswith(".status.v1")]
    return after


def without_first(of: Surface) -> Surface:
    """Return it without the first version of the status events."""
    after = copy.deepcopy(of)
    after["asyncapi"]["contents"].pop("status v1")
    topics = after["asyncapi"]["topics"]
    topics[:] = [one for one in topics if not one.endswith(".status.v1")]
    return after


def breaks(before: Surface, after: Surface) -> list[str]:
    return [str(change) for change in contract_changes(before, after) if change.breaks]


def site(directory: Path, surface: Surface, version: str) -> Path:
    """Return a root whose last release is this one."""
    file = directory / RELEASED
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": version, "surface": surface}))
    return directory


def test_higher_version_is_taken_beside_the_lower_one() -> None:
    changes = [str(change) for change in contract_changes(NOW, raised(NOW))]

    assert breaks(NOW, raised(NOW)) == []
    assert {"`status v2` is written", "`transactions.pivot.status.v2` is a topic"} <= set(changes)


def test_higher_version_in_place_of_the_lower_one_breaks() -> None:
    found = breaks(NOW, without_first(raised(NOW)))

    assert "`status v1` is no longer written" in found
    assert "`transactions.pivot.status.v1` is no longer a topic" in found


def test_lower_version_may_go_once_both_were_released() -> None:
    assert breaks(raised(NOW), without_first(raised(NOW))) == []


def test_command_prints_what_breaks_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = copy.deepcopy(NOW)
    event_members(before)["colour"] = {"type": "string"}

    code = main([], root=site(tmp_path, before, "0.0.1"))

    assert (code, capsys.readouterr().out) == (1, "breaks `status v1: payload.colour` is gone\n")


def test_command_does_not_release_what_breaks(tmp_path: Path) -> None:
    before = copy.deepcopy(NOW)
    event_members(before)["colour"] = {"type": "string"}
    root = site(tmp_path, before, "0.0.1")

    assert main(["--release"], root=root) == 1
    assert released(root) == {"version": "0.0.1", "surface": before}


def test_command_does_not_release_a_change_under_a_released_version(tmp_path: Path) -> None:
    before = copy.deepcopy(NOW)
    event_members(before).pop("reasons")
    root = site(tmp_path, before, project_version())

    assert main(["--release"], root=root) == 1
    assert released(root)["surface"] == before


def test_command_releases_a_change_under_a_new_version(tmp_path: Path) -> None:
    before = copy.deepcopy(NOW)
    event_members(before).pop("reasons")
    root = site(tmp_path, before, "0.0.1")

    assert main(["--release"], root=root) == 0
    assert released(root) == {"version": project_version(), "surface": NOW}


def test_command_makes_what_is_the_first_release(tmp_path: Path) -> None:
    (tmp_path / RELEASED).parent.mkdir(parents=True)

    assert main(["--release"], root=tmp_path) == 0
    assert main([], root=tmp_path) == 0
