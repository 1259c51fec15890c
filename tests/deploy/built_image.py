"""The image as it was built: `make image` builds it and runs this file.

pytest does not find it by its name: it needs a Docker engine, which the gate may not have.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from ops.generate import ROOT

IMAGE: Final = "esito:0.1.0"
STOP_SECONDS_MAX: Final = 30
TRIES_MAX: Final = 50
KEYS: Final = "/etc/esito/keys"
PASSWORD: Final = "/etc/esito/postgres"  # noqa: S105 - a directory
PROCESSES: Final = (
    ("ingress",),
    ("intake",),
    ("streams",),
    ("workers", "verifier", "--provider", "send"),
    ("workers", "state-machine", "--provider", "pivot"),
)
HEALTH: Final = ("/opt/esito/bin/python", "-m", "ops.container", "health")
BOUNDS: Final = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": {"/tmp": ""},  # noqa: S108 - of the container
    "network_mode": "none",
}

# Says whether the first process has a handler for SIGTERM yet.
CAUGHT: Final = (
    "import re, sys\n"
    "mask = re.search(r'SigCgt:\\s*(\\w+)', open('/proc/1/status').read())[1]\n"
    "sys.exit(not int(mask, 16) >> 14 & 1)\n"
)


@cache
def engine() -> Any:  # noqa: ANN401 - the library has no types
    """Return the engine.

    Raises: AssertionError when there is none, or it lacks the image.
    """
    try:
        client = docker.from_env()
        client.images.get(IMAGE)
    except ImageNotFound:
        pytest.fail(f"the engine has no image {IMAGE}: run make image")
    except DockerException as error:
        pytest.fail(f"no Docker engine answers ({error}): install one and start it")
    return client


@pytest.fixture(scope="module")
def files() -> Iterator[dict[str, dict[str, str]]]:
    """Give the configuration of docker-compose.yml and secrets of its own."""
    configuration = str(ROOT / "deploy" / "compose" / "esito.yaml")
    volumes = {engine().volumes.create().name: place for place in (KEYS, PASSWORD)}
    try:
        engine().containers.run(
            IMAGE,
            ["secrets", KEYS, "--password", f"{PASSWORD}/password"],
            volumes={name: {"bind": place, "mode": "rw"} for name, place in volumes.items()},
            remove=True,
            **BOUNDS,
        )
        yield {
            **{name: {"bind": place, "mode": "ro"} for name, place in volumes.items()},
            configuration: {"bind": "/etc/esito/esito.yaml", "mode": "ro"},
        }
    finally:
        for name in volumes:
            engine().volumes.get(name).remove()


@contextmanager
def running(*command: str, **settings: object) -> Iterator[Any]:
    """Give a container that is removed afterwards."""
    container = engine().containers.run(
        IMAGE, list(command), detach=True, environment={}, **BOUNDS, **settings
    )
    try:
        yield container
    finally:
        container.remove(force=True)


def _said(container: Any) -> str:  # noqa: ANN401 - the library has no types
    text: str = container.logs().decode()
    return text


def _until_healthy(container: Any) -> None:  # noqa: ANN401 - the library has no types
    while container.exec_run(list(HEALTH)).exit_code != 0:
        container.reload()
        assert container.status == "running", _said(container)


def test_image_names_its_user_its_process_and_its_check() -> None:
    image = engine().images.get(IMAGE)
    settings = image.attrs["Config"]

    assert settings["User"] == "10001:10001"
    assert settings["Entrypoint"] == ["/opt/esito/bin/python", "-m", "ops.container"]
    assert settings["Healthcheck"]["Test"] == ["CMD", *HEALTH]
    assert settings["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert settings["Labels"]["org.opencontainers.image.revision"] != "unknown"


def test_image_has_no_compiler_and_no_installer_of_ours() -> None:
    program = (
        "import importlib.util, json, os, shutil\n"
        "tools = ('cc', 'gcc', 'g++', 'ld', 'as', 'make')\n"
        "found = [tool for tool in tools if shutil.which(tool)]\n"
        "ours = ('pip', 'hatchling', 'pytest')\n"
        "found += [name for name in ours if importlib.util.find_spec(name)]\n"
        "print(json.dumps([found, os.getuid(), os.access('/opt/esito', os.W_OK)]))\n"
    )

    said = engine().containers.run(
        IMAGE, ["-c", program], entrypoint="/opt/esito/bin/python", remove=True, **BOUNDS
    )

    assert json.loads(said) == [[], 10001, False]


@pytest.mark.parametrize("command", PROCESSES, ids=" ".join)
def test_process_is_healthy_and_ends_when_told(
    command: tuple[str, ...], files: dict[str, dict[str, str]]
) -> None:
    """Without Kafka and database: it waits for them, and is healthy while it does."""
    with running(*command, volumes=files) as container:
        _until_healthy(container)
        container.stop(timeout=STOP_SECONDS_MAX)

        assert container.wait()["StatusCode"] == 0
        assert '"process.stopped"' in _said(container)


@pytest.mark.parametrize("command", PROCESSES, ids=" ".join)
def test_process_ends_when_told_while_it_starts(command: tuple[str, ...]) -> None:
    """As the first process of its container it is sent nothing that it has no handler for."""
    waiting = ("--configuration", "/dev/stdin")  # on which nobody says anything
    with running(*command, *waiting, stdin_open=True) as container:
        caught = any(
            container.exec_run(["/opt/esito/bin/python", "-c", CAUGHT]).exit_code == 0
            for _ in range(TRIES_MAX)
        )
        container.stop(timeout=STOP_SECONDS_MAX)

        assert caught, _said(container)
        assert container.wait()["StatusCode"] == 128 + signal.SIGTERM


@pytest.mark.parametrize("command", [("doctor", "--help"), ("esito", "streams", "--help"), ()])
def test_everything_else_is_a_command(command: tuple[str, ...]) -> None:
    said = engine().containers.run(IMAGE, list(command), remove=True, **BOUNDS).decode()

    assert "Usage:" in said
