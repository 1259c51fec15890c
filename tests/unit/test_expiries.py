"""The ends of what is trusted, as gauges: of each endpoint and kind the first one there is now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from runtime.endpoint_configuration import Endpoint
from runtime.metrics import Metrics
from runtime.token_configuration import TokenIssuer
from tests.certificates import YEAR, issue, pem, revocation_list, root
from tests.jose import issuer, jwk_members, jwks
from tests.updates import NOON
from workers.expiries import publish_set_expiries, publish_trust_expiries
from workers.verifier.issuer_keys import IssuerKeys
from workers.verifier.jwks_source import JwksSource
from workers.verifier.trust_source import TrustSource

ROOT: Final = root()
SOON: Final = NOON + timedelta(days=3)
BANK: Final = issue(ROOT, "Bank A", not_after=SOON)
TRUST: Final = "esito_keys_trust_expiry_timestamp_seconds"
SETS: Final = "esito_keys_set_expiry_timestamp_seconds"


def shown(metrics: Metrics, name: str) -> dict[tuple[str, ...], datetime]:
    """Return the metric's instants by its labels."""
    return {
        tuple(sample.labels.values()): datetime.fromtimestamp(sample.value, UTC)
        for metric in metrics.registry.collect()
        if metric.name == name
        for sample in metric.samples
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    (tmp_path / "banks.pem").write_bytes(pem(BANK, issue(ROOT, "Bank B")))
    crl = revocation_list(ROOT, next_update=SOON)
    (tmp_path / "root.crl").write_bytes(crl.public_bytes(Encoding.DER))
    (tmp_path / "jwks.json").write_bytes(jwks(jwk_members("ES256")))
    return tmp_path


def endpoint(name: str, **settings: Any) -> Endpoint:  # noqa: ANN401 - settings of any type
    return Endpoint.model_validate({"name": name, "provider": "any", "path": "/p", **settings})


def trusting(folder: Path) -> Endpoint:
    certificates = {
        "root_files": [folder / "root.pem"],
        "pinned_files": [folder / "banks.pem"],
        "crl_files": [folder / "root.crl"],
    }
    return endpoint("bank", certificates=certificates)


def test_first_end_of_each_kind_is_shown(folder: Path) -> None:
    endpoints, metrics = {"bank": trusting(folder), "plain": endpoint("plain")}, Metrics()

    publish_trust_expiries(metrics, endpoints, TrustSource(endpoints, lambda *_: None))

    assert shown(metrics, TRUST) == {
        ("bank", "root"): NOON + YEAR,
        ("bank", "pinned"): SOON,
        ("bank", "crl"): SOON,
    }


def test_end_of_a_file_that_changed_is_shown(folder: Path) -> None:
    endpoints, metrics = {"bank": trusting(folder)}, Metrics()
    trust = TrustSource(endpoints, lambda *_: None)
    publish_trust_expiries(metrics, endpoints, trust)
    crl = revocation_list(ROOT, next_update=SOON + timedelta(days=7))
    (folder / "root.crl").write_bytes(crl.public_bytes(Encoding.DER))

    trust.reload()

    assert shown(metrics, TRUST)["bank", "crl"] == SOON + timedelta(days=7)


def test_end_of_the_roots_of_credential_issuers_is_shown(folder: Path) -> None:
    presentations = {
        "policy": "required",
        "issuer_root_files": [folder / "root.pem"],
        "credential_types": ["urn:eudi:pid:1"],
    }
    issuers = [{"issuer": "https://wallet.example", "jwks_file": folder / "jwks.json"}]
    tokens = {"issuers": issuers, "presentations": presentations}
    endpoints, metrics = {"wallet": endpoint("wallet", tokens=tokens)}, Metrics()

    publish_trust_expiries(metrics, endpoints, TrustSource(endpoints, lambda *_: None))

    assert shown(metrics, TRUST) == {("wallet", "credential_root"): NOON + YEAR}


def test_key_set_that_was_never_read_has_no_time_left_and_a_file_needs_none(folder: Path) -> None:
    issuers = [
        TokenIssuer(issuer="served", jwks_uri="https://wallet.example/jwks.json"),
        TokenIssuer(issuer="filed", jwks_file=folder / "jwks.json"),
    ]
    metrics = Metrics()

    publish_set_expiries(metrics, issuers, JwksSource(issuers, lambda *_: None))

    assert shown(metrics, SETS) == {("served",): datetime.fromtimestamp(0, UTC)}


def test_set_of_a_server_is_usable_for_its_time_after_each_reading() -> None:
    served = IssuerKeys(issuer(stale_seconds_max=1_000))
    filed = IssuerKeys(issuer(jwks_uri=None, jwks_file="keys.json"))
    assert served.usable_until is None

    for one in (served, filed):
        one.take((), read_at=NOON)
        one.take((), read_at=NOON + timedelta(seconds=60))
        one.tried(began=NOON + timedelta(seconds=90))

    assert served.usable_until == NOON + timedelta(seconds=1_060)
    assert filed.usable_until is None
