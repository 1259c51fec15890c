"""Read the ways from outside to a Service: of HTTPRoutes and of Ingresses, in one form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.deploy.objects import Object, Rendered

_PATH_TYPES = {"PathPrefix": "Prefix"}
# Of listeners, filters and matches.
_EXPECTED = {"HTTPS", "RequestHeaderModifier", "path", "method"}


@dataclass(frozen=True, kw_only=True)
class Way:
    """One path under some names, and where it leads."""

    kind: str
    name: str
    hosts: frozenset[str]
    path: str
    path_type: str
    method: str | None
    backends: tuple[tuple[str, int | str], ...]
    listeners: tuple[str | None, ...]
    """The names that are listened for before it; None: any."""
    gateways: frozenset[tuple[str, str]] = frozenset()
    """Each with its listener; an Ingress has none."""
    is_inside: bool = False
    """Whether nobody outside the cluster can come this way."""
    sets: Mapping[str, str] = field(default_factory=dict)
    removes: frozenset[str] = frozenset()
    annotations: Mapping[str, str] = field(default_factory=dict)
    surprises: frozenset[str] = frozenset()
    """What narrows the way, changes what comes along it, or lets it be read."""

    def __str__(self) -> str:
        """Return what a fault calls it."""
        return f"{self.kind} {self.name}: {self.method or 'any'} {self.path} ({self.path_type})"


def ways_of(rendered: Rendered) -> Iterator[Way]:
    """Yield each path of a route or an Ingress with what it leads to."""
    for one in rendered.of("HTTPRoute"):
        for rule in one["spec"]["rules"]:
            for match in rule.get("matches", [{}]):
                yield _of_route(rendered, one, rule, match)
    for one in rendered.of("Ingress"):
        for rule in one["spec"]["rules"]:
            for part in rule["http"]["paths"]:
                yield _of_ingress(one, rule.get("host"), part)


def _of_route(rendered: Rendered, one: Object, rule: Object, match: Object) -> Way:
    path = {"type": "PathPrefix", "value": "/", **match.get("path", {})}
    filters = rule.get("filters", [])
    parts = [part.get("requestHeaderModifier", {}) for part in filters]
    parents = one["spec"]["parentRefs"]
    listeners = [found for parent in parents for found in _listeners(rendered, parent)]
    is_inside = all(_is_inside(rendered, parent["name"]) for parent in parents)
    kinds = {part["type"] for part in filters} | match.keys()
    if not is_inside:
        kinds |= {found["protocol"] for _, found in listeners}
    return Way(
        kind="HTTPRoute",
        name=one["metadata"]["name"],
        hosts=frozenset(one["spec"].get("hostnames", ())),
        path=path["value"],
        path_type=_PATH_TYPES.get(path["type"], path["type"]),
        method=match.get("method"),
        backends=tuple((to["name"], to["port"]) for to in rule["backendRefs"]),
        listeners=tuple(found.get("hostname") for _, found in listeners),
        gateways=frozenset((name, found["name"]) for name, found in listeners),
        is_inside=is_inside,
        sets={one["name"].lower(): one["value"] for part in parts for one in part.get("set", [])},
        removes=frozenset(name.lower() for part in parts for name in part.get("remove", [])),
        surprises=frozenset(kinds - _EXPECTED),
    )


def _listeners(rendered: Rendered, parent: Object) -> Iterator[tuple[str, Object]]:
    for gateway in rendered.of("Gateway"):
        name = gateway["metadata"]["name"]
        for listener in gateway["spec"]["listeners"]:
            section = parent.get("sectionName", listener["name"])
            if (name, listener["name"]) == (parent["name"], section):
                yield name, listener


def _is_inside(rendered: Rendered, gateway: str) -> bool:
    """Tell whether Envoy Gateway is told that nobody outside the cluster may reach a gateway."""
    proxies = {one["metadata"]["name"]: one["spec"] for one in rendered.of("EnvoyProxy")}
    for one in rendered.of("Gateway"):
        named = one["spec"].get("infrastructure", {}).get("parametersRef", {}).get("name")
        if one["metadata"]["name"] == gateway and named in proxies:
            service = proxies[named]["provider"]["kubernetes"].get("envoyService", {})
            return bool(service.get("type") == "ClusterIP")
    return False


def _of_ingress(one: Object, host: str | None, part: Object) -> Way:
    service = part["backend"]["service"]
    [port] = service["port"].values()
    return Way(
        kind="Ingress",
        name=one["metadata"]["name"],
        hosts=frozenset([host] if host else ()),
        path=part["path"],
        path_type=part["pathType"],
        method=None,
        backends=((service["name"], port),),
        listeners=tuple(name for tls in one["spec"].get("tls", []) for name in tls["hosts"]),
        annotations=one["metadata"].get("annotations", {}),
    )
