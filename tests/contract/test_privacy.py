"""docs/PRIVACY.md names every place there is, and the terms that the configuration has."""

import re
from pathlib import Path
from typing import Any

from contracts.topics import Role, Topics
from ops.generate import ROOT
from runtime.configuration import Configuration
from runtime.notification_configuration import Attachments, Notifications

PRIVACY = ROOT / "docs" / "PRIVACY.md"
# Where a section stands that is not one of the first level.
SECTIONS: dict[str, Any] = {"notifications": Notifications, "attachments": Attachments}
TERM = re.compile(r"`([a-z]+)\.([a-z_]+_days)`: ([0-9]+)")


def test_every_term_is_the_default_of_its_key() -> None:
    told = TERM.findall(PRIVACY.read_text())

    wrong = [
        f"{section}.{key}: {days}"
        for section, key, days in told
        if _model(section).model_fields[key].default != int(days)
    ]

    assert len(told) >= 10
    assert wrong == []


def test_every_topic_has_its_row() -> None:
    topics = Topics.of("*").by_role()
    rows = re.findall(r"^\| `([^`]+)` \|", PRIVACY.read_text(), re.MULTILINE)

    assert set(topics) == set(Role)
    assert [name for name in topics.values() if name not in rows] == []


def test_every_table_is_named() -> None:
    migrations = [*ROOT.glob("*/migrations/*.sql")]
    tables = {table for file in migrations for table in _tables(file)}

    assert len(tables) >= 10
    assert [table for table in sorted(tables) if f"`{table}`" not in PRIVACY.read_text()] == []


def _model(section: str) -> Any:  # noqa: ANN401 - the class of a section
    if section in SECTIONS:
        return SECTIONS[section]
    return Configuration.model_fields[section].annotation


def _tables(file: Path) -> list[str]:
    return re.findall(r"CREATE TABLE (\w+\.\w+)", file.read_text())
