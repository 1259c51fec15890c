"""The example subscribers name what we run on, from locks without addresses, and every status."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from contracts.lifecycle import Status
from ops.embedded.jars import KAFKA_VERSION
from ops.generate import ROOT

EXAMPLES = ROOT / "examples"
NPM_LOCKS = [
    EXAMPLES / "typescript" / "package-lock.json",
    ROOT / "tests" / "deploy" / "contract_tools" / "package-lock.json",
]
SOURCES = ["python/subscribe.py", "java/src/main/java/example/Effects.java"]
SOURCES += ["typescript/src/effects.ts"]


def packages(lock: Path) -> dict[str, dict[str, Any]]:
    """Return what the lock installs by its path; the first entry is the folder itself."""
    found: dict[str, dict[str, Any]] = json.loads(lock.read_text())["packages"]
    return {path: one for path, one in found.items() if path}


def pinned(requirements: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", requirements.read_text(), re.MULTILINE))


def coordinates(kind: str) -> dict[str, str]:
    """Return the versions of the pom's dependencies or plugins by their names."""
    tree = etree.parse(EXAMPLES / "java" / "pom.xml")
    found = tree.iter("{*}" + kind)
    return {one.findtext("{*}artifactId", ""): one.findtext("{*}version", "") for one in found}


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda file: file.parent.name)
def test_npm_lock_has_digests_and_no_addresses(lock: Path) -> None:
    faults = [
        path
        for path, one in packages(lock).items()
        if "resolved" in one or not one["integrity"].startswith("sha512-")
    ]

    assert faults == []


def test_python_lock_has_digests_and_our_versions() -> None:
    lock = EXAMPLES / "python" / "requirements.lock"
    ours = pinned(ROOT / "requirements.lock")

    assert pinned(lock).items() <= ours.items()
    assert lock.read_text().count("==") == len(pinned(lock))
    assert "--hash=sha256:" in lock.read_text()


def test_pom_pins_every_version_and_kafka_to_ours() -> None:
    dependencies = coordinates("dependency")
    versions = [*dependencies.values(), *coordinates("plugin").values()]

    assert dependencies["kafka-clients"] == KAFKA_VERSION
    assert [one for one in versions if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", one)] == []


def test_page_names_the_versions_of_the_locks() -> None:
    rows = re.findall(
        r"^\| [^|]+ \| ([a-z-]+) \| ([0-9.]+) \| [A-Za-z0-9.-]+ \|",
        (ROOT / "docs" / "SUBSCRIBING.md").read_text(),
        re.MULTILINE,
    )

    assert dict(rows) == {
        "aiokafka": pinned(EXAMPLES / "python" / "requirements.lock")["aiokafka"],
        "kafka-clients": coordinates("dependency")["kafka-clients"],
        "kafkajs": packages(NPM_LOCKS[0])["node_modules/kafkajs"]["version"],
    }


@pytest.mark.parametrize("source", SOURCES)
def test_example_knows_every_status(source: str) -> None:
    pairs = re.findall(
        r'"([a-z]+)"[:,] "(?:wait|deliver|release)"', (EXAMPLES / source).read_text()
    )

    assert set(pairs) == {status.value for status in Status}
