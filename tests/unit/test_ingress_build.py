"""Routes that would take each other's callbacks, or certificates nobody asks for, end the start."""

import ssl
from pathlib import Path
from typing import Any, Final

import pytest
import structlog

from contracts.errors import Broken
from ingress.app import App
from ingress.build import AppBuilder, client_certificates
from runtime.configuration import Configuration
from runtime.key_source import KeySource
from runtime.metrics import Metrics

TLS: Final = {"certificate_file": "s.pem", "key_file": "s.key", "client_ca_file": "clients.pem"}
EDGE: Final = {"seen_by": "edge", "header": "x-cert", "edges": ["10.0.0.0/8"]}
ESITO: Final = {"seen_by": "esito"}


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Any]:
    """Return a section of one key."""
    (tmp_path / "a.key").write_text("a-key-of-the-unit-tests-01")
    return {"keys": [{"id": "a", "file": str(tmp_path / "a.key")}]}


def configuration(
    *endpoints: dict[str, Any],
    tls: dict[str, str] | None = None,
    public_url: str = "https://callbacks.example.org",
) -> Configuration:
    named = [{"name": f"e{number}", **one} for number, one in enumerate(endpoints)]
    ingress = {"tls": tls, "public_url": public_url}
    return Configuration.model_validate({"endpoints": named, "ingress": ingress})


def built(given: Configuration) -> App:
    source = KeySource({one.name: one for one in given.endpoints}, lambda *_: None)
    return AppBuilder(given, source, Metrics(), structlog.get_logger()).build()


def wallet(path: str, keys: dict[str, Any], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {
        "provider": "wallet",
        "path": path,
        "path_token": keys,
        "early_seconds": 60,
        **settings,
    }


def pivot(path: str, keys: dict[str, Any], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"provider": "pivot", "path": path, "api_key": keys, **settings}


def srtp(path: str, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"provider": "srtp", "path": path, "xmldsig": {}, **settings}


def test_more_paths_are_routes_of_one_handler() -> None:
    app = built(configuration(srtp("/v1/send", more_paths=["/v2/send", "/v1/cancel"])))

    assert set(app.routes) == {(None, "/v1/send"), (None, "/v2/send"), (None, "/v1/cancel")}
    assert len(set(app.routes.values())) == 1
    assert app.prefixes == {}


def test_paths_of_a_sealed_endpoint_are_prefixes_too(keys: dict[str, Any]) -> None:
    app = built(
        configuration(
            wallet("/w", keys, host="H.example", more_paths=["/w/more"], expectations=keys),
            pivot("/p", keys),
        )
    )

    assert set(app.prefixes) == {("h.example", "/w"), ("h.example", "/w/more")}
    assert set(app.routes) == {*app.prefixes, (None, "/p"), (None, "/expectations/e0")}


@pytest.mark.parametrize(
    ("host", "other_host"), [(None, None), ("h", None), (None, "h"), ("h", "h")]
)
def test_path_under_a_sealed_one_is_refused(
    keys: dict[str, Any], host: str | None, other_host: str | None
) -> None:
    given = configuration(wallet("/w", keys, host=host), pivot("/w/pivot", keys, host=other_host))

    with pytest.raises(Broken, match="endpoint e1: /w/pivot is under /w, where endpoint e0 takes"):
        built(given)


@pytest.mark.parametrize(("path", "host"), [("/w/a/b", "h"), ("/wx", "h"), ("/w/a", "other")])
def test_path_beside_a_sealed_one_is_taken(keys: dict[str, Any], path: str, host: str) -> None:
    given = configuration(wallet("/w", keys, host="h"), pivot(path, keys, host=host))

    assert len(built(given).routes) == 2


def test_sealed_path_above_the_expectations_is_refused(keys: dict[str, Any]) -> None:
    given = configuration(wallet("/expectations", keys), pivot("/p", keys, expectations=keys))

    with pytest.raises(Broken, match="/expectations/e1 is under /expectations"):
        built(given)


@pytest.mark.parametrize(
    ("public_url", "called"),
    [
        ("https://edge.example", "https://Bank.example/edge/a?x=1"),
        ("https://edge.example:8443/", "https://Bank.example:8443/edge/a?x=1"),
        ("https://edge.example/before", "https://Bank.example/before/edge/a?x=1"),
    ],
)
def test_target_uri_has_the_host_that_the_endpoint_is_called_under(
    keys: dict[str, Any], public_url: str, called: str
) -> None:
    """A signature covers it: under the host of another endpoint, no honest one would hold."""
    one = srtp("/edge/a", host="Bank.example", expectations=keys)
    given = configuration(one, srtp("/edge/a"), public_url=public_url)
    routes = built(given).routes

    def target_uri(host: str | None, path: str) -> str:
        return routes[host, path].settings.headers.target_uri(f"{path}?x=1")

    assert target_uri("bank.example", "/edge/a") == called
    assert target_uri(None, "/edge/a") == f"{public_url.rstrip('/')}/edge/a?x=1"
    announced = target_uri(None, "/expectations/e0")
    assert announced == f"{public_url.rstrip('/')}/expectations/e0?x=1"


@pytest.mark.parametrize("tls", [None, {**TLS, "client_ca_file": None}])
def test_certificate_that_nobody_asks_for_is_refused(tls: dict[str, str] | None) -> None:
    given = configuration(srtp("/a", client_certificate=ESITO), tls=tls)

    with pytest.raises(Broken, match=r"endpoint e0: .*ingress\.tls\.client_ca_file must name"):
        built(given)


def test_certificate_of_the_edge_needs_no_tls_of_ours() -> None:
    assert built(configuration(srtp("/a", client_certificate=EDGE))).routes


def test_certificate_is_required_of_all_where_no_endpoint_speaks_of_one(
    keys: dict[str, Any],
) -> None:
    """As it always was: whoever names a CA and no more wants every caller to be of it."""
    given = configuration(pivot("/a", keys, expectations=keys), srtp("/b"), tls=TLS)

    assert client_certificates(given) is ssl.CERT_REQUIRED


def test_certificate_is_required_where_every_route_demands_one() -> None:
    one, other = srtp("/a", client_certificate=ESITO), srtp("/b", client_certificate=ESITO)

    assert client_certificates(configuration(one, other, tls=TLS)) is ssl.CERT_REQUIRED


@pytest.mark.parametrize("beside", ["endpoint", "edge", "expectations"])
def test_certificate_is_optional_where_a_route_needs_none(
    keys: dict[str, Any], beside: str
) -> None:
    demanding = srtp("/a", client_certificate=ESITO)
    given = {
        "endpoint": configuration(demanding, pivot("/b", keys), tls=TLS),
        "edge": configuration(demanding, srtp("/b", client_certificate=EDGE), tls=TLS),
        "expectations": configuration({**demanding, "expectations": keys}, tls=TLS),
    }[beside]

    assert client_certificates(given) is ssl.CERT_OPTIONAL
