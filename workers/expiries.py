"""Show when what a verifier trusts comes to its end, so that an alert can come before it.

A gauge is computed when it is asked for: files are read again while the process runs. Its labels
name an endpoint and a kind, never a certificate, whose subject may be a person.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from runtime.endpoint_configuration import Endpoint
from runtime.metrics import Metrics
from runtime.token_configuration import TokenIssuer
from workers.verifier.certificates import Trust
from workers.verifier.jwks_fetch import Outcome
from workers.verifier.jwks_source import JwksSource
from workers.verifier.presentations_source import load_presentations
from workers.verifier.trust_source import TrustSource

Trusted = Callable[[], Trust | None]


def publish_trust_expiries(
    metrics: Metrics, endpoints: Mapping[str, Endpoint], trust: TrustSource
) -> None:
    """Show, for each endpoint and kind, which end among its certificates and lists is the first.

    Raises:
        Broken: a file of a credential issuer's roots cannot be used.
    """
    for name, endpoint in endpoints.items():
        _publish(metrics, name, partial(trust.of, name))
        if endpoint.tokens:
            roots = load_presentations(endpoint.tokens.presentations).trust
            _publish(metrics, name, partial(_itself, roots), {"root": "credential_root"})


def publish_set_expiries(
    metrics: Metrics, issuers: Iterable[TokenIssuer], key_sets: JwksSource
) -> None:
    """Show, for each issuer with a server, when its key set is too old; 0: it was never read."""
    by_name: dict[str, list[TokenIssuer]] = {}
    for issuer in issuers:
        if issuer.jwks_uri is not None:
            by_name.setdefault(issuer.issuer, []).append(issuer)
    for name, alike in by_name.items():
        for outcome in Outcome:
            metrics.counter("esito_keys_refreshes_total", name, outcome)
        metrics.gauge("esito_keys_set_expiry_timestamp_seconds", name).set_function(
            partial(_first_too_old, key_sets, alike)
        )


def ends_of(trust: Trust) -> dict[str, list[datetime | None]]:
    """Return, by kind, when each certificate ends and each list is due; None: it never was."""
    ends: dict[str, list[datetime | None]] = {
        "root": [one.not_valid_after_utc for one in trust.roots],
        "intermediate": [one.not_valid_after_utc for one in trust.intermediates],
        "pinned": [one.not_valid_after_utc for one in trust.pinned.values()],
        "crl": [one.next_update_utc for one in trust.crls],
    }
    return {kind: found for kind, found in ends.items() if found}


def _publish(
    metrics: Metrics, endpoint: str, trusted: Trusted, names: Mapping[str, str] | None = None
) -> None:
    found = trusted()
    for kind in ends_of(found) if found else ():
        metrics.gauge(
            "esito_keys_trust_expiry_timestamp_seconds", endpoint, (names or {}).get(kind, kind)
        ).set_function(partial(_first_end, trusted, kind))


def _first_end(trusted: Trusted, kind: str) -> float:
    trust = trusted()
    ends = ends_of(trust).get(kind, []) if trust else []
    return min((_seconds(one) for one in ends), default=0.0)


def _first_too_old(key_sets: JwksSource, alike: Iterable[TokenIssuer]) -> float:
    return min(_seconds(key_sets.usable_until(one)) for one in alike)


def _seconds(end: datetime | None) -> float:
    return end.timestamp() if end else 0.0


def _itself(trust: Trust | None) -> Trust | None:
    return trust
