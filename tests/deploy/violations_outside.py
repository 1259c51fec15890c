"""Break what surrounds the pods, and the way of a callback: what each rule must notice."""

from functools import partial
from typing import Any, Final

from tests.deploy.objects import Rendered
from tests.deploy.violations import BOX, Change, Table, add, gathered, lose, put, say

_policy = partial(put, "NetworkPolicy")
_route = partial(put, "HTTPRoute", "callbacks")
_bank_route = partial(put, "HTTPRoute", "srtp")
_service = partial(put, "Service", "ingress")
_bank_ingress = partial(put, "Ingress", "srtp")
_monitor = partial(put, "PodMonitor", "esito")
_TO: Final = "spec/egress/0/to"
_FROM: Final = "spec/ingress/0/from"
_END: Final = "spec/podMetricsEndpoints/0"
_RULE: Final = "spec/rules/0"
_MODIFIER: Final = f"{_RULE}/filters/0/requestHeaderModifier"
_HAPROXY: Final = "metadata/annotations/haproxy-ingress.github.io~auth-tls"
_ALL: Final[dict[str, Any]] = {"namespaceSelector": {}, "podSelector": {}}
_OURS: Final = {"matchLabels": {"app.kubernetes.io/part-of": "esito"}}
_VALIDATED: Final = {"default": {"validation": {"caCertificateRefs": [{"name": "srtp-clients"}]}}}


def _blocks(*blocks: str) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": one}} for one in blocks]


def _listen(gateway: str, key: str, value: str) -> Change:
    """Return the change of the listeners that end TLS."""

    def change(rendered: Rendered) -> None:
        for one in rendered.named("Gateway", gateway)["spec"]["listeners"]:
            if one["protocol"] == "HTTPS":
                one[key] = value

    return change


def _elsewhere(rendered: Rendered) -> None:
    pod = next(one for one in rendered.pods if one.name == "ingress")
    for port in pod.container["ports"]:
        if port["name"] == "http":
            port["containerPort"] = 9999


def ask_as_others_do(rendered: Rendered) -> None:
    """Let the banks' gateway ask for certificates in the Gateway API's own way, and no other."""
    rendered.objects[:] = [one for one in rendered.objects if one["kind"] != "ClientTrafficPolicy"]
    put("Gateway", "banks", "spec/tls", {"frontend": _VALIDATED})(rendered)


_OF_NETWORK: Final[Table] = {
    "policies_select_every_pod": {
        "no default": lose("NetworkPolicy", "default-deny"),
        "open": _policy("default-deny", "spec/egress", [{}]),
        "one direction": _policy("default-deny", "spec/policyTypes", ["Ingress"]),
        "of strangers": _policy("ingress", "spec/podSelector/matchLabels", {"app": "x"}),
    },
    "ways_are_those_needed": {
        "the world": _policy("verifier-wallet", _TO, _blocks("0.0.0.0/0")),
        "the world in two halves": _policy(
            "verifier-wallet", _TO, _blocks("0.0.0.0/1", "128.0.0.0/1")
        ),
        "every pod": _policy("verifier-wallet", _TO, [_ALL]),
        "from every pod": _policy("ingress", _FROM, [_ALL]),
        "from a network": _policy("ingress", _FROM, _blocks("10.0.0.0/8")),
        "from anybody": _policy("ingress", _FROM, []),
        "from our own side": add(
            "NetworkPolicy", "intake", _FROM, {"namespaceSelector": {"matchLabels": {"x": "y"}}}
        ),
        "any port": _policy("kafka", "spec/egress/0/ports"),
        "ports up to": _policy("ingress", "spec/ingress/0/ports/0/endPort", 9999),
        "metrics by name": add(
            "NetworkPolicy", "ingress", "spec/ingress/0/ports", {"port": "management"}
        ),
        "metrics for all": _policy("metrics", f"{_FROM}/0/namespaceSelector", {}),
        "Kafka's port": _policy("kafka", "spec/egress/0/ports/0/port", 9092),
        "Kafka elsewhere": _policy("kafka", _TO, _blocks("8.8.8.0/24")),
        "a way too many": _policy("verifier-wallet", "spec/podSelector/matchLabels", {}),
        "no way out": lose("NetworkPolicy", "verifier-wallet"),
        "no way for traces": say(
            "topics:\n", "tracing: {otlp_url: 'http://traces.monitoring.svc:4318'}\ntopics:\n"
        ),
        "no way in": lose("NetworkPolicy", "ingress"),
        "in at another's port": _policy("ingress", "spec/ingress/0/ports/0/port", 8081),
        "in to all": _policy("ingress", "spec/podSelector", _OURS),
        "the solver's": _policy("acme-solver", "spec/ingress/0/ports/0/port", 22),
    },
    "budgets_are_there": {
        "none": lose("PodDisruptionBudget", "verifier-srtp"),
        "for ever": put(
            "PodDisruptionBudget", "intake", "spec", {"minAvailable": 1, "selector": {}}
        ),
    },
    "selectors_find_pods": {
        "another's": put("Deployment", "verifier-srtp", "spec/selector", _OURS),
    },
    "metrics_are_read": {
        "port": _monitor(f"{_END}/port", "metrics"),
        "path": _monitor(f"{_END}/path", "/m"),
        "labels": _monitor(f"{_END}/relabelings", []),
        "nobody": _monitor("spec/selector/matchLabels", {"app": "x"}),
    },
    "namespace_is_restricted": {
        "any pod": put(
            "Namespace", "esito", "metadata/labels/pod-security.kubernetes.io~enforce", "x"
        ),
    },
}
_OF_WAYS_IN: Final[Table] = {
    "calls_are_routed": {
        "UAE PASS": _route(f"{_RULE}/matches/1/path/value", "/consent/callback"),
        "the wallet's own path alone": _route(f"{_RULE}/matches/2/path/type", "Exact"),
        "all below Pivot's": _route(f"{_RULE}/matches/0/path/type", "PathPrefix"),
        "method": _route(f"{_RULE}/matches/0/method", "GET"),
        "a header": _route(f"{_RULE}/matches/0/headers", [{"name": "a", "value": "b"}]),
        "written anew": add(
            "HTTPRoute", "callbacks", f"{_RULE}/filters", {"type": "URLRewrite", "urlRewrite": {}}
        ),
        "host": _route("spec/hostnames", ["other.example.org"]),
        "configured host": say("host: srtp.example.org", "host: bank.example.org"),
        "readable": _listen("callers", "protocol", "HTTP"),
        "another process": _route(f"{_RULE}/backendRefs/0/name", "intake"),
        "public bodies": put("HTTPRoute", "send", "spec/hostnames", ["files.example.org"]),
        "expectations": add(
            "HTTPRoute",
            "callbacks",
            f"{_RULE}/matches",
            {"method": "POST", "path": {"type": "PathPrefix", "value": "/expectations"}},
        ),
    },
    "routes_are_heard": {
        "another name": _listen("callers", "hostname", "other.example.org"),
        "below the name": _listen("banks", "hostname", "*.srtp.example.org"),
        "no listener": _route("spec/parentRefs/0/sectionName", "other"),
        "no gateway": lose("Gateway", "banks"),
    },
    "services_lead_to_who_listens": {
        "none": lose("Service", "streams"),
        "nobody": put("Service", "intake", "spec/selector", {"a": "b"}),
        "port of the Service": _service("spec/ports/0/port", 80),
        "port of the route": _route(f"{_RULE}/backendRefs/0/port", 9090),
        "port of the pod": _elsewhere,
        "target": _service("spec/ports/0/targetPort", "management"),
        "configured port": say("ingress:\n", "ingress:\n  port: 8090\n"),
        "configured host": say("ingress:\n  host: 0.0.0.0", "ingress:\n  host: 10.0.0.1"),
        "variable": add(
            "Deployment", "intake", f"{BOX}/env", {"name": "ESITO_INTAKE__PORT", "value": "1"}
        ),
    },
    "certificates_are_handed_over": {
        "brought along": _route(f"{_RULE}/filters", []),
        "not set": _bank_route(_MODIFIER, {"add": []}),
        "something else": _bank_route(f"{_MODIFIER}/set/0/value", "%REQ(x)%"),
        "written otherwise": say(
            "header: x-client-certificate",
            "header: x-client-certificate\n      encoding: der_base64",
        ),
        "not by this gateway": ask_as_others_do,
        "by nobody": _bank_route("spec/parentRefs/0", {"name": "callers", "sectionName": "send"}),
    },
}
_OF_INGRESSES: Final[Table] = {
    "calls_are_routed": {
        "the wallet's own path alone": put(
            "Ingress", "callbacks", f"{_RULE}/http/paths/2/pathType", "Exact"
        ),
    },
    "routes_are_heard": {"without TLS": put("Ingress", "callbacks", "spec/tls", [])},
    "services_lead_to_who_listens": {
        "port": put(
            "Ingress",
            "callbacks",
            f"{_RULE}/http/paths/0/backend/service/port",
            {"name": "management"},
        ),
    },
    "certificates_are_handed_over": {
        "nothing said": _bank_ingress("metadata/annotations", {}),
        "whose": _bank_ingress(f"{_HAPROXY}-secret"),
        "any": _bank_ingress(f"{_HAPROXY}-verify-client", "optional_no_ca"),
        "kept": _bank_ingress(f"{_HAPROXY}-cert-header", "false"),
        "header": say("header: x-ssl-client-cert", "header: x-client-certificate"),
        "encoding": say("encoding: der_base64", "encoding: pem_urlencoded"),
    },
    "ways_are_those_needed": {
        "our own side": add(
            "NetworkPolicy",
            "ingress",
            _FROM,
            {"namespaceSelector": {"matchLabels": {"esito-announces": "yes"}}},
        ),
    },
}
VIOLATIONS: Final = (
    *gathered(_OF_NETWORK),
    *gathered(_OF_WAYS_IN),
    *gathered(_OF_INGRESSES, "overlays/dev"),
)
