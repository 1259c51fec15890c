"""The image is made of what is shipped, by the lock, for a user without rights."""

import json
import re
import tomllib

from ops.generate import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
FINAL = TEXT[TEXT.rindex("\nFROM ") :]


def test_image_is_built_from_what_is_shipped_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    taken = {line.removeprefix("!") for line in lines if line.startswith("!")}

    assert "*" in lines
    assert taken == packages | {
        *("pyproject.toml", "requirements.lock", "requirements.production.lock"),
        *("README.md", "LICENSE"),
    }


def test_everything_is_installed_by_hash_and_nothing_is_compiled() -> None:
    joined = TEXT.replace("\\\n", " ")
    commands = re.findall(r"\bpip (?:--python \S+ )?install [^&\n]*", joined)

    assert len(commands) == 3
    for command in commands:
        by_hash = "--require-hashes" in command and "--only-binary :all:" in command
        assert by_hash or "--no-deps --no-index dist/*.whl" in command


def test_tools_of_the_build_are_in_the_lock() -> None:
    names = re.search(r"\^\(([a-z|-]+)\)==", TEXT)
    lock = (ROOT / "requirements.lock").read_text()
    assert names

    missing = [name for name in names[1].split("|") if f"\n{name}==" not in lock]

    assert missing == []


def test_process_is_the_first_of_its_container_and_has_no_rights() -> None:
    start = ["/opt/esito/bin/python", "-m", "ops.container"]
    entry = re.search(r"^ENTRYPOINT (\[.*\])$", FINAL, re.MULTILINE)
    health = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", FINAL, re.MULTILINE)
    assert entry
    assert health

    assert json.loads(entry[1]) == start  # a list: no shell that would keep SIGTERM to itself
    assert json.loads(health[1]) == [*start, "health"]
    assert re.findall(r"^USER (.*)$", FINAL, re.MULTILINE) == ["10001:10001"]
    assert "latest" not in TEXT


def test_labels_say_what_the_project_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', FINAL))

    assert labels["version"] == project["version"]
    assert labels["description"] == project["description"]
    assert labels["licenses"] == project["license"]
    assert labels["vendor"] == project["authors"][0]["name"]
