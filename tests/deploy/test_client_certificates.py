"""The certificate that an edge hands over is the edge's word: who may speak for it, and who asks.

No package has Envoy Gateway's definitions, so what is said to it is compared whole.
"""

import pytest

from tests.deploy.objects import Object, Rendered, selects
from tests.deploy.rendering import OVERLAYS, rendered
from tests.deploy.schemas import UNJUDGED_GROUPS

PORT = 8080
GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "banks"}
ENVOY = {
    "ClientTrafficPolicy": {
        "targetRefs": [{**GATEWAY, "sectionName": "srtp"}],
        "tls": {
            "clientValidation": {
                "optional": False,
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "srtp-clients"}],
            }
        },
    },
    "EnvoyProxy": {
        "provider": {
            "type": "Kubernetes",
            "kubernetes": {"envoyService": {"name": "esito-announces", "type": "ClusterIP"}},
        }
    },
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_the_edge_reaches_an_ingress_that_believes_it(overlay: str) -> None:
    whole = rendered(overlay)
    sections = [one.client_certificate for one in whole.configuration().endpoints]
    edge = {"esito-edge": "true"}

    found = _namespaces_at(whole, PORT)

    if any(one and one.seen_by == "edge" for one in sections):
        assert found == [edge]
    else:
        assert edge in found


def test_envoy_gateway_is_told_what_no_schema_judges() -> None:
    objects = rendered("overlays/production").objects

    found = {one["kind"]: one["spec"] for one in objects if _group(one) in UNJUDGED_GROUPS}

    assert found == ENVOY


def test_gateway_for_our_own_side_is_the_one_without_a_load_balancer() -> None:
    gateways = rendered("overlays/production").of("Gateway")

    inside = {
        one["metadata"]["name"]: one["spec"]["infrastructure"]["parametersRef"]
        for one in gateways
        if "infrastructure" in one["spec"]
    }

    reference = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "announces"}
    assert inside == {"announces": reference}


def _namespaces_at(whole: Rendered, port: int) -> list[Object]:
    """Return the labels of the namespaces whose pods may speak to the ingress at a port."""
    pod = next(one for one in whole.pods if one.name == "ingress")
    return [
        peer["namespaceSelector"]["matchLabels"]
        for one in whole.of("NetworkPolicy")
        if selects(one["spec"]["podSelector"], pod.labels)
        for rule in one["spec"].get("ingress", [])
        if port in {each["port"] for each in rule["ports"]}
        for peer in rule["from"]
    ]


def _group(one: Object) -> str:
    return str(one["apiVersion"]).partition("/")[0]
