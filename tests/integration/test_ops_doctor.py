"""`esito doctor` against a real Kafka, healthy and not."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner

from ops.__main__ import app
from ops.local.running_installation import free_row
from tests.integration.processes import process
from tests.integration.records import Esito, Shelf, change, write_configuration


def test_doctor_healthy_installation_passes(esito: Esito, shelf: Shelf) -> None:
    shelf.callback(b"x")

    examined = esito("doctor", "--json")

    findings = [json.loads(line) for line in examined.stdout.splitlines()]
    assert examined.exit_code == 0
    assert {one["subject"]: one["level"] for one in findings} == {
        "configuration": "ok",
        "secrets": "ok",
        "keys": "ok",
        "ingress.port": "ok",
        "management_port": "ok",
        "brokers": "warn",
        "topics": "ok",
        "replicas": "ok",
        "offsets": "ok",
        "reading": "ok",
        "clocks": "ok",
        "rights": "warn",
        "verifier pivot": "warn",
        "state-machine pivot": "warn",
    }
    assert "nobody works; 1 records behind" in examined.stdout


def test_doctor_faults_fail_with_their_fix(esito: Esito, configuration_file: Path) -> None:
    change(configuration_file, "replication_factor: 1", "replication_factor: 9")
    (configuration_file.parent / "api.key").write_text("short")

    examined = esito("doctor")

    assert examined.exit_code == 1
    assert "fail  endpoints.0.api_key.keys.0.file: " in examined.stdout
    assert "openssl rand -hex 32" in examined.stdout
    assert "replication_factor is 9, and there are" in examined.stdout
    assert "fix: esito topics apply" in examined.stdout


def test_doctor_retention_beyond_that_of_offsets_is_doubtful(
    esito: Esito, shelf: Shelf, configuration_file: Path
) -> None:
    change(configuration_file, "topics: {", "topics: {raw_retention_days: 70, ")

    examined = esito("doctor")

    assert shelf
    assert "warn  offsets: a worker away for 60 days begins anew: offsets" in examined.stdout
    assert "fix: set it to 102240 or more on every broker" in examined.stdout


def test_doctor_without_kafka_fails_after_the_files(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, servers="127.0.0.1:1", prefix="t.")

    examined = CliRunner().invoke(app, ["doctor", "--configuration", str(file)])

    assert examined.exit_code == 1
    assert "ok    configuration: 1 endpoints, no fault" in examined.stdout
    assert "fail  brokers: Kafka does not answer at 127.0.0.1:1" in examined.stdout


def test_doctor_port_of_another_program_fails(configuration_file: Path, esito: Esito) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        change(configuration_file, "ingress: {port: 0}", f"ingress: {{port: {port}}}")

        examined = esito("doctor")

    assert examined.exit_code == 1
    assert f"fail  ingress.port: 127.0.0.1:{port} is in use by another program" in examined.stdout
    assert "fix: stop it, or set ESITO_INGRESS__PORT" in examined.stdout


@pytest.mark.parametrize("more", ["", ", client_ca_file: ca.pem"], ids=["any", "certificate"])
async def test_doctor_knows_an_ingress_that_ends_tls(
    configuration_file: Path, esito: Esito, shelf: Shelf, more: str
) -> None:
    folder, ca, port = configuration_file.parent, trustme.CA(), free_row(1)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    issued = ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    issued.write_to_path(folder / "server.pem")
    tls = f"{{certificate_file: server.pem, key_file: server.pem{more}}}"
    change(configuration_file, "ingress: {port: 0}", f"ingress: {{port: {port}, tls: {tls}}}")

    async with process(configuration_file, "ingress"):
        examined = await asyncio.to_thread(esito, "doctor")

    assert shelf
    said = f"ok    ingress.port: 127.0.0.1:{port} is in use by Esito itself"
    assert said in examined.stdout
