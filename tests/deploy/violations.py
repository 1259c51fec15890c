"""Break a rendered overlay in one place: for each rule, what it must notice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.deploy.objects import Rendered

Change = Callable[[Rendered], None]
_GONE: Final = object()


@dataclass(frozen=True)
class Violation:
    """One change of one overlay, and the rule that must notice it."""

    rule: str
    what: str
    change: Change
    overlay: str = "overlays/production"

    def __str__(self) -> str:
        """Return what pytest calls it."""
        return f"{self.rule}: {self.what}"


def put(kind: str, name: str, path: str, value: object = _GONE) -> Change:
    """Return the change that sets what lies at `path`, or takes it away."""

    def change(rendered: Rendered) -> None:
        place: Any = rendered.named(kind, name)
        steps = (one.replace("~", "/") for one in path.split("/"))
        *above, last = (int(one) if one.isdigit() else one for one in steps)
        for step in above:
            place = place[step]
        if value is _GONE:
            del place[last]
        else:
            place[last] = value

    return change


def lose(kind: str, name: str) -> Change:
    """Return the change that takes an object away."""
    return lambda rendered: rendered.objects.remove(rendered.named(kind, name))


def add(kind: str, name: str, path: str, value: object) -> Change:
    """Return the change that adds one to the list at `path`."""

    def change(rendered: Rendered) -> None:
        place: Any = rendered.named(kind, name)
        for step in path.split("/"):
            place = place[int(step) if step.isdigit() else step]
        place.append(value)

    return change


def say(old: str, new: str) -> Change:
    """Return the change that writes something else into esito.yaml."""

    def change(rendered: Rendered) -> None:
        text = rendered.configuration_text
        if old not in text:
            raise LookupError(f"{old}: nowhere in esito.yaml")
        kept = next(one for one in rendered.of("ConfigMap") if "esito.yaml" in one["data"])
        kept["data"]["esito.yaml"] = text.replace(old, new)
        vars(rendered).pop("configuration_text", None)

    return change


_POD: Final = "spec/template/spec"
_BOX: Final = f"{_POD}/containers/0"
_TOPIC: Final = "callbacks.pivot.raw.v1"
_TRIGGER: Final = "spec/triggers/0/metadata"
_EVERYTHING: Final = {"ipBlock": {"cidr": "0.0.0.0/0"}}
_VARIABLE: Final = f"{_BOX}/env"


def _of_pods() -> list[Violation]:
    def on(rule: str, what: str, path: str, value: object = _GONE) -> Violation:
        return Violation(rule, what, put("Deployment", "ingress", path, value))

    root = ("nobody_is_root", "root_is_read_only")
    return [
        on("image_is_pinned", "latest", f"{_BOX}/image", "esito:latest"),
        on("image_is_pinned", "no tag", f"{_BOX}/image", "esito"),
        on(root[0], "may be root", f"{_POD}/securityContext/runAsNonRoot"),
        on(root[0], "user 0", f"{_BOX}/securityContext/runAsUser", 0),
        on(root[0], "privileges", f"{_BOX}/securityContext/allowPrivilegeEscalation", value=True),
        on(root[0], "capability", f"{_BOX}/securityContext/capabilities/add", ["NET_ADMIN"]),
        on(root[0], "the node's network", f"{_POD}/hostNetwork", value=True),
        on(root[0], "no seccomp", f"{_POD}/securityContext/seccompProfile"),
        on(root[1], "image", f"{_BOX}/securityContext/readOnlyRootFilesystem", value=False),
        on(root[1], "node", f"{_POD}/volumes/0", {"name": "config", "hostPath": {"path": "/"}}),
        on(root[1], "no bound", f"{_POD}/volumes/0", {"name": "config", "emptyDir": {}}),
        on("limits_are_set", "memory", f"{_BOX}/resources/limits/memory"),
        on("limits_are_set", "all", f"{_BOX}/resources"),
        on("probes_are_there", "none", f"{_BOX}/readinessProbe"),
        on("probes_are_there", "swapped", f"{_BOX}/livenessProbe/httpGet/path", "/readyz"),
        on("probes_are_there", "another port", f"{_BOX}/startupProbe/httpGet/port", 8080),
        on("tokens_stay_away", "mounted", f"{_POD}/automountServiceAccountToken", value=True),
        on("tokens_stay_away", "shared account", f"{_POD}/serviceAccountName", "intake"),
        on("service_links_are_off", "on", f"{_POD}/enableServiceLinks", value=True),
        on("grace_is_long_enough", "short", f"{_POD}/terminationGracePeriodSeconds", 30),
        on("grace_is_long_enough", "no pause", f"{_BOX}/lifecycle"),
        on("pods_are_spread", "not", f"{_POD}/topologySpreadConstraints", []),
        on(
            "pods_are_spread",
            "refused by the API server",
            f"{_POD}/topologySpreadConstraints/0/matchLabelKeys",
            ["app.kubernetes.io/part-of"],
        ),
        on("processes_are_the_programs", "another", f"{_BOX}/args", ["intake"]),
    ]


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
    def change(rendered: Rendered) -> None:
        name = "state-machine-pivot"
        add("Deployment", name, f"{_BOX}/volumeMounts", mount)(rendered)
        add("Deployment", name, f"{_POD}/volumes", {"name": "k", "secret": {"secretName": "k"}})(
            rendered
        )

    return change


_FOLLOWS: Final = "workers_scale_by_their_topic"
_WORKER: Final = ("Deployment", "state-machine-pivot")
_POLICY: Final = "NetworkPolicy"
_ROUTES: Final = ("HTTPRoute", "callbacks")
_PATH: Final = "spec/rules/0/matches/1/path/value"
_SECRET: Final = {"name": "k", "mountPath": "/etc/esito/keys/consumers", "readOnly": True}
_CONFIGURATION: Final = (
    Violation("probes_are_there", "kubelet", say("management_host: 0.0.0.0", "")),
    Violation("grace_is_long_enough", "key", say("ingress:", "ingress:\n  grace_seconds: 60")),
    Violation(
        "grace_is_long_enough",
        "worker",
        say("topics:\n", "worker: {revoke_seconds: 30}\ntopics:\n"),
    ),
    Violation("settings_are_the_codes", "key", say("log_format: json", "log_formatt: json")),
    Violation(
        "settings_are_the_codes",
        "variable",
        add("Deployment", "ingress", _VARIABLE, {"name": "ESITO_INGRES__PORT", "value": "1"}),
    ),
    Violation(
        "settings_are_the_codes",
        "failpoint",
        add("Deployment", "ingress", _VARIABLE, {"name": "ESITO_FAILPOINT", "value": "x"}),
    ),
    Violation(
        "configuration_is_mounted",
        "elsewhere",
        put(*_WORKER, f"{_VARIABLE}/0/value", "/etc/esito.yaml"),
    ),
    Violation("configuration_is_mounted", "no hash", _plain_configuration),
    Violation(
        "mounts_are_whole_directories",
        "subPath",
        put(*_WORKER, f"{_BOX}/volumeMounts/0/subPath", "esito.yaml"),
    ),
    Violation(
        "mounts_are_whole_directories",
        "nested",
        put(*_WORKER, f"{_BOX}/volumeMounts/0/mountPath", "/etc/esito"),
    ),
    Violation("secrets_are_those_read", "missing", say("keys/pivot/", "keys/nowhere/")),
    Violation("secrets_are_those_read", "too many", _mounted_too_much(_SECRET)),
    Violation("secrets_are_of_their_place", "another's user", _another_user),
    Violation("paths_are_absolute", "relative", say("/etc/esito/keys/pivot", "../keys/pivot")),
    Violation("topics_are_known", "name", put("KafkaTopic", _TOPIC, "spec/topicName", "x.v1")),
    Violation("topics_are_known", "partitions", put("KafkaTopic", _TOPIC, "spec/partitions", 3)),
    Violation("topics_are_known", "missing", lose("KafkaTopic", _TOPIC)),
    Violation(
        _FOLLOWS,
        "topic",
        put("ScaledObject", "verifier-pivot", f"{_TRIGGER}/topic", _TOPIC + "2"),
    ),
    Violation(
        _FOLLOWS,
        "markers",
        put("ScaledObject", "state-machine-srtp", f"{_TRIGGER}/activationLagThreshold", "143"),
    ),
    Violation(_FOLLOWS, "pods", put("ScaledObject", "verifier-srtp", "spec/maxReplicaCount", 13)),
    Violation(
        _FOLLOWS, "zero", put("ScaledObject", "state-machine-send", "spec/minReplicaCount", 0)
    ),
    Violation("autoscalers_have_targets", "no target", lose("Deployment", "verifier-srtp")),
    Violation("autoscalers_have_targets", "not scaled", lose("ScaledObject", "intake")),
    Violation(
        "autoscalers_have_targets",
        "two numbers",
        put("Deployment", "ingress", "spec/replicas", 3),
        "overlays/single-provider",
    ),
)
_NETWORK: Final = (
    Violation("policies_select_every_pod", "no default", lose(_POLICY, "default-deny")),
    Violation(
        "policies_select_every_pod", "open", put(_POLICY, "default-deny", "spec/egress", [{}])
    ),
    Violation(
        "policies_select_every_pod",
        "the world",
        put(_POLICY, "verifier-wallet", "spec/egress/0/to", [_EVERYTHING]),
    ),
    Violation(
        "policies_select_every_pod", "any port", put(_POLICY, "kafka", "spec/egress/0/ports")
    ),
    Violation(
        "ways_out_are_those_needed",
        "Kafka's port",
        put(_POLICY, "kafka", "spec/egress/0/ports/0/port", 9092),
    ),
    Violation(
        "ways_out_are_those_needed",
        "a way too many",
        put(_POLICY, "verifier-wallet", "spec/podSelector/matchLabels", {}),
    ),
    Violation("ways_out_are_those_needed", "no way", lose(_POLICY, "verifier-wallet")),
    Violation(
        "ways_out_are_those_needed",
        "metrics",
        put(_POLICY, "metrics", "spec/ingress/0/from/0/namespaceSelector", {}),
    ),
    Violation("budgets_are_there", "none", lose("PodDisruptionBudget", "verifier-srtp")),
    Violation(
        "budgets_are_there",
        "for ever",
        put("PodDisruptionBudget", "intake", "spec", {"minAvailable": 1, "selector": {}}),
    ),
    Violation(
        "selectors_find_pods", "Service", put("Service", "intake", "spec/selector", {"a": "b"})
    ),
    Violation(
        "selectors_find_pods",
        "monitoring",
        put("PodMonitor", "esito", "spec/podMetricsEndpoints/0/port", "metrics"),
    ),
    Violation(
        "namespace_is_restricted",
        "any pod",
        put("Namespace", "esito", "metadata/labels/pod-security.kubernetes.io~enforce", "x"),
    ),
    Violation("endpoints_are_routed", "UAE PASS", put(*_ROUTES, _PATH, "/consent/callback")),
    Violation(
        "endpoints_are_routed",
        "unknown",
        add(
            *_ROUTES,
            "spec/rules/0/matches",
            {"path": {"type": "PathPrefix", "value": "/expectations"}},
        ),
    ),
    Violation(
        "certificates_are_handed_over",
        "brought along",
        put(*_ROUTES, "spec/rules/0/filters", []),
    ),
    Violation(
        "certificates_are_handed_over",
        "not set",
        put("HTTPRoute", "srtp", "spec/rules/0/filters/0/requestHeaderModifier", {"add": []}),
    ),
    Violation(
        "certificates_are_handed_over",
        "not asked for",
        put("ClientTrafficPolicy", "banks", "spec/tls", {}),
    ),
)
VIOLATIONS: Final = (*_of_pods(), *_CONFIGURATION, *_NETWORK)
