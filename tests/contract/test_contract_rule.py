"""Nothing that others build on breaks without a new version, and what is added is told."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from ops.contract_rule.__main__ import released
from ops.contract_rule.changes import contract_changes
from ops.contract_rule.surface import Surface, surface
from ops.generate import ROOT

CHANGELOG = ROOT / "docs" / "CONTRACTS_CHANGELOG.md"
NOW = surface(ROOT / "docs")
SEND = "POST /delivery/v2.6/requests"
CREATE = "POST /v1/streams"
Edit = Callable[[Surface], object]


def schema(of: Surface, name: str, document: str = "asyncapi") -> dict[str, Any]:
    found: dict[str, Any] = of[document]["schemas"][name]
    return found


def header(of: Surface, content: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = of["asyncapi"]["contents"][content]["headers"]["properties"][name]
    return found


def operation(of: Surface, name: str, document: str = "openapi-streams") -> dict[str, Any]:
    found: dict[str, Any] = of[document]["operations"][name]
    return found


def event(of: Surface) -> dict[str, Any]:
    return schema(of, "StatusEvent")


def wanted(of: Surface) -> dict[str, Any]:
    return schema(of, "ConsumerStreamRequest", "openapi-streams")


def page(of: Surface) -> dict[str, Any]:
    return schema(of, "Page", "openapi-streams")


def renamed(of: Surface, old: str, new: str) -> None:
    topics = of["asyncapi"]["topics"]
    topics[:] = [topic.replace(old, new) for topic in topics]


BREAKING: dict[str, Edit] = {
    "`status v1: payload.reason` is gone": lambda of: event(of)["properties"].pop("reason"),
    "`status v1: payload.endpoint` may be left out": lambda of: event(of)["required"].remove(
        "endpoint"
    ),
    "`status v1: payload.reasons` must be there": lambda of: event(of)["required"].append(
        "reasons"
    ),
    "`status v1: payload.sequence` type was integer and is string": lambda of: event(of)[
        "properties"
    ]["sequence"].update(type="string"),
    "`status v1: payload.occurred_at` anyOf had 2 and has 1": lambda of: event(of)["properties"][
        "occurred_at"
    ]["anyOf"].pop(),
    "`status v1: payload.sequence` minimum was 1 and is None": lambda of: event(of)["properties"][
        "sequence"
    ].pop("minimum"),
    "`status v1: payload.reason.code` maxLength was 64 and is 32": lambda of: schema(of, "Reason")[
        "properties"
    ]["code"].update(maxLength=32),
    "`status v1: payload.reason.code` maxLength was 64 and is 65": lambda of: schema(of, "Reason")[
        "properties"
    ]["code"].update(maxLength=65),
    "`status v1: payload.evidence.proof.scheme` has no longer the word jws": lambda of: schema(
        of, "Scheme"
    )["x-extensible-enum"].remove("jws"),
    "`status v1: headers.ce_subject` is gone": lambda of: of["asyncapi"]["contents"]["status v1"][
        "headers"
    ]["properties"].pop("ce_subject"),
    "`status v1: headers.ce_type` const was": lambda of: header(of, "status v1", "ce_type").update(
        const="other"
    ),
    "`status v1` is no longer written": lambda of: of["asyncapi"]["contents"].pop("status v1"),
    "`status v1: content type` const was": lambda of: of["asyncapi"]["contents"]["status v1"][
        "content type"
    ].update(const="application/octet-stream"),
    "`transactions.pivot.status.v1` is no longer a topic": lambda of: of["asyncapi"][
        "topics"
    ].remove("transactions.pivot.status.v1"),
    "`transactions.srtp.status.v1` is no longer a topic": lambda of: renamed(of, "srtp", "sepa"),
    "`transactions.wallet.status.v1` is no longer a topic": lambda of: renamed(
        of, "wallet.status.v1", "wallet.status.v2"
    ),
    "`verified v1: payload.what.then.fact` is gone": lambda of: schema(of, "Statement")[
        "properties"
    ].pop("fact"),
    "`POST /v1/streams` is no longer answered": lambda of: of["openapi-streams"]["operations"].pop(
        CREATE
    ),
    "`POST /v1/streams: 201` is no longer an answer": lambda of: operation(of, CREATE)[
        "answers"
    ].pop("201"),
    "`POST /v1/streams: 202` is an answer": lambda of: operation(of, CREATE)["answers"].update(
        {"202": {}}
    ),
    "`POST /v1/streams: 503 headers.Retry-After` is gone": lambda of: operation(of, CREATE)[
        "answers"
    ]["503"]["headers"]["properties"].pop("Retry-After"),
    "`POST /v1/streams: apiKey header x-api-key` is no longer a proof": lambda of: operation(
        of, CREATE
    ).update(security=["mutualTLS"]),
    "`PUT /attachments/{token}: mutualTLS` is a proof": lambda of: operation(
        of, "PUT /attachments/{token}", "openapi-intake"
    ).update(security=["mutualTLS"]),
    "`POST /v1/streams: request.events` default was status and is all": lambda of: wanted(of)[
        "properties"
    ]["events"].update(default="all"),
    "`POST /v1/streams: request.*` may not be there": lambda of: wanted(of).update(
        additionalProperties=False
    ),
    "`POST /v1/streams: request.title` is gone": lambda of: wanted(of)["properties"].pop("title"),
    "`POST /v1/streams: request.title` must be there": lambda of: wanted(of).update(
        required=["title"]
    ),
    "`POST /v1/streams: request.endpoints` maxItems was 200 and is 20": lambda of: wanted(of)[
        "properties"
    ]["endpoints"].update(maxItems=20),
    "`POST /v1/streams: request.events` enum was ['status', 'all'] and is ['status']": lambda of: (
        wanted(of)["properties"]["events"].update(enum=["status"])
    ),
    "`GET /v1/streams/{stream_id}/events: query wait` is no longer read": lambda of: operation(
        of, "GET /v1/streams/{stream_id}/events"
    )["parameters"].pop("query wait"),
    "`GET /v1/streams/{stream_id}/events: 200.events[].id` is gone": lambda of: page(of)[
        "properties"
    ]["events"]["items"]["properties"].pop("id"),
}
ADDING: dict[str, Edit] = {
    "`POST /v1/streams: mutualTLS` is a proof": lambda of: operation(of, CREATE)["security"].append(
        "mutualTLS"
    ),
    "`POST /v1/streams: 503 headers.Retry-At` is new": lambda of: operation(of, CREATE)["answers"][
        "503"
    ]["headers"]["properties"].update({"Retry-At": {"type": "string"}}),
    "`status v1: payload.channel` is new": lambda of: event(of)["properties"].update(
        channel={"type": "string"}
    ),
    "`anomalies v1: payload.code` has the word odd": lambda of: schema(of, "AnomalyCode")[
        "x-extensible-enum"
    ].append("odd"),
    "`transactions.new.status.v1` is a topic": lambda of: of["asyncapi"]["topics"].append(
        "transactions.new.status.v1"
    ),
    "`POST /v1/streams: 418` is an answer": lambda of: operation(of, CREATE)["answers"].update(
        {"418": {}}
    ),
    "`POST /v1/streams: request.colour` is new": lambda of: wanted(of)["properties"].update(
        colour={"type": "string"}
    ),
    "`POST /v1/streams: request.endpoints` maxItems was 200 and is 300": lambda of: wanted(of)[
        "properties"
    ]["endpoints"].update(maxItems=300),
    "`POST /v1/streams: request.events` enum was ['status', 'all'] and is ['all', 'status', 'x']": (
        lambda of: wanted(of)["properties"]["events"].update(enum=["all", "status", "x"])
    ),
    "`GET /v1/streams/{stream_id}/events: 200.more` must be there": lambda of: page(of).update(
        required=["events", "more"]
    ),
}


def test_nothing_that_was_released_breaks() -> None:
    changes = contract_changes(released()["surface"], NOW)

    assert [str(change) for change in changes if change.breaks] == []


def test_changelog_names_every_change_since_the_release() -> None:
    unreleased = CHANGELOG.read_text().partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    changes = contract_changes(released()["surface"], NOW)

    assert [str(one) for one in changes if f"`{one.place}`" not in unreleased] == []


def test_changelog_begins_with_the_version_that_was_released() -> None:
    pattern = r"^## ([0-9.]+)( \(in the making\))?$"
    version, in_the_making = re.findall(pattern, CHANGELOG.read_text(), re.MULTILINE)[0]

    assert version == released()["version"]
    assert bool(in_the_making) != (f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text())


@pytest.mark.parametrize("what", BREAKING)
def test_change_that_breaks_others_is_found(what: str) -> None:
    after = copy.deepcopy(NOW)
    BREAKING[what](after)

    found = [str(change) for change in contract_changes(NOW, after) if change.breaks]

    assert [one for one in found if one.startswith(what)], found


@pytest.mark.parametrize("what", ADDING)
def test_change_that_adds_breaks_nobody(what: str) -> None:
    after = copy.deepcopy(NOW)
    ADDING[what](after)

    found = list(contract_changes(NOW, after))

    assert what in [str(change) for change in found]
    assert [str(change) for change in found if change.breaks] == []


def test_ninth_status_needs_a_higher_version() -> None:
    after = copy.deepcopy(NOW)
    schema(after, "Status")["enum"].append("suspended")

    found = {change.place for change in contract_changes(NOW, after) if change.breaks}

    assert {"status v1: payload.status", "status v1: payload.previous_status"} <= found
