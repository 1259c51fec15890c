"""The table of who may do what in Kafka, and what is generated from it."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from contracts.access import (
    WORK,
    Access,
    Grant,
    Operation,
    Process,
    Resource,
    access_of,
    group_of,
    transactional_id,
)
from contracts.providers import provider_names
from contracts.topics import Role, Topics
from ops.accesses import accesses, scaler_access
from ops.generate import ROOT
from ops.generated.kafka_users import kafka_users
from ops.local.processes import programs_of
from runtime.configuration_file import load_configuration

FOLDER = ROOT / "deploy" / "k8s"
OVERLAYS = sorted(file.parent.name for file in FOLDER.glob("kafka/*/users.yaml"))
PEOPLE = {"esito-topics", "esito-operator", "esito-replay"}


@pytest.mark.parametrize("role", Role)
def test_every_topic_is_written_by_somebody_and_read_by_somebody(role: Role) -> None:
    working = [work for process, work in WORK.items() if process is not Process.REPLAY]

    assert [work for work in working if role in work.writes]
    assert [work for work in working if role in work.reads]


def test_who_takes_things_in_from_outside_reads_nothing() -> None:
    doors = (Process.INGRESS, Process.INTAKE, Process.POLLER)

    assert {WORK[one].reads for one in doors} == {()}
    assert {WORK[one].writes for one in doors} == {(Role.RAW,)}


def test_only_one_user_of_people_may_write() -> None:
    writing = [one for one in (Process.TOPICS, Process.OPERATOR, Process.KEDA) if WORK[one].writes]

    assert writing == []


def test_nobody_has_a_right_to_the_topics_of_a_provider_that_is_not_his() -> None:
    verifier = access_of(Process.VERIFIER, ["pivot"])
    others = [Topics.of(one) for one in provider_names() if one != "pivot"]
    names = [name for one in others for name in one.by_role().values()]

    assert not any(
        verifier.allows(operation, Resource.TOPIC, name)
        for operation in Operation
        for name in names
    )


def test_ids_of_a_longer_name_are_somebody_elses() -> None:
    verifier = access_of(Process.VERIFIER, ["pivot"])
    ours = group_of(Process.VERIFIER, "pivot")
    theirs = group_of(Process.VERIFIER, "pivotal")

    def may(group: str, topic: str) -> bool:
        identifier = transactional_id(group, topic, 11)
        return verifier.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, identifier)

    assert may(ours, Topics.of("pivot").raw)
    assert not may(theirs, Topics.of("pivotal").raw)
    assert not may(ours, Topics.of("pivot").raw + "1")


def test_describing_comes_with_reading_and_with_writing_and_nothing_else_does() -> None:
    for given in (Operation.READ, Operation.WRITE):
        grant = Grant(Resource.TOPIC, "a", (given,))
        covered = {one for one in Operation if grant.covers(one, Resource.TOPIC, "a")}

        assert covered == {given, Operation.DESCRIBE}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_users_of_an_overlay_are_its_processes_and_people(overlay: str) -> None:
    configuration = load_configuration(FOLDER / "overlays" / overlay / "esito.yaml", environ={})

    users = {one["metadata"]["name"] for one in _documents(overlay)}

    assert users == {f"esito-{one.name}" for one in programs_of(configuration)} | PEOPLE


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_acls_of_an_overlay_are_the_tables_without_creation(overlay: str) -> None:
    configuration = load_configuration(FOLDER / "overlays" / overlay / "esito.yaml", environ={})
    wanted = {one.user: _rights(one) for one in accesses(configuration)}

    found = {one["metadata"]["name"]: _acls(one) for one in _documents(overlay)}

    assert found == wanted


def test_user_with_a_password_has_scram() -> None:
    configuration = load_configuration(
        FOLDER / "overlays/single-provider/esito.yaml",
        environ={"ESITO_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"},
    )

    kinds = {one["spec"]["authentication"]["type"] for one in kafka_users(configuration)}

    assert kinds == {"scram-sha-512"}


def test_autoscaler_may_describe_and_nothing_else() -> None:
    configuration = load_configuration(FOLDER / "overlays/production/esito.yaml", environ={})

    granted = {one for grant in scaler_access(configuration).grants for one in grant.operations}

    assert granted == {Operation.DESCRIBE}


def _documents(overlay: str) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all((FOLDER / "kafka" / overlay / "users.yaml").read_text())


def _acls(user: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    rights = set()
    for acl in user["spec"]["authorization"]["acls"]:
        kind, name, pattern = (acl["resource"][one] for one in ("type", "name", "patternType"))
        rights |= {(kind, name, pattern, operation) for operation in acl["operations"]}
    return rights


def _rights(access: Access) -> set[tuple[str, str, str, str]]:
    return {
        (one.resource.value, one.name, "prefix" if one.is_prefix else "literal", operation.value)
        for one in access.grants
        for operation in one.operations
        if operation is not Operation.CREATE
    }
