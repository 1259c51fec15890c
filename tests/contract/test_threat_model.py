"""SECURITY.md and docs/PRIVACY.md say what shows each thing: the tests that they name exist."""

import ast
import re
from collections import defaultdict
from functools import cache

import pytest

from ops.generate import ROOT

SECURITY = ROOT / "SECURITY.md"
DOCUMENTS = (SECURITY, ROOT / "docs" / "PRIVACY.md")
# Every process, and every boundary beyond which somebody else's rules hold.
SECTIONS = [
    "Ingress",
    "Verifier",
    "State machine",
    "Intake",
    "Streams",
    "Poller",
    "The command `esito`",
    "Kafka",
    "PostgreSQL",
    "Object store",
    "Supply chain",
]
STRIDE = set("STRIDE")
COLUMNS = 5
REFERENCE = re.compile(r"`(tests/[\w/.-]+\.py)::(\w+)`")


def _model() -> str:
    after = SECURITY.read_text().partition("\n## Threat model\n")[2]
    return after.partition("\n## ")[0]


def _rows() -> dict[str, list[list[str]]]:
    """Return the cells of each row of each section."""
    rows: dict[str, list[list[str]]] = defaultdict(list)
    for section in _model().split("\n### ")[1:]:
        title, _, text = section.partition("\n")
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and cells[0] in STRIDE:
                rows[title].append(cells)
    return rows


@cache
def _tests_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_")
    )


def test_every_process_and_boundary_has_its_table() -> None:
    assert list(_rows()) == SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_table_has_a_row_for_every_letter(section: str) -> None:
    assert {cells[0] for cells in _rows()[section]} == STRIDE


@pytest.mark.parametrize("section", SECTIONS)
def test_every_threat_names_its_test_or_says_that_it_is_assumed(section: str) -> None:
    rows = _rows()[section]

    odd = [cells for cells in rows if len(cells) != COLUMNS]
    unshown = [
        cells[1] for cells in rows if not REFERENCE.search(cells[3]) and "*assumed*" not in cells[2]
    ]
    silent = [cells[1] for cells in rows if not cells[4]]

    assert (odd, unshown, silent) == ([], [], [])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_test_that_is_named_exists(document: str) -> None:
    named = set(REFERENCE.findall((ROOT / document).read_text()))

    absent = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (ROOT / path).is_file() or name not in _tests_of(path)
    ]

    assert named
    assert absent == []


def test_no_test_is_named_in_a_form_that_is_not_looked_up() -> None:
    """A reference with a misprint in its form would be looked up by nobody."""
    written = {
        one for file in DOCUMENTS for one in re.findall(r"`([^`]*::[^`]*)`", file.read_text())
    }

    assert [one for one in written if not REFERENCE.fullmatch(f"`{one}`")] == []
