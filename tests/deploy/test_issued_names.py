"""Each certificate by ACME is proven at the gateway that its name leads to, on port 80."""

from tests.deploy.objects import Object, Rendered
from tests.deploy.rendering import rendered


def test_each_name_is_proven_where_it_leads_to() -> None:
    whole = rendered("overlays/production")
    leads = {
        listener["hostname"]: (one["metadata"]["name"], "http")
        for one in whole.of("Gateway")
        for listener in one["spec"]["listeners"]
        if listener["protocol"] == "HTTPS"
    }
    names = {name for one in whole.of("Certificate") for name in one["spec"]["dnsNames"]}

    proven = {name: _solver_of(name, whole) for name in names}

    assert proven == leads


def test_each_gateway_with_a_certificate_listens_for_the_challenge() -> None:
    for one in rendered("overlays/production").of("Gateway"):
        ports = {listener["name"]: listener["port"] for listener in one["spec"]["listeners"]}

        if 443 in ports.values():
            assert ports["http"] == 80


def _solver_of(name: str, whole: Rendered) -> tuple[str, str]:
    """Return gateway and listener; the solver whose selector names it comes first."""
    (issuer,) = whole.of("Issuer")
    solvers: list[Object] = issuer["spec"]["acme"]["solvers"]
    fitting = [one for one in solvers if name in one.get("selector", {}).get("dnsNames", [])]
    general = [one for one in solvers if "selector" not in one]
    (to,) = (*fitting, *general)[0]["http01"]["gatewayHTTPRoute"]["parentRefs"]
    return to["name"], to["sectionName"]
