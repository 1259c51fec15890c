"""`esito attachments prune`, on a directory and a real PostgreSQL."""

import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from ops.__main__ import app
from runtime.service_configuration import Database
from runtime.slots import object_path
from tests.integration.test_intake_janitor import prepared
from tests.kafka import run
from tests.postgres import settings_of

NOW = datetime.now(UTC)


def test_command_prunes_and_reports(tmp_path: Path, database: Database) -> None:
    """An old file is what it takes: the command's moment is the clock's."""
    old = NOW - timedelta(days=20)
    place = tmp_path / "store" / object_path("send", "comune-x", old, "PN_F24_META-1.json")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"{}")
    _set_time(place, old)
    run(_remembering(database, old))
    configuration = tmp_path / "esito.yaml"
    configuration.write_text(json.dumps(_configuration(tmp_path, database)))
    options = ["attachments", "prune", "--configuration", str(configuration), "--json"]

    dry = CliRunner().invoke(app, [*options, "--dry-run"])
    kept = place.exists()
    done = CliRunner().invoke(app, options)

    assert (dry.exit_code, done.exit_code) == (0, 0), dry.output + done.output
    assert json.loads(dry.stdout)["removed"] == json.loads(done.stdout)["removed"] == 1
    assert kept
    assert not place.exists()


async def _remembering(database: Database, since: datetime) -> None:
    pool = await prepared(database)
    await pool.execute("UPDATE intake.migrations SET applied_at = $1", since - timedelta(days=1))
    await pool.close()


def _set_time(place: Path, moment: datetime) -> None:
    os.utime(place, (moment.timestamp(), moment.timestamp()))


def _configuration(directory: Path, database: Database) -> dict[str, object]:
    (directory / "a.key").write_text(secrets.token_hex(32))
    keys = [{"id": "a", "file": "a.key"}]
    return {
        "database": settings_of(database),
        "object_store": {"url": (directory / "store").as_uri()},
        "endpoints": [
            {
                "name": "send",
                "provider": "send",
                "path": "/callbacks/send",
                "api_key": {"keys": keys},
                "notifications": {
                    "bodies": [{"id": "comune-x", "tax_id": "00000000000", "keys": keys}],
                    "attachments": {"slot_keys": keys},
                    "iun_keys": {"keys": keys},
                },
            }
        ],
    }
