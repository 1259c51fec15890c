"""esito.example.yaml works once the files it names exist, and the documents name the same keys."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from contracts.providers import all_providers
from ingress.build import AppBuilder
from intake.problems import Code
from ops.generate import ROOT
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import CREDENTIALS, KeySource
from runtime.mac import MacInput, write_mac
from runtime.metrics import Metrics
from runtime.telemetry import configure_logging
from tests.certificates import pem, revocation_list, root
from tests.sources import sources
from workers.verifier.policies import endpoint_policies

EXAMPLE = ROOT / "esito.example.yaml"
SECRET = b"a secret of tests, long enough"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Return the example as read beside the files it names."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "esito.yaml"
    file.write_text(EXAMPLE.read_text())
    configuration = load_configuration(file, environ={})
    for endpoint in configuration.endpoints:
        _write_keys(endpoint)
    return configuration


def test_example_has_an_endpoint_of_every_provider(example: Configuration) -> None:
    assert {endpoint.provider for endpoint in example.endpoints} == set(all_providers())


def test_example_is_taken_by_ingress_and_verifiers(example: Configuration) -> None:
    endpoints = {endpoint.name: endpoint for endpoint in example.endpoints}
    keys = KeySource(endpoints, lambda _, __: None)
    log = configure_logging(example, process="test")

    app = AppBuilder(example, keys, Metrics(), log).build()
    policies = [
        endpoint_policies(provider, example.endpoints_of(name), sources(keys, endpoints))
        for name, provider in all_providers().items()
    ]

    assert {path for _, path in app.routes} == set(_written_paths())
    assert {name for policy in policies for name in policy} == set(endpoints)


def test_head_says_of_every_key_where_it_comes_from() -> None:
    head, _, settings = EXAMPLE.read_text().partition("\n\n")
    named = set(re.findall(r"\bkeys/([\w.-]+)", _without_comments(settings)))

    made = re.search(r"for name in (.+?); do", head.replace("\\\n#", " "))
    given = set(re.findall(r"\bkeys/([\w-]+(?:\.json)?)", head))

    assert made
    assert {*made[1].split(), *given} == named
    assert given & set(made[1].split()) == set()


def test_example_names_no_secret_but_by_file() -> None:
    """What is longer than any name and looks random has no place in a committed file."""
    assert re.findall(r"[0-9A-Za-z+_-]{32,}", _without_comments(EXAMPLE.read_text())) == []


def test_variables_in_documents_are_settings() -> None:
    variable = re.compile(r"ESITO_[A-Z0-9_]*[A-Z0-9]")
    known = set(variable.findall((ROOT / "docs" / "CONFIGURATION.md").read_text()))
    known |= {code.value for code in Code}  # of problems: no variables, but named like ones
    files = [EXAMPLE, ROOT / "Makefile", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {name for file in files for name in variable.findall(file.read_text())}

    assert named - known == set()


def _written_paths() -> Iterator[str]:
    for endpoint in yaml.safe_load(EXAMPLE.read_text())["endpoints"]:
        yield from (endpoint["path"], *endpoint.get("more_paths", ()))
        if "expectations" in endpoint:
            yield f"/expectations/{endpoint['name']}"


def _write_keys(endpoint: Endpoint) -> None:
    _write_certificates(endpoint)
    _write_notification_keys(endpoint)
    for credential in CREDENTIALS:
        for key in getattr(endpoint, credential).keys if getattr(endpoint, credential) else ():
            key.file.parent.mkdir(exist_ok=True)
            key.file.write_bytes(SECRET)
    if endpoint.hmac:
        signed = MacInput(
            timestamp=b"1790000000",
            method="POST",
            path=endpoint.path,
            target_uri=f"https://callbacks.example.org{endpoint.path}",
            body=b"{}",
        )
        vector = {
            "method": signed.method,
            "path": signed.path,
            "target_uri": signed.target_uri,
            "timestamp": signed.timestamp.decode(),
            "signature": write_mac(endpoint.hmac.profile, signed, SECRET).decode(),
            "body_base64": base64.b64encode(signed.body).decode(),
            "secret": SECRET.decode(),
        }
        endpoint.hmac.golden_vector_file.write_text(json.dumps(vector))


def _write_notification_keys(endpoint: Endpoint) -> None:
    """Each key of a public body is one of its own: two bodies may not share a secret."""
    section = endpoint.notifications
    if section is not None:
        bodies = [key for body in section.bodies for key in body.keys]
        for key in (*bodies, *section.attachments.slot_keys, *section.iun_keys.keys):
            key.file.parent.mkdir(exist_ok=True)
            key.file.write_bytes(SECRET + key.id.encode())
        for file in section.pdf.trust_files:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(pem(root()))
    if endpoint.remote_stream is not None:
        endpoint.remote_stream.api_key_file.write_bytes(SECRET.replace(b" ", b"-"))


def _write_certificates(endpoint: Endpoint) -> None:
    authority = root()
    if endpoint.certificates:
        for file in (*endpoint.certificates.root_files, *endpoint.certificates.intermediate_files):
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(pem(authority))
        for file in endpoint.certificates.crl_files:
            file.write_bytes(revocation_list(authority).public_bytes(Encoding.PEM))
    if endpoint.tokens:
        for file in endpoint.tokens.presentations.issuer_root_files:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(pem(authority))


def _without_comments(text: str) -> str:
    return "\n".join(line.partition("#")[0] for line in text.splitlines())
