"""Every rendered object is what its maker's schema asks for, in each version it is meant for."""

import pytest

from tests.deploy.objects import Object
from tests.deploy.rendering import OVERLAYS, rendered
from tests.deploy.schemas import (
    KUBERNETES_VERSIONS,
    MODULES,
    READ_BY_OPERATORS,
    definition_faults,
    group_of,
    kubernetes_faults,
    operator_faults,
)
from tests.deploy.violations import put

RENDERED = (*OVERLAYS, "kafka/cluster")


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("directory", OVERLAYS)
def test_built_in_kinds_are_as_kubernetes_has_them(directory: str, version: str) -> None:
    objects = _of_groups(directory, "")

    assert objects
    assert list(kubernetes_faults(objects, version)) == []


@pytest.mark.parametrize("group", MODULES)
def test_custom_kinds_are_as_their_definitions_say(group: str) -> None:
    objects = _of_groups("overlays/production", group)

    assert objects
    assert list(definition_faults(objects)) == []


def test_operators_know_every_field() -> None:
    objects = [one for name in RENDERED for one in _of_groups(name, *READ_BY_OPERATORS)]

    assert {one["kind"] for one in objects} >= {"Kafka", "KafkaTopic", "PodMonitor"}
    assert operator_faults(objects) == []


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_unknown_field_of_a_pod_is_noticed(version: str) -> None:
    broken = rendered("overlays/production")

    put("Deployment", "ingress", "spec/template/spec/containers/0/readynessProbe", {})(broken)

    assert len(list(kubernetes_faults(broken.of("Deployment"), version))) == 1


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("ScaledObject", "intake", "spec/coolDownPeriod", 300),
        ("ScaledObject", "intake", "spec/maxReplicaCount", "many"),
        ("HTTPRoute", "srtp", "spec/rules/0/matches/0/method", "SEND"),
        ("Gateway", "banks", "spec/listeners/0/tls/mode", "Ended"),
        ("Certificate", "srtp", "spec/privateKey/algorithm", "DSA"),
    ],
)
def test_broken_custom_resource_is_noticed(kind: str, name: str, path: str, value: object) -> None:
    broken = rendered("overlays/production")

    put(kind, name, path, value)(broken)

    assert len(list(definition_faults([broken.named(kind, name)]))) == 1


def test_operators_notice_what_they_would_ignore() -> None:
    broken = rendered("overlays/production")
    name = "callbacks.pivot.raw.v1"

    put("KafkaTopic", name, "spec/partition", 3)(broken)
    put("KafkaTopic", "callbacks.srtp.raw.v1", "spec/replicas", "many")(broken)
    put("KafkaTopic", "callbacks.send.raw.v1", "apiVersion", "kafka.strimzi.io/v0")(broken)
    put("PodMonitor", "esito", "spec/podMetricsEndpoints/0/intervall", "1s")(broken)
    found = operator_faults([*broken.of("KafkaTopic"), *broken.of("PodMonitor")])

    assert sorted(one.partition(":")[0] for one in found) == [
        "KafkaTopic callbacks.pivot.raw.v1.spec",
        "KafkaTopic callbacks.send.raw.v1",
        "KafkaTopic callbacks.srtp.raw.v1",
        "PodMonitor esito.spec.podMetricsEndpoints",
    ]


def _of_groups(directory: str, *groups: str) -> list[Object]:
    return [one for one in rendered(directory).objects if group_of(one) in groups]
