"""Join what a provider demands, an endpoint configures and the loaded keys: one policy each."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from contracts.errors import Broken
from contracts.presented import Digest
from contracts.provider import Provider, VerifiedToken
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import KeySource
from runtime.token_configuration import Tokens
from workers.verifier.notification_sources import NotificationSources
from workers.verifier.policy import Policy, VerifyToken
from workers.verifier.presentations import verify_presentations
from workers.verifier.presentations_source import load_presentations
from workers.verifier.registry import Registry
from workers.verifier.tokens import KeyOf, verify_token
from workers.verifier.trust_source import TrustSource
from workers.verifier.xml_schema import Schemas


@dataclass(frozen=True, slots=True)
class Sources:
    """Where keys come from and come anew: secrets, certificates, key sets of token issuers.

    `notifications` is there where an endpoint takes requests of public bodies.
    """

    keys: KeySource
    trust: TrustSource
    key_of: KeyOf
    notifications: NotificationSources | None = None


def endpoint_policies(
    provider: Provider, endpoints: Mapping[str, Endpoint], sources: Sources
) -> dict[str, Policy]:
    """Return the policy of each of the provider's endpoints by name.

    Raises:
        Broken: the provider has no endpoint, or one lacks what the provider demands.
    """
    if not endpoints:
        raise Broken(f"the configuration has no endpoint of provider {provider.name}")
    for name, endpoint in endpoints.items():
        missing = what_is_missing(provider, endpoint)
        if missing:
            raise Broken(f"endpoint {name}: {missing}")
    return {name: _policy(provider, one, sources) for name, one in endpoints.items()}


def what_is_missing(provider: Provider, endpoint: Endpoint) -> str:
    """Return what `endpoint` lacks, or has too much, to prove anything; empty: nothing."""
    for credential in provider.door.credentials:
        if getattr(endpoint, credential) is None:
            return f"provider {provider.name} needs the key {credential}"
    offered = [name.value for name in provider.signatures]
    for name in ("xmldsig", "detached_signature", "detached_jws"):
        if getattr(endpoint, name) is not None and name not in offered:
            return f"provider {provider.name} offers no {name}; remove the key"
    return _section_missing(provider, endpoint) or (
        _signature_missing(provider, endpoint, offered) if offered else _unused(endpoint)
    )


def _section_missing(provider: Provider, endpoint: Endpoint) -> str:
    """Return which section of the provider's own is absent, or is none of its."""
    if provider.tokens is None and endpoint.tokens is not None:
        return f"provider {provider.name} sends no tokens; remove the key"
    if provider.tokens is not None and endpoint.tokens is None:
        return f"provider {provider.name} needs the key tokens"
    if provider.needs is None and endpoint.notifications is not None:
        return f"provider {provider.name} takes no requests; remove the key notifications"
    if provider.needs is not None and not (endpoint.notifications or endpoint.remote_stream):
        return f"provider {provider.name} needs the key notifications, or remote_stream"
    return ""


def _unused(endpoint: Endpoint) -> str:
    """Say what an endpoint has for signatures that its provider does not make."""
    for name in ("certificates", "service_providers", "schema_directory"):
        if getattr(endpoint, name):
            # Whoever configures a check must not believe that it is made.
            return f"provider {endpoint.provider} signs nothing that {name} is for; remove the key"
    return ""


def _signature_missing(provider: Provider, endpoint: Endpoint, offered: list[str]) -> str:
    sections = [getattr(endpoint, name) for name in offered]
    demanded = any(one is not None and one.required for one in sections)
    if not demanded and endpoint.client_certificate is None:
        return (
            f"provider {provider.name} needs one of {', '.join(offered)} with required: true, "
            "or client_certificate"
        )
    for name in ("certificates", "service_providers"):
        if not getattr(endpoint, name):
            return f"its signatures need the key {name}: who is trusted, and to speak for whom"
    return ""


def _policy(provider: Provider, endpoint: Endpoint, sources: Sources) -> Policy:
    return Policy(
        endpoint=endpoint,
        door=provider.door,
        keys=partial(sources.keys.of, endpoint.name),
        trust=partial(sources.trust.of, endpoint.name),
        registry=Registry(endpoint.service_providers) if endpoint.service_providers else None,
        schemas=Schemas(endpoint.schema_directory) if endpoint.schema_directory else None,
        document=provider.document,
        verify_token=_token_verifier(endpoint.tokens, sources.key_of) if endpoint.tokens else None,
        settings=_settings(endpoint, sources),
    )


def _settings(endpoint: Endpoint, sources: Sources) -> Callable[[], object]:
    if sources.notifications is None:
        return lambda: None
    return partial(sources.notifications.rules, endpoint.name)


def _token_verifier(tokens: Tokens, key_of: KeyOf) -> VerifyToken:
    issuers = {one.issuer: one for one in tokens.issuers}
    policy = load_presentations(tokens.presentations)

    def verified(text: str, at: datetime, digest: Digest) -> VerifiedToken:
        token = verify_token(text, issuers, key_of, at=at)
        presented = verify_presentations(
            token.claims,
            policy,
            at=at,
            digest=lambda claims: digest(hashlib.sha256(claims).hexdigest()),
        )
        return replace(token, presentations=presented) if presented else token

    return verified
