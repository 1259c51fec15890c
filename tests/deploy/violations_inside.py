"""Break pods, configuration and scaling: what each rule of theirs must notice."""

from functools import partial
from typing import Any, Final

from tests.deploy.objects import Rendered
from tests.deploy.violations import BOX, POD, Change, Table, add, both, gathered, lose, put, say

_on = partial(put, "Deployment", "ingress")
_worker = partial(put, "Deployment", "state-machine-pivot")
_scaled = partial(put, "ScaledObject", "verifier-srtp")
_TOPIC: Final = "callbacks.pivot.raw.v1"
_TRIGGER: Final = "spec/triggers/0"
_SPREAD: Final = f"{POD}/topologySpreadConstraints"
_USER: Final = f"{BOX}/securityContext"


def _set(name: str, value: str) -> Change:
    return add("Deployment", "ingress", f"{BOX}/env", {"name": name, "value": value})


def _plain_configuration(rendered: Rendered) -> None:
    for pod in rendered.pods:
        for _, _, source in pod.mounts("configMap"):
            source["name"] = "esito-config"


def _another_user(rendered: Rendered) -> None:
    pod = next(one for one in rendered.pods if one.name == "state-machine-srtp")
    for place, _, source in pod.mounts("secret"):
        if place.name == "user":
            source["secretName"] = "esito-state-machine-pivot"


def _mounted_too_much(mount: dict[str, Any]) -> Change:
    name = ("Deployment", "state-machine-pivot")
    return both(
        add(*name, f"{BOX}/volumeMounts", mount),
        add(*name, f"{POD}/volumes", {"name": "k", "secret": {"secretName": "k"}}),
    )


_SECRET: Final = {"name": "k", "mountPath": "/etc/esito/keys/consumers", "readOnly": True}
_OF_PODS: Final[Table] = {
    "image_is_pinned": {
        "latest": _on(f"{BOX}/image", "esito:latest"),
        "no tag": _on(f"{BOX}/image", "esito"),
    },
    "nobody_is_root": {
        "may be root": _on(f"{POD}/securityContext/runAsNonRoot"),
        "user 0": _on(f"{_USER}/runAsUser", 0),
        "privileges": _on(f"{_USER}/allowPrivilegeEscalation", value=True),
        "capability": _on(f"{_USER}/capabilities/add", ["NET_ADMIN"]),
        "the node's network": _on(f"{POD}/hostNetwork", value=True),
        "no seccomp": _on(f"{POD}/securityContext/seccompProfile"),
    },
    "root_is_read_only": {
        "image": _on(f"{_USER}/readOnlyRootFilesystem", value=False),
        "node": _on(f"{POD}/volumes/0", {"name": "config", "hostPath": {"path": "/"}}),
        "no bound": _on(f"{POD}/volumes/0", {"name": "config", "emptyDir": {}}),
    },
    "limits_are_set": {
        "memory": _on(f"{BOX}/resources/limits/memory"),
        "all": _on(f"{BOX}/resources"),
    },
    "probes_are_there": {
        "none": _on(f"{BOX}/readinessProbe"),
        "swapped": _on(f"{BOX}/livenessProbe/httpGet/path", "/readyz"),
        "another port": _on(f"{BOX}/startupProbe/httpGet/port", 8080),
        "impatient": _on(f"{BOX}/startupProbe/failureThreshold", 1),
        "kubelet": _set("ESITO_MANAGEMENT_HOST", "127.0.0.1"),
        # The image's variable wins over the file.
        "the file's port": both(
            say("log_format: json", "log_format: json\nmanagement_port: 9191"),
            _on(f"{BOX}/ports/0", {"name": "management", "containerPort": 9191}),
        ),
    },
    "tokens_stay_away": {
        "mounted": _on(f"{POD}/automountServiceAccountToken", value=True),
        "shared account": _on(f"{POD}/serviceAccountName", "intake"),
    },
    "service_links_are_off": {"on": _on(f"{POD}/enableServiceLinks", value=True)},
    "grace_is_long_enough": {
        "short": _on(f"{POD}/terminationGracePeriodSeconds", 30),
        "no pause": _on(f"{BOX}/lifecycle"),
        "key": say("ingress:", "ingress:\n  grace_seconds: 60"),
        "variable": _set("ESITO_INGRESS__GRACE_SECONDS", "60"),
        "worker": say("topics:\n", "worker: {revoke_seconds: 30}\ntopics:\n"),
    },
    "pods_are_spread": {
        "not": _on(_SPREAD, []),
        "refused by the API server": _on(
            f"{_SPREAD}/0/matchLabelKeys", ["app.kubernetes.io/part-of"]
        ),
    },
    "processes_are_the_programs": {
        "another": _on(f"{BOX}/args", ["intake"]),
        "a shell": _on(f"{BOX}/command", ["sh"]),
        "beside it": add(
            "Deployment", "ingress", f"{POD}/containers", {"name": "x", "image": "x:1"}
        ),
    },
    "rollouts_keep_who_works": {
        "all at once": _worker("spec/strategy", {"type": "Recreate"}),
        "too many": _worker("spec/strategy/rollingUpdate/maxUnavailable", "100%"),
        "not said": _worker("spec/strategy"),
        "two pollers": put(
            "Deployment", "poller-send", "spec/strategy", {"rollingUpdate": {"maxSurge": "100%"}}
        ),
    },
}
_OF_CONFIGURATION: Final[Table] = {
    "settings_are_the_codes": {
        "key": say("log_format: json", "log_formatt: json"),
        "variable": _set("ESITO_INGRES__PORT", "1"),
        "failpoint": _set("ESITO_FAILPOINT", "x"),
    },
    "configuration_is_mounted": {
        "elsewhere": _worker(f"{BOX}/env/0/value", "/etc/esito.yaml"),
        "where the image says": _worker(f"{BOX}/env", []),
        "no hash": _plain_configuration,
    },
    "mounts_are_whole_directories": {
        "subPath": _worker(f"{BOX}/volumeMounts/0/subPath", "esito.yaml"),
        "nested": _worker(f"{BOX}/volumeMounts/0/mountPath", "/etc/esito"),
    },
    "secrets_are_those_read": {
        "missing": say("keys/pivot/", "keys/nowhere/"),
        "too many": _mounted_too_much(_SECRET),
    },
    "secrets_are_of_their_place": {"another's user": _another_user},
    "paths_are_absolute": {"relative": say("/etc/esito/keys/pivot", "../keys/pivot")},
    "nothing_is_of_this_machine": {
        "Kafka": say("kafka_bootstrap_servers: esito-kafka-bootstrap.kafka.svc:9093\n", ""),
        "host": say("ingress:\n  host: 0.0.0.0\n", "ingress:\n"),
        "public_url": say("  public_url: https://streams.example.org\n", ""),
        "database": say("esito.postgres.svc", "localhost"),
        "object store": say("  url: s3://esito-attachments/send\n", ""),
        "variable": _set("ESITO_INGRESS__PUBLIC_URL", "http://127.0.0.1:8080"),
        "traces": say("topics:\n", "tracing: {otlp_url: 'http://localhost:4318'}\ntopics:\n"),
    },
    "database_is_proven": {"anybody's": say("sslmode=verify-full", "sslmode=require")},
    "topics_are_known": {
        "name": put("KafkaTopic", _TOPIC, "spec/topicName", "x.v1"),
        "partitions": put("KafkaTopic", _TOPIC, "spec/partitions", 3),
        "missing": lose("KafkaTopic", _TOPIC),
    },
}
_OF_SCALING: Final[Table] = {
    "workers_scale_by_their_topic": {
        "topic": _scaled(f"{_TRIGGER}/metadata/topic", _TOPIC),
        "group": _scaled(f"{_TRIGGER}/metadata/consumerGroup", "esito.verifier.pivot"),
        "brokers": _scaled(f"{_TRIGGER}/metadata/bootstrapServers", "kafka:9093"),
        "no credential": _scaled(f"{_TRIGGER}/authenticationRef"),
        "CPU": _scaled(_TRIGGER, {"type": "cpu", "metadata": {"value": "70"}}),
        "nothing": put("ScaledObject", "ingress", "spec/triggers", []),
        "markers": put(
            "ScaledObject",
            "state-machine-srtp",
            f"{_TRIGGER}/metadata/activationLagThreshold",
            "143",
        ),
    },
    "pods_are_bounded": {
        "more than partitions": _scaled("spec/maxReplicaCount", 13),
        "none": put("ScaledObject", "state-machine-send", "spec/minReplicaCount", 0),
    },
    "autoscalers_have_targets": {
        "no target": lose("Deployment", "verifier-srtp"),
        "not scaled": lose("ScaledObject", "intake"),
    },
}
_autoscaler: Final = partial(put, "HorizontalPodAutoscaler", "verifier-pivot")
_WITHOUT_KEDA: Final[Table] = {
    "workers_scale_by_their_topic": {
        "CPU": _autoscaler("spec/metrics/0/pods/metric/name", "cpu"),
    },
    "pods_are_bounded": {
        "without end": put("HorizontalPodAutoscaler", "ingress", "spec/maxReplicas", 99),
    },
    "autoscalers_have_targets": {"two numbers": _on("spec/replicas", 3)},
}
VIOLATIONS: Final = (
    *gathered(_OF_PODS),
    *gathered(_OF_CONFIGURATION),
    *gathered(_OF_SCALING),
    *gathered(_WITHOUT_KEDA, "overlays/single-provider"),
)
