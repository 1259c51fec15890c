"""`esito pki`: what it prints is a configuration that trusts what it wrote."""

from pathlib import Path

import yaml
from typer.testing import CliRunner

from ops.__main__ import app
from runtime.endpoint_configuration import Endpoint
from runtime.signature_configuration import Certificates, ServiceProvider


def test_pki_prints_sections_that_an_endpoint_takes(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["pki", str(tmp_path / "pki")])

    assert result.exit_code == 0
    sections = yaml.safe_load(result.stdout)
    certificates = Certificates(**sections["certificates"])
    assert all(file.is_file() for file in certificates.root_files + certificates.crl_files)
    providers = [ServiceProvider(**one) for one in sections["service_providers"]]
    assert [one.id for one in providers] == ["bank-a", "bank-b"]
    Endpoint(name="e", provider="srtp", path="/e", **sections)


def test_pki_in_a_directory_that_has_one_is_refused(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["pki", str(tmp_path)])
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.key")}

    result = CliRunner().invoke(app, ["pki", str(tmp_path)])

    assert result.exit_code == 2
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.key")} == before
