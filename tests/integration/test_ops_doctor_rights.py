"""`esito doctor` on a real Kafka whose authorizer is on: what it says of rights."""

import json
from pathlib import Path

import pytest
from aiokafka.protocol.admin import CreateAclsRequest_v1
from aiokafka.protocol.api import Request
from typer.testing import CliRunner

from contracts.topics import Topics
from ops.__main__ import app
from ops.allowed_operations import allowed_operations, operations_of
from ops.cluster import connected
from ops.embedded_kafka import EmbeddedKafka
from runtime.configuration_file import load_configuration
from tests.integration.records import write_configuration
from tests.kafka import cache_directory, run

TOPIC, LITERAL, DENY = 2, 3, 2
READ, DELETE, ALTER = 3, 6, 7
EVERYBODY = "User:*"


class CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka is untyped
    """Give or refuse rights; the library has the request, and nothing that sends it."""

    API_KEY = CreateAclsRequest_v1.API_KEY

    def __init__(self, rows: list[tuple[object, ...]]) -> None:
        self._rows = rows

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._rows)


def test_doctor_names_the_right_that_is_missing(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(
        cache_directory=cache_directory(),
        nodes=1,
        properties={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
        },
    )
    run(kafka.start())
    try:
        file = write_configuration(tmp_path, servers=kafka.bootstrap_servers, prefix="r.")
        assert esito(file, "topics", "apply")[0] == 0
        refused = Topics.of("pivot", prefix="r.").status
        run(refuse(file, refused))

        code, output = esito(file, "doctor", "--json")
    finally:
        run(kafka.stop())

    found = [json.loads(line) for line in output.splitlines()]
    rights = [one for one in found if one["subject"] == "rights"]
    assert code == 1
    assert [(one["level"], one["said"]) for one in rights] == [
        ("fail", f"this user has no right to Read {refused}"),
        ("warn", "this user may write 6 of 6 topics, and alter or delete 5"),
    ]


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


def esito(file: Path, *words: str) -> tuple[int, str]:
    shown = CliRunner().invoke(app, list(words), env={"ESITO_CONFIGURATION": str(file)})
    return shown.exit_code, shown.stdout


async def refuse(file: Path, topic: str) -> None:
    """Take three rights to a topic from everybody, and return when the broker knows."""
    rows: list[tuple[object, ...]] = [
        (TOPIC, topic, LITERAL, EVERYBODY, "*", operation, DENY)
        for operation in (READ, DELETE, ALTER)
    ]
    # Where there is a rule at all, what it does not name is refused: the others are allowed again.
    rows.append((TOPIC, topic, LITERAL, EVERYBODY, "*", 2, 3))
    async with connected(load_configuration(file, environ={})) as cluster:
        await cluster.admin._send_to_controller(CreateAcls(rows))  # noqa: SLF001 - no public way
        while "Read" in (await allowed_operations(cluster.admin))[topic]:
            pass
