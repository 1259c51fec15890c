"""docker-compose.yml says what the code says: processes, settings, topics, ports, versions."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.configuration.check import check_file
from ops.embedded.jars import KAFKA_VERSION
from ops.generate import ROOT
from ops.local.installation import write_password, write_secrets
from ops.local.processes import programs_of
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from simulator.planning import PLAYERS
from tests.postgres import IMAGE as POSTGRES_IMAGE

COMPOSE = ROOT / "docker-compose.yml"
FILE = ROOT / "deploy" / "compose" / "esito.yaml"
THREE_BROKERS = ROOT / "deploy" / "compose" / "three-brokers.env"
DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")
TAG = re.compile(r"^[a-z0-9/-]+:v?[0-9][0-9.]*$")
# They do one thing and end.
ONE_SHOT = {"secrets", "topics", "simulator"}
# What may be switched on: started by nobody who has not asked for it.
OPTIONAL = {"kafka-2", "kafka-3", "poller-send", "simulator"}


@cache
def _services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def _own() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in _services().items() if one["image"].startswith("esito:")}


def _interpolated(service: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    return {
        name: DEFAULT.sub(lambda found: given.get(found[1], found[2]), value)
        for name, value in service["environment"].items()
    }


def _three_brokers() -> dict[str, str]:
    lines = [line for line in THREE_BROKERS.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _configuration(given: Mapping[str, str]) -> Configuration:
    return load_configuration(FILE, environ=_interpolated(_own()["ingress"], given))


def test_every_provider_that_the_simulator_plays_has_an_endpoint() -> None:
    assert {one.provider for one in _configuration({}).endpoints} == set(PLAYERS)


def test_services_are_the_processes_that_the_configuration_has_work_for() -> None:
    expected = {one.name: list(one.arguments) for one in programs_of(_configuration({}))}
    given = {name: one["command"] for name, one in _own().items()}

    assert {name: given[name] for name in set(given) - ONE_SHOT - OPTIONAL} == expected
    assert given["poller-send"] == ["workers", "poller", "--provider", "send"]
    assert given["topics"] == ["topics", "apply"]


@pytest.mark.parametrize("given", [{}, _three_brokers()], ids=["one broker", "three brokers"])
def test_every_process_takes_its_variables(given: dict[str, str]) -> None:
    replicas = int(given.get("KAFKA_REPLICAS", "1"))

    for service in _own().values():
        configuration = load_configuration(FILE, environ=_interpolated(service, given))
        brokers = configuration.kafka_bootstrap_servers.split(",")
        assert len(brokers) == configuration.topics.replication_factor == replicas
        assert {one.partition(":")[0] for one in brokers} <= set(_services())


def test_variables_of_three_brokers_are_used() -> None:
    named = {name for name, _ in DEFAULT.findall(COMPOSE.read_text())}

    assert set(_three_brokers()) == {*named, "COMPOSE_PROFILES"}


def test_files_that_the_configuration_names_are_made_by_the_service_secrets(tmp_path: Path) -> None:
    written = tmp_path / "esito.yaml"
    written.write_text(FILE.read_text())
    write_secrets(tmp_path / "keys", parties=tmp_path / "keys")
    write_password(tmp_path / "postgres" / "password")

    checked, _ = check_file(written, environ={}, now=datetime.now(UTC))
    password = load_configuration(written, environ={}).database.password_file

    assert list(checked.faults) == []
    assert password is not None
    assert password.is_file()
    command = _services()["secrets"]["command"]
    assert command == ["secrets", "/etc/esito/keys", "--password", "/etc/esito/postgres/password"]


def test_published_ports_are_the_configured_ones_and_of_this_machine_alone() -> None:
    configuration = _configuration({})
    published = {
        name: [port.split(":") for port in one["ports"]]
        for name, one in _services().items()
        if "ports" in one
    }

    ports = {name: int(one[0][2]) for name, one in published.items() if name in _own()}
    assert ports == {
        "ingress": configuration.ingress.port,
        "intake": configuration.intake.port,
        "streams": configuration.streams.port,
    }
    assert {port[0] for one in published.values() for port in one} == {"127.0.0.1"}


def test_images_are_of_the_versions_that_are_tested() -> None:
    images = {name: one["image"] for name, one in _services().items()}
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version

    assert [name for name, image in images.items() if not TAG.match(image)] == []
    assert {images[name] for name in _own()} == {f"esito:{version[1]}"}
    assert {images[f"kafka-{n}"] for n in (1, 2, 3)} == {f"apache/kafka:{KAFKA_VERSION}"}
    assert images["postgres"] == POSTGRES_IMAGE


@pytest.mark.parametrize("name", _services())
def test_service_may_do_little(name: str) -> None:
    service = _services()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"privileged", "pid", "ipc", "userns_mode", "devices"} & set(service) == set()
    assert name not in _own() or service["user"] == "10001:10001"
    assert "docker.sock" not in str(service)


@pytest.mark.parametrize("name", sorted(set(_services()) - ONE_SHOT))
def test_service_that_stays_says_whether_it_is_well(name: str) -> None:
    check = _services()[name]["healthcheck"]

    assert check["test"][0] == "CMD"
    if name in _own():
        assert check["test"][-3:] == ["ops.container", "health", "ready"]


def test_every_process_starts_after_its_topics_and_its_database() -> None:
    services, done, well = _services(), "service_completed_successfully", "service_healthy"

    for name in set(_own()) - ONE_SHOT:
        waits = {"topics": done}
        if name in {"intake", "streams"}:
            waits["postgres"] = well
        found = {one: how["condition"] for one, how in services[name]["depends_on"].items()}
        assert found == waits
    brokers = [name for name in services if name.startswith("kafka-")]
    found = {one: how["condition"] for one, how in services["topics"]["depends_on"].items()}
    assert found == {"secrets": done, **dict.fromkeys(brokers, well)}
    for name in services:
        required = services[name].get("depends_on", {})
        optional = {one for one, how in required.items() if not how.get("required", True)}
        assert set(required) & OPTIONAL <= optional
        assert ("profiles" in services[name]) == (name in OPTIONAL)


def test_processes_may_take_as_long_to_end_as_they_say() -> None:
    configuration = _configuration({})
    grace = max(
        one.grace_seconds
        for one in (configuration.ingress, configuration.intake, configuration.streams)
    )

    for service in _own().values():
        assert int(service["stop_grace_period"].removesuffix("s")) >= grace + 5


def test_broker_has_a_listener_for_containers_and_one_for_this_machine() -> None:
    for number in (1, 2, 3):
        service = _services()[f"kafka-{number}"]
        variables = service["environment"]
        port = service["ports"][0].split(":")[1]
        advertised = variables["KAFKA_ADVERTISED_LISTENERS"]
        assert advertised == f"CLIENTS://127.0.0.1:{port},INTERNAL://kafka-{number}:9094"
        assert variables["KAFKA_INTER_BROKER_LISTENER_NAME"] == "INTERNAL"
        assert variables["KAFKA_NODE_ID"] == str(number)


def test_prometheus_asks_every_process() -> None:
    groups = yaml.safe_load((ROOT / "deploy" / "compose" / "targets.yaml").read_text())
    image = (ROOT / "Dockerfile").read_text()
    port = re.search(r"ESITO_MANAGEMENT_PORT=(\d+)", image)
    assert port

    asked = {}
    for group in groups:
        (target,) = group["targets"]
        labels = group["labels"]
        words = [labels["process"], *([labels["provider"]] if "provider" in labels else [])]
        asked[target] = "-".join(words)

    assert asked == {f"{name}:{port[1]}": name for name in set(_own()) - ONE_SHOT - OPTIONAL}


def test_mounted_files_exist_and_volumes_are_named() -> None:
    named = set(yaml.safe_load(COMPOSE.read_text())["volumes"])
    sources = {
        volume.split(":")[0] for one in _services().values() for volume in one.get("volumes", ())
    }
    files = {source for source in sources if source.startswith(".")}

    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []
    assert sources - files == named


def test_no_secret_is_written_down() -> None:
    texts = [COMPOSE.read_text(), FILE.read_text(), THREE_BROKERS.read_text()]
    # As long as a key of ours, and of every kind of character.
    random = re.compile(r"(?=\S*[0-9])(?=\S*[A-Z])(?=\S*[a-z])[\w+/-]{32,}")
    secret = re.compile(r"(?i)(password|secret|api_?key)\w*: +[^\s{]{6,}")
    variables = {name for one in _services().values() for name in one.get("environment", ())}

    for text in texts:
        assert random.findall(text) == []
        assert [hit[0] for hit in secret.finditer(text) if "_file" not in hit[0].lower()] == []
    assert [name for name in variables if "PASSWORD" in name and not name.endswith("_FILE")] == []
