"""What must hold for the way of a callback: listener, route, Service, container, process."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime.signature_configuration import ClientCertificate
from tests.deploy.objects import Object, Pod, Rendered, selects
from tests.deploy.ways import Way, ways_of

_FRONTS = ("ingress", "intake", "streams")
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - compared, not bound
_HAPROXY = "haproxy-ingress.github.io/auth-tls-"
# How each hands over a certificate: the value of the header, or the header, and how it is written.
_BY_ENVOY = {"%DOWNSTREAM_PEER_CERT%": "pem_urlencoded"}
_BY_HAPROXY = {"x-ssl-client-cert": "der_base64"}


@dataclass(frozen=True)
class Call:
    """What somebody outside calls, and which process must take it; no host: under any name."""

    service: str
    host: str | None
    path: str
    path_type: str
    method: str | None

    def is_brought_by(self, way: Way) -> bool:
        """Tell whether a way leads such calls to the process, all of them and no others."""
        return (
            [name for name, _ in way.backends] == [self.service]
            and (way.path, way.path_type) == (self.path, self.path_type)
            and (self.host is None or way.hosts == {self.host})
            # An Ingress knows no methods; the process itself answers 405.
            and (way.kind == "Ingress" or way.method == self.method)
            and not way.surprises
        )


_ANNOUNCEMENTS = Call("ingress", None, "/expectations", "Prefix", "POST")


def calls_are_routed(rendered: Rendered) -> Iterator[str]:
    """Demand a way in for each path that somebody calls, and none for what nobody outside may."""
    ways = list(ways_of(rendered))
    calls = list(_calls(rendered))
    for call in calls if ways else ():
        if not any(call.is_brought_by(way) for way in ways):
            yield f"nothing leads as it should to {call}"
    for way in ways:
        # Our own side announces within the cluster alone, where there is a way of its own for it.
        known = [*calls, _ANNOUNCEMENTS] if way.is_inside else calls
        if not any(call.is_brought_by(way) for call in known):
            yield f"nobody calls, or takes as it comes, {way}"


def _calls(rendered: Rendered) -> Iterator[Call]:
    configuration = rendered.configuration()
    for endpoint in configuration.endpoints:
        kind = "Exact" if endpoint.path_token is None else "Prefix"
        for path in (endpoint.path, *endpoint.more_paths):
            if endpoint.remote_stream is None:
                yield Call("ingress", endpoint.host, path, kind, "POST")
    deployed = {pod.name for pod in rendered.pods}
    for name in sorted({"intake", "streams"} & deployed):
        host = urlsplit(getattr(configuration, name).public_url).hostname
        yield Call(name, host, "/", "Prefix", None)


def routes_are_heard(rendered: Rendered) -> Iterator[str]:
    """Demand of each route a listener for its names."""
    for way in ways_of(rendered):
        if not way.hosts and not way.is_inside:
            yield f"{way}: is of no name"
        for host in sorted(way.hosts):
            if not any(_is_of(host, name) for name in way.listeners):
                yield f"{way}: nobody listens for {host}"


def services_lead_to_who_listens(rendered: Rendered) -> Iterator[str]:
    """Demand of each Service one Deployment, whose process listens at that port, for all."""
    services = {one["metadata"]["name"]: one["spec"] for one in rendered.of("Service")}
    deployed = [pod for pod in rendered.pods if pod.is_deployed]
    for pod in deployed:
        if pod.process in _FRONTS and pod.name not in services:
            yield f"{pod.name}: has no Service"
    for name, spec in services.items():
        found = [pod for pod in deployed if selects({"matchLabels": spec["selector"]}, pod.labels)]
        if [pod.name for pod in found] != [name]:
            yield f"Service {name}: leads to {[pod.name for pod in found]}"
            continue
        yield from _faults_behind(spec, found[0], rendered)
    for way in ways_of(rendered):
        for service, port in way.backends:
            ports = services.get(service, {}).get("ports", [])
            if not any(port in (one["port"], one["name"]) for one in ports):
                yield f"{way}: no Service {service} has port {port}"


def _faults_behind(service: Object, pod: Pod, rendered: Rendered) -> Iterator[str]:
    settings = getattr(rendered.configuration(pod.environ), pod.process)
    for port in service["ports"]:
        target = pod.ports.get(port["targetPort"])
        if target != settings.port:
            yield f"{pod.name}: is called at {target}, and listens at {settings.port}"
    if settings.host != _EVERY_ADDRESS:
        yield f"{pod.name}: listens at {settings.host} alone"


def certificates_are_handed_over(rendered: Rendered) -> Iterator[str]:
    """Demand it of each way to an endpoint of `seen_by: edge`, and of no other gateway."""
    paths = dict(_edges(rendered))
    asking = {listener for one in rendered.objects for listener in _asking(one)}
    headers = {one.header for one in paths.values() if one.header}
    for way in ways_of(rendered):
        section = paths.get(way.path)
        if way.backends[0][0] != "ingress":
            continue
        if section and way.kind == "Ingress" and not _is_asked_by_haproxy(way, section):
            yield f"{way}: asks for no certificate, or hands over none at {section.header}"
        if section and way.kind == "HTTPRoute":
            if not all(asking & {(name, None), (name, part)} for name, part in way.gateways):
                yield f"{way}: its gateway asks for no certificate"
            if _BY_ENVOY.get(way.sets.get(section.header or "", "")) != section.encoding:
                yield f"{way}: no certificate is handed over at {section.header}"
        if not section and way.kind == "HTTPRoute" and not headers <= way.removes:
            yield f"{way}: a caller could bring {sorted(headers)} along"


def _edges(rendered: Rendered) -> Iterator[tuple[str, ClientCertificate]]:
    for endpoint in rendered.configuration().endpoints:
        section = endpoint.client_certificate
        if section and section.seen_by == "edge":
            for path in (endpoint.path, *endpoint.more_paths):
                yield path, section


def _asking(one: Object) -> Iterator[tuple[str, str | None]]:
    """Yield each gateway, or listener of one, that lets nobody in without a certificate."""
    spec = one.get("spec", {})
    # Envoy Gateway does not follow the Gateway API's own way.
    if one["kind"] == "Gateway" and spec["gatewayClassName"] != "envoy":
        frontend = spec.get("tls", {}).get("frontend", {}).get("default", {})
        validation = frontend.get("validation", {})
        strict = validation.get("mode", "AllowValidOnly") == "AllowValidOnly"
        if validation.get("caCertificateRefs") and strict:
            yield one["metadata"]["name"], None
    if one["kind"] == "ClientTrafficPolicy":
        validation = spec.get("tls", {}).get("clientValidation", {})
        if validation.get("caCertificateRefs") and not validation.get("optional"):
            for target in spec["targetRefs"]:
                yield target["name"], target.get("sectionName")


def _is_asked_by_haproxy(way: Way, section: ClientCertificate) -> bool:
    said = {
        name.removeprefix(_HAPROXY): value
        for name, value in way.annotations.items()
        if name.startswith(_HAPROXY)
    }
    return (
        bool(said.get("secret"))
        and (said.get("verify-client"), said.get("cert-header")) == ("on", "true")
        and _BY_HAPROXY.get(section.header or "") == section.encoding
    )


def _is_of(host: str, name: str | None) -> bool:
    """Tell whether a listener's name takes a host; none takes all."""
    return name is None or host == name or (name[:2] == "*." and host.endswith(name[1:]))
