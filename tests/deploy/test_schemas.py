"""Every rendered object is what its maker's schema asks for, in each version it is meant for."""

import os
from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.objects import Object, Rendered
from tests.deploy.rendering import CLUSTERS, FOLDER, OVERLAYS, rendered
from tests.deploy.schemas import (
    KUBERNETES_VERSIONS,
    custom_faults,
    is_built_in,
    is_custom,
    kubernetes_faults,
)
from tests.deploy.violations import put

REQUIRED = (
    ("Certificate", "spec/secretName"),
    ("Gateway", "spec/gatewayClassName"),
    ("HTTPRoute", "spec/rules/0/backendRefs/0/name"),
    ("Issuer", "spec/acme/server"),
    ("Kafka", "spec/kafka/listeners/0/port"),
    ("KafkaNodePool", "spec/roles"),
    ("KafkaTopic", "spec"),
    ("KafkaUser", "spec/authentication/type"),
    ("PodMonitor", "spec/selector"),
    ("PrometheusRule", "spec"),
    ("ScaledObject", "spec/triggers"),
    ("TriggerAuthentication", "spec/secretTargetRef/0/key"),
)
CUSTOM_KINDS = frozenset(kind for kind, _ in REQUIRED)
REFUSED = (
    ("Certificate", "spec/privateKey/algorithm", "DSA"),
    ("Gateway", "spec/listeners/1/tls/mode", "Ended"),
    ("HTTPRoute", "spec/rules/0/matches/0/method", "SEND"),
    ("KafkaNodePool", "spec/roles/0", "leader"),
    ("KafkaTopic", "apiVersion", "kafka.strimzi.io/v0"),
    ("KafkaTopic", "kind", "KafkaTopics"),
    ("KafkaTopic", "spec/partitions", 0),
    ("PodMonitor", "spec/podMetricsEndpoints/0/interval", "15 seconds"),
    ("ScaledObject", "spec/minReplicaCount", None),
)
# Kafka's own settings may be anything, and their names too.
FREE = (("spec", "config"), ("spec", "kafka", "config"))
# Without them nobody knows what it is.
NEEDED = (("apiVersion",), ("kind",), ("metadata",))
Steps = tuple[str | int, ...]


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("directory", OVERLAYS)
def test_built_in_kinds_are_as_kubernetes_has_them(directory: str, version: str) -> None:
    objects = [one for one in rendered(directory).objects if is_built_in(one)]

    assert objects
    assert list(kubernetes_faults(objects, version)) == []


def test_component_that_no_example_takes_in_is_as_kubernetes_has_it(tmp_path: Path) -> None:
    place = os.path.relpath(FOLDER / "components" / "traces", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(f"components: [{place}]\n")

    objects = rendered(str(tmp_path)).objects

    assert [one["kind"] for one in objects] == ["NetworkPolicy"]
    assert list(kubernetes_faults(objects, KUBERNETES_VERSIONS[0])) == []


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_unknown_field_of_a_pod_is_noticed(version: str) -> None:
    broken = rendered("overlays/production")

    put("Deployment", "ingress", "spec/template/spec/containers/0/readynessProbe", {})(broken)

    assert len(list(kubernetes_faults(broken.of("Deployment"), version))) == 1


def test_custom_kinds_are_as_their_definitions_say() -> None:
    directories = (*OVERLAYS, *CLUSTERS)
    objects = [one for each in directories for one in rendered(each).objects if is_custom(one)]

    assert {one["kind"] for one in objects} == CUSTOM_KINDS
    assert [fault for faults in custom_faults(objects) for fault in faults] == []


def test_missing_member_of_each_custom_kind_is_noticed() -> None:
    broken = [_one_of(kind) for kind, _ in REQUIRED]

    for one, (kind, path) in zip(broken, REQUIRED, strict=True):
        put(kind, one["metadata"]["name"], path)(Rendered([one]))

    assert _unnoticed(REQUIRED, broken) == []


def test_refused_value_is_noticed() -> None:
    broken = [_one_of(kind) for kind, _, _ in REFUSED]

    for one, (kind, path, value) in zip(broken, REFUSED, strict=True):
        put(kind, one["metadata"]["name"], path, value)(Rendered([one]))

    assert _unnoticed(REFUSED, broken) == []


def test_wrong_type_and_unknown_member_are_noticed_everywhere() -> None:
    whole = {kind: _one_of(kind) for kind in CUSTOM_KINDS}
    changes = [(kind, *change) for kind, one in whole.items() for change in _changes(one)]
    broken = [_changed(whole[kind], path, value) for kind, path, value in changes]

    assert _unnoticed(changes, broken) == []


def _one_of(kind: str) -> Object:
    """Return the object of a kind that says most."""
    objects = (*rendered("overlays/production").objects, *rendered("kafka/cluster").objects)
    return max((one for one in objects if one["kind"] == kind), key=lambda one: len(str(one)))


def _changes(value: Any, path: Steps = ()) -> Iterator[tuple[Steps, object]]:  # noqa: ANN401 - any part
    """Yield for every place another type, and for every mapping one member more."""
    if path and path not in NEEDED:
        yield path, "text" if isinstance(value, dict) else {}
    if isinstance(value, dict) and path not in FREE:
        yield (*path, "surplus"), {}
        for name, part in value.items():
            yield from _changes(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _changes(part, (*path, place))


def _changed(whole: Object, path: Steps, value: object) -> Object:
    made = deepcopy(whole)
    *above, last = path
    place: Any = reduce(getitem, above, made)  # type: ignore[arg-type]  # mappings and lists alike
    place[last] = value
    return made


def _unnoticed(changes: Sequence[object], broken: list[Object]) -> list[object]:
    found = custom_faults(broken)
    return [change for change, faults in zip(changes, found, strict=True) if not faults]
