"""The intake and the streams answer as docs/openapi-{intake,streams}.yaml say, whatever is asked.

The documents are called as schemathesis thinks it up, by them and against them, the same every
time, on a real Kafka and a real PostgreSQL; `make conformance SPECS=…` does so with what SEND
publishes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from ops.generated.openapi_streams import openapi_streams_document
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from tests.generated_calls import verdicts
from tests.integration.streams import Installation, members
from tests.kafka import Kafka
from tests.postgres import Postgres
from tests.send.openapi import DOCUMENTS, differences
from tests.send.site import TIMEOUT_SECONDS, Site

EXAMPLES = 10
# What the site has no file for, and what needs a new slot for every call.
NEVER_WELL = {
    "PUT /attachments/{token}",
    "GET /delivery/notifications/sent/{iun}/attachments/payment/{recipientIdx}/{attachmentName}",
}


@pytest.fixture(scope="module")
def site(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Give both processes, with a notification and streams."""
    directory = tmp_path_factory.mktemp("site")
    prefix = f"{directory.name}.{id(directory):x}."
    with (
        postgres.database() as database,
        Site.running(directory, kafka.bootstrap_servers, prefix, database) as running,
    ):
        yield running


def document(name: str) -> dict[str, Any]:
    """Return one of our documents."""
    found: dict[str, Any] = yaml.safe_load((DOCUMENTS / f"{name}.yaml").read_text())
    return found


@pytest.mark.parametrize("name", ["openapi-intake", "openapi-streams"])
def test_every_answer_is_as_described_and_none_is_5xx(site: Site, name: str) -> None:
    found = list(verdicts(document(name), site, examples=EXAMPLES))

    faults = {one.label: one.faults[:3] for one in found if one.faults}
    never_well = {one.label for one in found if not {200, 201, 202, 204} & one.statuses.keys()}
    assert faults == {}
    assert never_well <= NEVER_WELL
    assert found
    assert all(process.count("callback.failed") == 0 for process in site.intake.processes)


@pytest.mark.parametrize("path", ["/delivery-progresses/v2.8/streams", "/v1/streams"])
def test_a_method_or_path_that_is_not_ours_is_a_problem(site: Site, path: str) -> None:
    method = requests.patch(site.url(path) + path, timeout=TIMEOUT_SECONDS)
    unknown = requests.get(f"{site.url(path)}{path}/a/b/c", timeout=TIMEOUT_SECONDS)

    assert (method.status_code, method.headers["Allow"]) == (405, "GET,POST")
    assert unknown.status_code == 404
    assert {method.headers["Server"], unknown.headers["Server"]} == {"esito"}
    assert method.json()["status"] == 405
    assert ("errors" in method.json()) == path.startswith("/delivery-progresses")


async def test_every_route_of_the_streams_is_described_and_no_other(
    database: Database, tmp_path: Path
) -> None:
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        routes = {(one.method, bare(one.path)) for one in running.api.routes(running.pool)}

    described = {
        (method.upper(), bare(path))
        for path, operations in yaml.safe_load(openapi_streams_document())["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described == routes


def bare(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub("{[a-zA-Z_]+}", "{}", path)


def test_a_comparison_finds_what_is_taken_away() -> None:
    ours, theirs = document("openapi-streams"), document("openapi-streams")
    element = theirs["components"]["schemas"]["ProgressElement"]
    element["required"].append("iun")
    del element["properties"]["newStatus"]
    del theirs["paths"]["/delivery-progresses/v2.8/streams"]["get"]

    read = "GET /delivery-progresses/v2.8/streams/{streamId}/events 200[]"
    assert dict(differences(ours, theirs)) == {
        "GET /delivery-progresses/v2.8/streams": "not published",
        f"{read}.iun": "iun is required there alone",
        f"{read}.newStatus": "newStatus is ours alone",
    }
