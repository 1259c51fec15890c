"""The manifests of deploy/k8s, as far as they can be judged without rendering them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ops.generate import ROOT
from ops.generated.yaml_text import project_version
from ops.local.processes import programs_of
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from tests.deploy.secret_files import READERS, named_files

FOLDER = ROOT / "deploy" / "k8s"
OVERLAYS = sorted(file.parent.name for file in FOLDER.glob("overlays/*/esito.yaml"))


def test_every_overlay_has_a_configuration() -> None:
    assert sorted(one.name for one in (FOLDER / "overlays").iterdir()) == OVERLAYS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_configuration_of_an_overlay_is_the_models(overlay: str) -> None:
    assert programs_of(_configuration(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_file_that_an_overlay_names_has_readers(overlay: str) -> None:
    files = named_files(_configuration(overlay))

    assert [one.key for one in files if not any(one.key.startswith(key) for key in READERS)] == []


def test_every_manifest_is_taken_in_by_a_kustomization() -> None:
    """A file that nobody names would be edited in vain."""
    named = {path.resolve() for file in FOLDER.rglob("kustomization.yaml") for path in _named(file)}
    there = {one for one in FOLDER.rglob("*.yaml") if one.name != "kustomization.yaml"}
    folders = {one.parent for one in FOLDER.rglob("kustomization.yaml")}
    tops = {folder for folder in folders if folder.parent.name == "overlays"}
    # Applied alone; and taken in by no example.
    tops |= {FOLDER / "kafka" / "plaintext", FOLDER / "components" / "traces"}

    assert {one for one in there - named if one.name != "esito.yaml"} == set()
    assert folders - named - tops == set()


def test_image_is_of_this_version() -> None:
    assert f"image: esito:{project_version()}\n" in (FOLDER / "base/pod/pod.yaml").read_text()


def test_readme_names_each_secret_with_its_files() -> None:
    text = (FOLDER / "README.md").read_text()
    told = {
        found["name"]: set(re.findall(r"`([^`]+)`", found["files"]))
        for found in re.finditer(
            r"^\| `(?P<name>esito-\S+)` \| (?P<files>[^|]+) \|", text, re.MULTILINE
        )
    }
    needed: defaultdict[str, set[str]] = defaultdict(set)
    for one in named_files(_configuration("production")):
        if "kafka" not in one.path.parts:
            needed[f"esito-{'-'.join(one.path.parent.parts[3:])}"].add(one.path.name)

    assert told == needed


def test_readme_tells_each_way_in() -> None:
    text = (FOLDER / "README.md").read_text()
    called = {
        path
        for one in _configuration("production").endpoints
        if one.remote_stream is None
        for path in (one.path, *one.more_paths)
    }

    assert {path for path in called if f"`{path}" not in text} == set()


def _configuration(overlay: str) -> Configuration:
    return load_configuration(FOLDER / "overlays" / overlay / "esito.yaml", environ={})


def _named(file: Path) -> Iterator[Path]:
    content = yaml.safe_load(file.read_text())
    for key in ("resources", "components"):
        for one in content.get(key, []):
            yield file.parent / one
    for patch in content.get("patches", []):
        if "path" in patch:
            yield file.parent / patch["path"]
