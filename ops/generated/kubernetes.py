"""Write what of deploy/k8s follows from the code and an overlay's own esito.yaml.

For each overlay whose kustomization.yaml names it: kafka/<overlay> (topics and users, for Strimzi),
components/keda/<overlay> and components/hpa/<overlay>. The alert rules of deploy/monitoring become
one PrometheusRule.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from ops.generated.autoscalers import autoscalers, scaled_objects
from ops.generated.kafka_users import kafka_users, keda_user
from ops.generated.yaml_text import yaml_texts
from ops.topics import planned_topics
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration

# The name of the Kafka resource: the operator takes the topics that say so.
CLUSTER: Final = "esito"

Resource = dict[str, Any]


def kubernetes_files(root: Path) -> dict[str, str]:
    """Return the text of each generated manifest by its path from `root`."""
    folder = root / "deploy" / "k8s"
    files = {"deploy/k8s/components/monitoring/rules.yaml": _rules(root / "deploy" / "monitoring")}
    for overlay in sorted(folder.glob("overlays/*/esito.yaml")):
        name = overlay.parent.name
        resources = yaml.safe_load((overlay.parent / "kustomization.yaml").read_text())["resources"]
        configuration = load_configuration(overlay, environ={})
        for (directory, file), make in _MADE.items():
            if f"../../{directory}/{name}" in resources:
                source = f"ops/generated and overlays/{name}/esito.yaml"
                path = f"deploy/k8s/{directory}/{name}/{file}"
                files[path] = yaml_texts(make(configuration), source=source)
    return files


def kafka_topics(configuration: Configuration) -> Iterator[Resource]:
    """Yield the plan of each topic as Strimzi's KafkaTopic."""
    for plan in planned_topics(configuration):
        yield {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {
                # A topic's name may have more characters than a resource's.
                "name": plan.name.lower().replace("_", "-"),
                "labels": {"strimzi.io/cluster": CLUSTER},
            },
            "spec": {
                "topicName": plan.name,
                "partitions": plan.partitions,
                "replicas": plan.replication_factor,
                "config": plan.settings,
            },
        }


def _rules(monitoring: Path) -> str:
    files = sorted(monitoring.glob("rules/*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "esito"},
        "spec": {"groups": groups},
    }
    return yaml_texts([rule], source="deploy/monitoring/rules")


_MADE: Final[Mapping[tuple[str, str], Callable[[Configuration], Iterator[Resource]]]] = {
    ("kafka", "topics.yaml"): kafka_topics,
    ("kafka", "users.yaml"): kafka_users,
    ("components/keda", "scaled-objects.yaml"): scaled_objects,
    ("components/keda", "user.yaml"): keda_user,
    ("components/hpa", "autoscalers.yaml"): autoscalers,
}
