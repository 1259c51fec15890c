"""What must hold for what surrounds the pods: who may speak to whom, budgets, monitoring."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from runtime.configuration import Configuration
from tests.deploy.objects import Object, Pod, Rendered, selects


def _labelled(label: str, value: str) -> Object:
    return {"namespaceSelector": {"matchLabels": {label: value}}}


def _space(name: str, pods: Mapping[str, str] | None = None) -> Object:
    peer = _labelled("kubernetes.io/metadata.name", name)
    return {**peer, "podSelector": {"matchLabels": pods}} if pods else peer


_KAFKA: Final = _space("kafka", {"strimzi.io/cluster": "esito"})
_NAMES: Final = _space("kube-system", {"k8s-app": "kube-dns"})
_MONITORING: Final = _space("monitoring")
_COLLECTOR: Final = _space("monitoring", {"app.kubernetes.io/name": "opentelemetry-collector"})
_EDGE: Final = _labelled("esito-edge", "true")
_ANNOUNCES: Final = _labelled("esito-announces", "true")
_POSTGRES: Final = (_space("postgres"), 5432)
_WALLET: Final = ({"ipBlock": {"cidr": "203.0.113.10/32"}}, 443)
_OBJECT_STORE: Final = ({"ipBlock": {"cidr": "203.0.113.20/32"}}, 443)
_REMOTE: Final = ({"ipBlock": {"cidr": "203.0.113.30/32"}}, 443)
# Beyond Kafka and names, which all need.
_WAYS_OUT: Final[Mapping[str, tuple[tuple[Object, int], ...]]] = {
    "intake": (_POSTGRES, _OBJECT_STORE),
    "streams": (_POSTGRES,),
    "verifier-wallet": (_WALLET,),
    "verifier-send": (_OBJECT_STORE,),
    "poller-send": (_REMOTE,),
}
# Of others' pods in our namespace: cert-manager's, while it proves that a name is ours.
_GUESTS: Final = {"acme.cert-manager.io/http01-solver": "true"}
_GUESTS_PORT: Final = 8089
# What the alerts go by; a pod's labels say which process it is, and of which provider.
_POD_LABEL: Final = "__meta_kubernetes_pod_label_app_kubernetes_io_"
_RELABELINGS: Final = (
    {"targetLabel": "job", "replacement": "esito"},
    {"targetLabel": "process", "sourceLabels": [f"{_POD_LABEL}name"]},
    {"targetLabel": "provider", "sourceLabels": [f"{_POD_LABEL}instance"]},
)


def policies_select_every_pod(rendered: Rendered) -> Iterator[str]:
    """Demand that nothing may speak unless a policy names it, and no policy of strangers."""
    policies = {one["metadata"]["name"]: one["spec"] for one in rendered.of("NetworkPolicy")}
    closed = policies.pop("default-deny", None)
    if closed != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield "whatever else begins in the namespace may speak to all"
    known = [_GUESTS, *(pod.labels for pod in rendered.pods)]
    for name, spec in policies.items():
        if not any(selects(spec["podSelector"], labels) for labels in known):
            yield f"{name}: opens a way for pods that are none of ours"


def ways_are_those_needed(rendered: Rendered) -> Iterator[str]:
    """Demand of each pod exactly the peers and ports of the table, in and out."""
    for pod in rendered.pods:
        needed = set(_needed(pod, rendered.configuration(pod.environ)))
        yield from _differences(pod.name, needed, set(_found(rendered, pod.labels, pod.ports)))
    if rendered.of("Issuer"):
        needed = {_way("Ingress", _EDGE, {"port": _GUESTS_PORT})}
        yield from _differences("solver", needed, set(_found(rendered, _GUESTS, {})))


def _needed(pod: Pod, configuration: Configuration) -> Iterator[str]:
    kafka = int(configuration.kafka_bootstrap_servers.rpartition(":")[2])
    yield _way("Egress", _KAFKA, {"port": kafka})
    for protocol in ("UDP", "TCP"):
        yield _way("Egress", _NAMES, {"protocol": protocol, "port": 53})
    yield _way("Ingress", _MONITORING, {"port": configuration.management_port})
    if configuration.tracing.otlp_url:
        yield _way("Egress", _COLLECTOR, {"port": 4318})
    for peer, port in _WAYS_OUT.get(pod.name, ()):
        yield _way("Egress", peer, {"port": port})
    listening = {
        "ingress": configuration.ingress.port,
        "intake": configuration.intake.port,
        "streams": configuration.streams.port,
    }
    if pod.process in listening:
        yield _way("Ingress", _EDGE, {"port": listening[pod.process]})
    sections = [one.client_certificate for one in configuration.endpoints]
    # Whoever reaches the port that a certificate is handed over at could hand over a forged one:
    # pods' addresses do not tell the gateway's (`edges`) from those of our own side.
    by_edge = any(one and one.seen_by == "edge" for one in sections)
    if pod.process == "ingress" and not by_edge:
        yield _way("Ingress", _ANNOUNCES, {"port": configuration.ingress.port})


def _found(
    rendered: Rendered, labels: Mapping[str, str], names: Mapping[str, int]
) -> Iterator[str]:
    for one in rendered.of("NetworkPolicy"):
        spec = one["spec"]
        if not selects(spec["podSelector"], labels):
            continue
        for direction, side in (("Ingress", "from"), ("Egress", "to")):
            for rule in spec.get(direction.lower(), []) if direction in spec["policyTypes"] else []:
                for peer in rule.get(side) or [{"anybody": True}]:
                    for port in rule.get("ports") or [{"port": "any"}]:
                        number = names.get(port.get("port"), port.get("port"))
                        yield _way(direction, peer, {**port, "port": number})


def _way(direction: str, peer: Object, port: Object) -> str:
    """Return one text for one meaning; a range (endPort) or a selector of all stays in it."""
    parts = (peer, {"protocol": "TCP", **port})
    return " ".join([direction, *(json.dumps(one, sort_keys=True) for one in parts)])


def _differences(name: str, needed: set[str], found: set[str]) -> Iterator[str]:
    for one in sorted(needed - found):
        yield f"{name}: lacks {one}"
    for one in sorted(found - needed):
        yield f"{name}: has no need of {one}"


def budgets_are_there(rendered: Rendered) -> Iterator[str]:
    """Demand a budget for each Deployment, of its pods alone, that lets nodes be drained."""
    budgets = rendered.of("PodDisruptionBudget")
    for pod in rendered.pods:
        own = [one for one in budgets if selects(one["spec"]["selector"], pod.labels)]
        if len(own) != int(pod.is_deployed):
            yield f"{pod.name}: {len(own)} budgets"
        for one in own:
            if one["spec"].get("maxUnavailable") != 1:
                yield f"{pod.name}: with one pod, its budget would hold up a drain for ever"


def selectors_find_pods(rendered: Rendered) -> Iterator[str]:
    """Demand that each Deployment selects its own pods, and no other's."""
    deployed = [pod for pod in rendered.pods if pod.is_deployed]
    for pod in deployed:
        found = [one for one in deployed if selects(pod.owner["spec"]["selector"], one.labels)]
        if found != [pod]:
            yield f"{pod.name}: takes the pods of {[one.name for one in found]} for its own"


def metrics_are_read(rendered: Rendered) -> Iterator[str]:
    """Demand of a PodMonitor that it reads every process, under the labels that alerts go by."""
    for one in rendered.of("PodMonitor"):
        [end] = one["spec"]["podMetricsEndpoints"]
        if end.get("path") != "/metrics":
            yield f"{one['metadata']['name']}: nothing answers at {end.get('path')}"
        for wanted in _RELABELINGS:
            if wanted not in end.get("relabelings", []):
                yield f"{one['metadata']['name']}: no label {wanted['targetLabel']}"
        for pod in rendered.pods:
            reads = selects(one["spec"]["selector"], pod.labels)
            port = rendered.configuration(pod.environ).management_port
            if pod.is_deployed and (not reads or pod.ports.get(end["port"]) != port):
                yield f"{pod.name}: nobody reads its metrics"


def namespace_is_restricted(rendered: Rendered) -> Iterator[str]:
    """Demand that the API server itself refuses pods which may do more."""
    for one in rendered.of("Namespace"):
        if one["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{one['metadata']['name']}: takes any pod"
    spaces = {one["metadata"].get("namespace") for one in rendered.objects} - {None}
    if spaces != {one["metadata"]["name"] for one in rendered.of("Namespace")}:
        yield f"objects are in {sorted(map(str, spaces))}"
