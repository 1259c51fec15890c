"""Which keys are listed, which are about to end, and the steps of a rotation that stand alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.__main__ import app
from ops.keys.listed import ListedKey
from ops.keys.rotation import Held, Rotation, State, Step, Use, lines, steps
from runtime.endpoint_keys import KeyFile

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of these tests alone
CONFIGURATION = """
endpoints:
  - name: pivot-id
    provider: pivot
    path: /callbacks/pivot
    api_key:
      keys:
        - {id: a, file: api.key, not_after: 2026-01-01T00:00:00Z}
        - {id: b, file: api.key, not_before: 2026-01-01T00:00:00Z}
    expectations: {keys: [{id: own, file: none.key}]}
streams:
  consumers: [{id: shop, keys: [{id: s, file: api.key}], endpoints: [pivot-id]}]
"""
A = KeyFile(id="a", file=Path("keys/a"))
B = KeyFile(id="b", file=Path("keys/b"))
BOTH = Held(frozenset({"a", "b"}), is_ingress=True)
NEW = Held(frozenset({"b"}), is_ingress=True)
VERIFIER = Held(frozenset({"b"}))
BOTH_ASKED = {"one:9090": BOTH, "two:9090": Held(frozenset({"a", "b"}))}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration with a key that has ended, and one without its file."""
    (tmp_path / "api.key").write_text(SECRET)
    file = tmp_path / "esito.yaml"
    file.write_text(CONFIGURATION)
    return file


def esito(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"ESITO_CONFIGURATION": ""})


def test_ls_shows_every_key_and_no_secret(file: Path) -> None:
    listed = esito("keys", "ls", "--configuration", file, "--json")

    rows = list(map(json.loads, listed.stdout.splitlines()))
    assert [(row["owner"], row["purpose"], row["id"]) for row in rows] == [
        ("pivot-id", "api_key", "a"),
        ("pivot-id", "api_key", "b"),
        ("pivot-id", "expectations", "own"),
        ("shop", "consumer", "s"),
    ]
    assert [row["state"] for row in rows[:2]] == ["ended", "valid"]
    assert "none.key: cannot be read" in rows[2]["state"]
    assert SECRET not in listed.output


def test_expiring_names_what_ends_and_what_cannot_be_read(file: Path) -> None:
    found = esito("keys", "expiring", "--configuration", file, "--json")

    assert found.exit_code == 1
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == ["a", "own"]


def test_expiring_nothing_is_no_fault(file: Path) -> None:
    file.write_text(CONFIGURATION.replace(", not_after: 2026-01-01T00:00:00Z", ""))
    (file.parent / "none.key").write_text(SECRET)

    found = esito("keys", "expiring", "--within", "90d", "--configuration", file)

    assert found.exit_code == 0
    assert found.stdout.startswith("nothing ends before ")


@pytest.mark.parametrize(
    ("begins", "ends", "state"),
    [
        (None, None, "valid"),
        (None, NOW + 3 * DAY, "ends in 3 days"),
        (None, NOW + timedelta(minutes=90), "ends in 1 h 30 min"),
        (None, NOW, "ended"),
        (NOW + DAY, None, "begins in 1 days"),
    ],
)
def test_state_of_a_key_says_how_long(
    begins: datetime | None, ends: datetime | None, state: str
) -> None:
    key = ListedKey(owner="x", purpose="api_key", id="a", file=Path("a"), begins=begins, ends=ends)

    assert key.state(NOW) == state


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pivot-id", "hmac", "--from", "a", "--to", "b"), "has no hmac; it has: api_key, exp"),
        (("pivot-id", "api_key", "--from", "x", "--to", "y"), "has neither key; it has: a, b"),
        (("pivot-id", "api_key", "--from", "a", "--to", "a"), "name one key"),
        (("nowhere", "api_key", "--from", "a", "--to", "b"), "no endpoint nowhere"),
    ],
)
def test_rotation_of_no_such_key_says_what_there_is(
    file: Path, words: tuple[str, ...], said: str
) -> None:
    refused = esito("keys", "rotate", *words, "--configuration", file)

    assert refused.exit_code == 2
    assert said in refused.stderr


@pytest.mark.parametrize(
    ("credential", "words", "said"),
    [
        ("path_token", (), "--quiet TIME, the longest that a transaction takes"),
        ("api_key", ("--quiet", "59m"), "less than an hour without a callback proves nothing"),
        ("api_key", ("--quiet", "31d"), "callbacks are kept for 30 days"),
    ],
)
def test_rotation_refuses_a_quiet_time_that_proves_nothing(
    file: Path, credential: str, words: tuple[str, ...], said: str
) -> None:
    change = ("pivot-id", credential, "--from", "a", "--to", "b", *words)

    refused = esito("keys", "rotate", *change, "--configuration", file)

    assert refused.exit_code == 2
    assert said in " ".join(refused.stderr.split())


def test_key_of_paths_is_taken_out_when_none_is_made_with_it() -> None:
    found = following(rotation(credential="path_token", keys={"a": A, "b": B}, running=BOTH_ASKED))

    assert found is not None
    assert found.todo[0] == "make sure that no path was made with a for 24 h"


def rotation(**known: object) -> Rotation:
    """Return a change of key a for b in which all is done, but for what is given."""
    over = Rotation(
        endpoint="pivot-id",
        credential="api_key",
        old="a",
        new="b",
        keys={"b": B},
        running={"one:9090": NEW, "two:9090": VERIFIER},
        verifiers=1,
        uses={"a": Use(), "b": Use(count=2, last=NOW)},
        now=NOW,
    )
    return replace(over, **known)  # type: ignore[arg-type]


def following(one: Rotation) -> Step | None:
    return next((step for step in steps(one) if step.state is State.NEXT), None)


def test_rotation_that_is_over_has_no_next_step() -> None:
    assert following(rotation()) is None
    assert [line[:4] for line in lines(steps(rotation()))] == ["done"] * 7


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"keys": {"a": A}}, "the configuration has no key b"),
        ({"keys": {"a": A, "b": B}, "faults": {"b": "keys/b: cannot be read"}}, "cannot be read"),
        ({"keys": {"a": A, "b": B}, "same_secret": True}, "both files hold one secret"),
        (
            {"keys": {"a": A, "b": B.model_copy(update={"not_before": NOW + DAY})}},
            "b begins on 2026-11-22",
        ),
        ({"keys": {"b": B.model_copy(update={"not_after": NOW})}}, "b ended on 2026-11-21"),
        (
            {"keys": {"a": A.model_copy(update={"not_after": NOW}), "b": B}},
            "a ended on 2026-11-21T12:00:00+00:00: callers with it are refused",
        ),
        ({"running": {}}, "no process was named"),
        ({"running": {"one:9090": None}}, "not asked: one:9090"),
        ({"running": {"one:9090": Held(frozenset())}}, "lacks one of the two: one:9090"),
        ({"running": {"one:9090": NEW, "two:9090": Held(frozenset({"a"}))}}, "the two: two:9090"),
        ({"running": {"one:9090": NEW, "two:9090": Held(None)}}, "no pivot-id.api_key: two:9090"),
        ({"running": {"one:9090": NEW}}, "asked: ingress 1, verifiers 0 of 1"),
        ({"running": {"two:9090": VERIFIER}}, "asked: ingress 0, verifiers 1 of 1"),
        ({"waiting": 3}, "the verifier has still to pass 3 with a"),
        ({"uses": {}}, "the old one is out: callbacks may be refused"),
        ({"uses": {"b": Use(count=1, last=NOW), "a": Use(count=9, last=NOW)}}, "a was last used"),
        (
            {"keys": {"a": A, "b": B}, "running": {"one:9090": BOTH}, "verifiers": 0},
            "keys/a is still trusted",
        ),
        ({"running": {"one:9090": BOTH}, "verifiers": 0}, "holds a: one:9090"),
    ],
)
def test_rotation_stops_where_something_is_not_done(known: dict[str, object], said: str) -> None:
    found = following(rotation(**known))

    assert found is not None
    assert said in found.said
    assert found.todo
