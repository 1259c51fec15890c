"""Which settings make one configuration another, as a process shows it."""

from pathlib import Path
from typing import Any, Final

import pytest

from runtime.configuration import Configuration
from runtime.configuration_digest import digests
from runtime.configuration_file import load_configuration
from tests.conformance.vector import VECTORS

SOUND: Final = load_configuration(VECTORS / "pivot" / "endpoint.yaml", environ={})


def other(**sections: dict[str, Any]) -> Configuration:
    """Return the configuration with other settings in some sections."""
    changed = {
        name: getattr(SOUND, name).model_copy(update=more) for name, more in sections.items()
    }
    return SOUND.model_copy(update=changed)


@pytest.mark.parametrize(
    ("configuration", "sections"),
    [
        (other(worker={"session_seconds": 16}), {"worker"}),
        (
            other(worker={"breaker": SOUND.worker.breaker.model_copy(update={"records_min": 9})}),
            {"worker"},
        ),
        (other(ingress={"idle_seconds": 1}, topics={"partitions": 1}), {"ingress", "topics"}),
        (SOUND.model_copy(update={"topic_prefix": "x."}), {"topic_prefix"}),
        (SOUND.model_copy(update={"endpoints": SOUND.endpoints * 2}), {"endpoints"}),
    ],
)
def test_other_settings_are_another_digest(
    configuration: Configuration, sections: set[str]
) -> None:
    assert differing(configuration) == sections


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (SOUND, other(ingress={"port": 1}, intake={"host": "::1"}, streams={"port": 1})),
        (
            other(database={"password_file": Path("a")}),
            other(database={"password_file": Path("b")}),
        ),
        (SOUND, SOUND.model_copy(update={"management_port": 1, "log_level": "error"})),
        (SOUND, SOUND.model_copy(update={"kafka_bootstrap_servers": "b:1", "log_format": "json"})),
    ],
)
def test_place_and_user_of_a_process_are_not_in_its_digest(
    one: Configuration, another: Configuration
) -> None:
    assert digests(one) == digests(another)


def differing(configuration: Configuration) -> set[str]:
    """Return the sections that have another digest."""
    sound = digests(SOUND)
    return {name for name, digest in digests(configuration).items() if digest != sound[name]}
