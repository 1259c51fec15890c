"""Give policies their keys in tests: the files of the endpoints, and key sets that never change."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from runtime.object_store import ObjectStore
from runtime.service_configuration import ObjectStore as StoreSettings
from runtime.token_configuration import TokenIssuer
from workers.verifier.issuer_keys import Signer, the_only
from workers.verifier.jwk import Jwk, parse_jwks
from workers.verifier.notification_sources import NotificationSources
from workers.verifier.policies import Sources
from workers.verifier.trust_source import TrustSource


def sources(
    keys: KeySource,
    endpoints: Mapping[str, Endpoint],
    *,
    key_sets: Mapping[str, Path] | None = None,
) -> Sources:
    """Return the sources of `endpoints`; `key_sets` are the files that stand for jwks_uris."""
    files = key_sets or {}

    def key_of(
        issuer: TokenIssuer,
        kid: str | None,
        alg: str,
        received_at: datetime,
        signer: Signer = the_only,
    ) -> Jwk:
        file = issuer.jwks_file or files.get(str(issuer.jwks_uri))
        return key_of_file(
            issuer.model_copy(update={"jwks_file": file}), kid, alg, received_at, signer
        )

    return Sources(
        keys=keys,
        trust=TrustSource(endpoints, lambda *_: None),
        key_of=key_of,
        notifications=_notifications(endpoints),
    )


def without_signatures(keys: KeySource) -> Sources:
    """Return the sources of endpoints that have neither certificates nor tokens."""
    return sources(keys, {})


def _notifications(endpoints: Mapping[str, Endpoint]) -> NotificationSources | None:
    """Return what requests are judged by; nobody asks this store for a file."""
    if not any(one.notifications for one in endpoints.values()):
        return None
    store = ObjectStore(StoreSettings(url="s3://nobody-asks"))
    return NotificationSources(endpoints, store, Metrics(), lambda *_: None)


def key_of_file(
    issuer: TokenIssuer, kid: str | None, alg: str, received_at: datetime, signer: Signer = the_only
) -> Jwk:
    """Return the issuer's key of this id."""
    del alg, received_at, signer
    if issuer.jwks_file is None:
        raise Rejected(RejectionCode.TOKEN_KEY_UNKNOWN, "the issuer has no jwks_file")
    for key in parse_jwks(issuer.jwks_file.read_bytes()):
        if kid in {None, key.kid}:
            return key
    raise Rejected(RejectionCode.TOKEN_KEY_UNKNOWN, "kid")
