"""The documents say what is: codes have headings, links lead somewhere, named commands exist."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.codes import AnomalyCode, RefusalCode, RejectionCode
from ops.generate import ROOT
from runtime.log_events import LogEvent
from runtime.metrics import CATALOGUE
from tests.monitoring import rules

RUNBOOK = ROOT / "docs" / "RUNBOOK.md"
# What the log says without a person having to do anything.
QUIET = {
    LogEvent.PROCESS_STARTED,
    LogEvent.PROCESS_STOPPED,
    LogEvent.PROCESS_LISTENING,
    LogEvent.MANAGEMENT_LISTENING,
    LogEvent.KEYS_TAKEN,
    LogEvent.KEYS_FETCHED,
    LogEvent.KAFKA_RECOVERED,
    LogEvent.DATABASE_RECOVERED,
    LogEvent.STREAM_RECOVERED,
    LogEvent.PARTITION_TAKEN,
    LogEvent.PARTITION_RELEASED,
    LogEvent.LIBRARY_SPOKE,
    # Their codes have headings of their own.
    LogEvent.CALLBACKS_REFUSED,
    LogEvent.RECORD_REJECTED,
    LogEvent.ANOMALY_NOTICED,
}


def _documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]
    return sorted(found)


def _project_files(folder: Path = ROOT) -> Iterator[Path]:
    """Yield the files of the project: all but what .gitignore names, and git's own."""
    ignored = {name.strip("/") for name in (ROOT / ".gitignore").read_text().splitlines()}
    for path in sorted(folder.iterdir()):
        if path.name == ".git" or any(path.match(pattern) for pattern in ignored if pattern):
            continue
        if path.is_dir():
            yield from _project_files(path)
        else:
            yield path


def _headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", text, re.MULTILINE)


def test_runbook_has_one_heading_for_each_code_and_event() -> None:
    expected = {
        *(f"Refused: `{code}`" for code in RefusalCode),
        *(f"Rejected: `{code}`" for code in RejectionCode),
        *(f"Anomaly: `{code}`" for code in AnomalyCode),
        *(f"Event: `{event}`" for event in LogEvent if event not in QUIET),
    }
    coded = [heading for heading in _headings(RUNBOOK.read_text()) if heading.endswith("`")]

    assert Counter(coded) == Counter(expected)


def test_runbook_has_one_heading_for_each_alert() -> None:
    text = RUNBOOK.read_text()
    headings = [one.removeprefix("Alert: ") for one in _headings(text) if one.startswith("Alert: ")]

    assert headings == [rule["alert"] for rule in rules() if "alert" in rule]
    assert headings


def test_runbook_gives_three_commands_causes_and_what_not_to_do_for_each_alert() -> None:
    sections = re.split(r"^###? ", RUNBOOK.read_text(), flags=re.MULTILINE)
    alerts = [one for one in sections if one.startswith("Alert: ")]

    lacking = [
        one.splitlines()[0]
        for one in alerts
        if len(re.findall(r"^[123]\. `", one, re.MULTILINE)) != 3
        or not all(word in one for word in ("*Means:*", "*Causes:*", "*Do:*", "*Not:*"))
    ]

    assert lacking == []


def test_runbook_tells_meaning_and_deed_under_each_heading() -> None:
    sections = re.split(r"^### ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]

    silent = [one.splitlines()[0] for one in sections if "*Means:*" not in one or "o:*" not in one]

    assert silent == []


def test_runbook_names_metrics_that_exist() -> None:
    names = {one.name for one in CATALOGUE}
    named = set(re.findall(r"esito_[a-z_]+[a-z]", RUNBOOK.read_text()))

    assert {name.removesuffix("_bucket") for name in named} - names == set()


@pytest.mark.parametrize("document", _documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_document_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and not re.match(r"[a-z]+:", link)]

    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", _documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_document_names_files_that_exist(document: Path) -> None:
    """A path in code that begins with a folder of ours is a file or folder of ours."""
    folders = "contracts|runtime|ingress|intake|workers|streams|ops|simulator|benchmarks|docs|tests"
    paths = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text())

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_documents_name_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in [*_documents(), ROOT / ".ci" / "run", ROOT / ".pre-commit-config.yaml"]
        for line in document.read_text().splitlines()
        for target in re.findall(r"(?:^|`|entry: )make ([a-z]+)", line)
    }

    assert {"demo", "test"} <= named <= targets


def test_gate_calls_the_command_of_the_readme() -> None:
    gate = (ROOT / ".ci" / "run").read_text()

    assert "\nmake test " in gate
    assert re.search(r"^make check( |$)", gate, re.MULTILINE)
    assert "make test" in (ROOT / "README.md").read_text()


def test_each_decision_has_the_same_sections() -> None:
    wanted = ["Context", "Decision", "Consequences", "Alternatives, and why not"]
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    odd = [page.name for page in pages if _headings(page.read_text())[1:] != wanted]

    assert odd == []
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))


def test_project_names_no_machine_and_no_registry() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {what}" for file in _project_files() for what in _foreign(file)
    ]

    assert found == []


def _foreign(file: Path) -> Iterator[str]:
    """Yield what ties a file to one machine, one person or one place to download from."""
    # Put together here, so that this file does not find itself.
    words = ["/" + "work/", "/" + "root/", "/" + "home/", "pypi" + ".org", "pythonhosted" + ".org"]
    words += [
        "npmjs" + ".org",
        "repo1." + "maven.org",
        "repo." + "maven.apache",
        "docker" + "-local",
    ]
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    yield from (word for word in words if word in text)
