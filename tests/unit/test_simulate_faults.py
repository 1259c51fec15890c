"""`esito simulate --faults`: what a configuration cannot show is left out, or said at once."""

from pathlib import Path

import pytest
import yaml

from contracts.errors import Broken
from ops.commands.simulate import faults_named
from ops.local.installation import Addresses, write_installation
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from simulator.plan import Fault
from simulator.planning import PLAYERS

EVERY = PLAYERS["wallet"].faults


@pytest.fixture
def served(tmp_path: Path) -> Configuration:
    """Return an installation whose gateway publishes its keys on this machine."""
    return load_configuration(write_installation(tmp_path, Addresses()), environ={})


@pytest.fixture
def pinned(tmp_path: Path) -> Configuration:
    """Return one whose gateway's keys are a file, as in docker-compose.yml."""
    file = write_installation(tmp_path, Addresses())
    settings = yaml.safe_load(file.read_text())
    for endpoint in settings["endpoints"]:
        for issuer in endpoint.get("tokens", {}).get("issuers", ()):
            for key in ("jwks_uri", "jwks_ca_file", "allow_private_addresses"):
                del issuer[key]
            issuer["jwks_file"] = "keys/wallet/jwks.json"
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return load_configuration(file, environ={})


def test_all_is_every_fault_of_the_provider(served: Configuration) -> None:
    assert faults_named(served, "wallet", "all") == EVERY


def test_all_leaves_out_keys_that_nobody_could_publish(
    pinned: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    assert faults_named(pinned, "wallet", "all") == EVERY - {Fault.KEY_ROTATION}
    assert "Left out: key-rotation" in capsys.readouterr().err


def test_fault_that_is_asked_for_and_cannot_be_shown_is_an_error(pinned: Configuration) -> None:
    with pytest.raises(Broken, match=r"^key-rotation needs an issuer whose jwks_uri"):
        faults_named(pinned, "wallet", "early, key-rotation")


def test_names_may_have_blanks_and_be_none(served: Configuration) -> None:
    assert faults_named(served, "wallet", "early, wrong-path,") == {"early", "wrong-path"}
    assert faults_named(served, "pivot", "") == frozenset()
