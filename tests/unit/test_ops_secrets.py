"""`esito secrets`: new secrets, kept once they are there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.__main__ import app


def _made(directory: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file()
    }


def _make(directory: Path) -> int:
    password = directory / "postgres" / "password"
    arguments = ["secrets", str(directory / "keys"), "--password", str(password)]
    return CliRunner().invoke(app, arguments).exit_code


def test_secrets_are_new_everywhere_and_kept_where_they_are(tmp_path: Path) -> None:
    assert _make(tmp_path / "one") == 0
    first = _made(tmp_path / "one")
    (tmp_path / "one" / "keys" / "consumer.key").unlink()

    assert _make(tmp_path / "one") == 0
    assert _make(tmp_path / "other") == 0

    again, other = _made(tmp_path / "one"), _made(tmp_path / "other")
    assert {name for name in first if first[name] != again[name]} == {"keys/consumer.key"}
    assert {name for name in first if first[name] == other[name]} == set()


def test_secrets_may_be_read_by_their_owner_alone_and_the_password_by_the_server(
    tmp_path: Path,
) -> None:
    _make(tmp_path)

    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "keys").glob("*.*")}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "postgres" / "password").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("place", ["", "keys"])
def test_place_that_is_a_file_is_named(tmp_path: Path, place: str) -> None:
    file = tmp_path / "taken"
    file.write_text("")

    outcome = CliRunner().invoke(app, ["secrets", str(file / place)])

    assert outcome.exit_code == 2
    assert "taken" in outcome.stderr.replace("\n", "")
