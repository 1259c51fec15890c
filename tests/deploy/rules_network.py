"""What must hold for what surrounds the pods: policies, budgets, Services, routes."""

from collections.abc import Iterator

from runtime.configuration import Configuration, Endpoint
from tests.deploy.objects import Object, Pod, Rendered, selects

_BOTH = {"Ingress", "Egress"}


def policies_select_every_pod(rendered: Rendered) -> Iterator[str]:
    """Demand that nothing may speak unless a policy names it, with whom and where."""
    policies = [one["spec"] for one in rendered.of("NetworkPolicy")]
    if {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} not in policies:
        yield "whatever else begins in the namespace may speak to all"
    for pod in rendered.pods:
        closed = {
            direction
            for spec in policies
            if selects(spec["podSelector"], pod.labels) and not _opens(spec)
            for direction in spec["policyTypes"]
        }
        if closed != _BOTH:
            yield f"{pod.name}: no policy closes {sorted(_BOTH - closed)}"
    for one in rendered.of("NetworkPolicy"):
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in one["spec"].get(direction, []):
                if not rule.get(side) or not rule.get("ports"):
                    yield f"{one['metadata']['name']}: {direction} to anybody, or at any port"
                if any(_is_everything(peer) for peer in rule.get(side, [])):
                    yield f"{one['metadata']['name']}: {direction} to everything"


def ways_out_are_those_needed(rendered: Rendered) -> Iterator[str]:
    """Demand Kafka and names for all; what else for whom needs it; and metrics for monitoring."""
    configuration = rendered.configuration()
    kafka = int(configuration.kafka_bootstrap_servers.rpartition(":")[2])
    for pod in rendered.pods:
        wanted = {53, kafka, *_other_ports(pod, configuration)}
        found = {port for spec in _of(rendered, pod) for port in _ports(spec, "egress")}
        if found != wanted:
            yield f"{pod.name}: may reach ports {sorted(found)}, needs {sorted(wanted)}"
        entries = [rule for spec in _of(rendered, pod) for rule in spec.get("ingress", [])]
        for rule in entries:
            ports = {one["port"] for one in rule["ports"]}
            spaces = [one.get("namespaceSelector", {}).get("matchLabels") for one in rule["from"]]
            to_metrics = configuration.management_port in ports
            if to_metrics and spaces != [{"kubernetes.io/metadata.name": "monitoring"}]:
                yield f"{pod.name}: its metrics are open to {spaces}"


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
    """Demand that Services and Deployments select one Deployment's pods, and PodMonitors all."""
    deployed = [pod for pod in rendered.pods if pod.is_deployed]
    for one in rendered.of("Service"):
        found = [
            pod for pod in deployed if selects({"matchLabels": one["spec"]["selector"]}, pod.labels)
        ]
        ports = {port["name"] for pod in found for port in pod.container["ports"]}
        wanted = {port["targetPort"] for port in one["spec"]["ports"]}
        if len(found) != 1 or not wanted <= ports:
            yield f"Service {one['metadata']['name']}: leads to {[pod.name for pod in found]}"
    for pod in deployed:
        found = [one for one in deployed if selects(pod.owner["spec"]["selector"], one.labels)]
        if found != [pod]:
            yield f"{pod.name}: takes the pods of {[one.name for one in found]} for its own"
    for one in rendered.of("PodMonitor"):
        ports = {end["port"] for end in one["spec"]["podMetricsEndpoints"]}
        for pod in deployed:
            names = {port["name"] for port in pod.container["ports"]}
            if not (selects(one["spec"]["selector"], pod.labels) and ports <= names):
                yield f"{pod.name}: nobody reads its metrics"


def namespace_is_restricted(rendered: Rendered) -> Iterator[str]:
    """Demand that the API server itself refuses pods which may do more."""
    for one in rendered.of("Namespace"):
        if one["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{one['metadata']['name']}: takes any pod"
    spaces = {one["metadata"].get("namespace") for one in rendered.objects} - {None}
    if spaces != {one["metadata"]["name"] for one in rendered.of("Namespace")}:
        yield f"objects are in {sorted(map(str, spaces))}"


def endpoints_are_routed(rendered: Rendered) -> Iterator[str]:
    """Demand a way in for each path that somebody calls, and none for what nobody outside may."""
    ways = list(_ways(rendered))
    if not ways:
        return
    called = set()
    for endpoint in rendered.configuration().endpoints:
        if endpoint.remote_stream is not None:
            continue
        for path in (endpoint.path, *endpoint.more_paths):
            called.add(path)
            if not any(way["path"] == path and way["to"] == "ingress" for way in ways):
                yield f"{endpoint.name}: nothing leads to {path}"
    for way in ways:
        announced = (way["path"], way.get("gateways")) == ("/expectations", ["announces"])
        if way["to"] == "ingress" and way["path"] not in called and not announced:
            yield f"{way['path']}: leads to the ingress, and no endpoint is there"


def certificates_are_handed_over(rendered: Rendered) -> Iterator[str]:
    """Demand that one gateway sets the header of `seen_by: edge`, and the others remove it."""
    endpoints = [one for one in rendered.configuration().endpoints if _edge_header(one)]
    paths = {path: _edge_header(one) for one in endpoints for path in (one.path, *one.more_paths)}
    headers = set(paths.values())
    asking = {
        target["name"]
        for one in rendered.of("ClientTrafficPolicy")
        if one["spec"].get("tls", {}).get("clientValidation", {}).get("caCertificateRefs")
        for target in one["spec"]["targetRefs"]
    }
    for way in _ways(rendered):
        if way["to"] != "ingress" or way["kind"] == "Ingress":
            continue
        header = paths.get(way["path"])
        if header and (header not in way["sets"] or not set(way["gateways"]) <= asking):
            yield f"{way['path']}: no certificate is asked for, or handed over as {header}"
        if not header and headers - set(way["removes"]):
            yield f"{way['path']}: a caller could bring {sorted(map(str, headers))} along"


def _edge_header(endpoint: Endpoint) -> str | None:
    section = endpoint.client_certificate
    return section.header if section and section.seen_by == "edge" else None


def _ways(rendered: Rendered) -> Iterator[Object]:
    """Yield each path of a route or an Ingress with what it leads to."""
    for one in rendered.of("HTTPRoute"):
        gateways = [parent["name"] for parent in one["spec"]["parentRefs"]]
        for rule in one["spec"]["rules"]:
            filters = [part["requestHeaderModifier"] for part in rule.get("filters", [])]
            for match in rule.get("matches", [{}]):
                yield {
                    "kind": "HTTPRoute",
                    "path": match.get("path", {}).get("value", "/"),
                    "to": rule["backendRefs"][0]["name"],
                    "sets": {header["name"] for part in filters for header in part.get("set", [])},
                    "removes": {name for part in filters for name in part.get("remove", [])},
                    "gateways": gateways,
                }
    for one in rendered.of("Ingress"):
        for rule in one["spec"]["rules"]:
            for part in rule["http"]["paths"]:
                to = part["backend"]["service"]["name"]
                yield {"kind": "Ingress", "path": part["path"], "to": to}


def _of(rendered: Rendered, pod: Pod) -> Iterator[Object]:
    for one in rendered.of("NetworkPolicy"):
        if selects(one["spec"]["podSelector"], pod.labels):
            yield one["spec"]


def _ports(spec: Object, direction: str) -> set[int]:
    return {port["port"] for rule in spec.get(direction, []) for port in rule.get("ports", [])}


def _other_ports(pod: Pod, configuration: Configuration) -> set[int]:
    """Return the ports beyond Kafka and names that a pod's process has a use for."""
    database, https = 5432, 443
    ours = configuration.endpoints_of(pod.provider or "").values()
    fetches = any(
        issuer.jwks_uri for one in ours if one.tokens for issuer in one.tokens.issuers
    ) or any(one.notifications for one in ours)
    return {
        "intake": {database, https},
        "streams": {database},
        "verifier": {https} if fetches else set(),
        "poller": {https},
    }.get(pod.process, set())


def _opens(spec: Object) -> bool:
    """Tell whether a policy lets everything through in a direction that it speaks of."""
    return any(rule == {} for side in ("ingress", "egress") for rule in spec.get(side, []))


def _is_everything(peer: Object) -> bool:
    block = peer.get("ipBlock", {}).get("cidr", "")
    return str(block).endswith("/0") or peer in ({"namespaceSelector": {}}, {"podSelector": {}})
