"""`esito doctor` on a real Kafka whose authorizer is on: what it says of rights."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.access import Access, Process, Resource, access_of, group_of
from contracts.topics import Topics
from ops.__main__ import app
from ops.allowed_operations import operations_of
from tests.authorized_kafka import AuthorizedKafka, authorized_kafka
from tests.integration.records import write_configuration
from tests.kafka import Report, run

PREFIX = "r."
TOPICS = Topics.of("pivot", prefix=PREFIX)
GROUP = group_of(Process.VERIFIER, "pivot", prefix=PREFIX)
OPERATOR = access_of(Process.OPERATOR, ["pivot"], prefix=PREFIX)
KEDA = access_of(Process.KEDA, ["pivot"], prefix=PREFIX)
STRANGER = Access(Process.REPLAY, "", ())
# The operator, but for a topic it may only describe, and a group that it may not.
HALF = replace(
    OPERATOR,
    provider="half",
    grants=(
        *(one for one in OPERATOR.grants if one.name not in {TOPICS.status, GROUP}),
        *(
            replace(one, operations=KEDA.grants[0].operations)
            for one in OPERATOR.grants
            if one.name == TOPICS.status
        ),
    ),
)


@pytest.fixture(scope="module")
def kafka(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthorizedKafka]:
    """Give a broker with three users: one may all that it needs, one nothing, one a part."""
    users = [one.user for one in (OPERATOR, STRANGER, HALF)]
    with authorized_kafka(report, users, tmp_path_factory.mktemp("users")) as found:
        run(found.create_topics(TOPICS.by_role().values()))
        run(found.grant([OPERATOR, HALF]))
        yield found


@pytest.mark.parametrize(
    ("access", "told"),
    [
        (OPERATOR, [("ok", "this user may write 0 of 6 topics, and alter or delete 0")]),
        (
            STRANGER,
            [
                ("fail", "this user may not describe 6 of 6 topics, or they are missing"),
                ("fail", f"this user has no right to Describe the group {GROUP} and 1 more"),
                ("ok", "this user may write 0 of 6 topics, and alter or delete 0"),
            ],
        ),
        (
            HALF,
            [
                ("fail", f"this user has no right to Read {TOPICS.status}"),
                ("fail", f"this user has no right to DescribeConfigs {TOPICS.status}"),
                ("fail", f"this user has no right to Describe the group {GROUP}"),
                ("ok", "this user may write 0 of 6 topics, and alter or delete 0"),
            ],
        ),
    ],
    ids=["operator", "stranger", "half"],
)
def test_doctor_names_the_rights_that_are_missing(
    kafka: AuthorizedKafka, tmp_path: Path, access: Access, told: list[tuple[str, str]]
) -> None:
    file = write_configuration(tmp_path, servers=kafka.users, prefix=PREFIX)
    settings = {"ESITO_CONFIGURATION": str(file), **kafka.settings(access.user)}

    examined = CliRunner().invoke(app, ["doctor", "--json"], env=settings)

    found = [json.loads(line) for line in examined.stdout.splitlines()]
    rights = [(one["level"], one["said"]) for one in found if one["subject"] == "rights"]
    assert rights == told
    assert {one.resource for one in OPERATOR.grants} == {Resource.TOPIC, Resource.GROUP}


def test_doctor_without_a_right_to_the_brokers_settings_says_so(
    kafka: AuthorizedKafka, tmp_path: Path
) -> None:
    file = write_configuration(tmp_path, servers=kafka.users, prefix=PREFIX)
    settings = {"ESITO_CONFIGURATION": str(file), **kafka.settings(OPERATOR.user)}

    examined = CliRunner().invoke(app, ["doctor"], env=settings)

    assert "warn  offsets: this user may not read the brokers' settings: " in examined.stdout
    assert "fix: see that offsets.retention.minutes is 44640 or more" in examined.stdout


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0, set()),
        # Kafka's own number for a question that was not asked.
        (-2_147_483_648, set()),
        (1 << 3 | 1 << 8, {"Read", "Describe"}),
    ],
)
def test_bits_are_operations(bits: int, names: set[str]) -> None:
    assert operations_of(bits) == names
