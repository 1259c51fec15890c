"""Tell what an endpoint demands, trusts and takes, for a person to compare with a contract."""

from collections.abc import Iterator
from typing import Any, Final

from contracts.provider import Door
from ops.configuration.signatures import missing_schemas
from ops.configuration.trust_files import Trusted, TrustFiles
from runtime.endpoint_configuration import Endpoint
from runtime.token_configuration import TokenIssuer

_SCHEMES: Final = ("xmldsig", "detached_signature", "detached_jws")
_DASH: Final = "-"


def facts_of(endpoint: Endpoint, door: Door | None, files: TrustFiles) -> dict[str, Any]:
    """Return what the endpoint is, as JSON."""
    demanded, optional = _checks(endpoint, door)
    certificates, tokens = endpoint.certificates, endpoint.tokens
    return {
        "name": endpoint.name,
        "provider": endpoint.provider,
        "host": endpoint.host,
        "paths": [_shown(endpoint, path) for path in (endpoint.path, *endpoint.more_paths)],
        "demanded": demanded,
        "checked_where_present": optional,
        "client_certificate": _client_certificate(endpoint),
        "trust": [_trusted(one) for one in files.trusted],
        "unknown_revocation": certificates.unknown_revocation if certificates else None,
        "service_providers": {one.id: [*one.bics, *one.leis] for one in endpoint.service_providers},
        "token_issuers": [_issuer(one) for one in tokens.issuers] if tokens else [],
        "presentations": _presentations(endpoint),
        "schemas": _schemas(endpoint),
        "registration": endpoint.registration,
        "announced_by_us": endpoint.expectations is not None,
        "early_seconds": endpoint.early_seconds,
        "deadline_seconds": endpoint.deadline_seconds,
    }


def lines_of(facts: dict[str, Any]) -> Iterator[str]:
    """Yield the same for a person: a line for each that there is something to say of."""
    yield f"{facts['name']}: provider {facts['provider']}"
    at = f" at {facts['host']}" if facts["host"] else ""
    yield f"  paths: {', '.join(facts['paths'])}{at}"
    yield f"  demanded: {', '.join(facts['demanded']) or _DASH}"
    if facts["checked_where_present"]:
        yield f"  checked where present: {', '.join(facts['checked_where_present'])}"
    if (client := facts["client_certificate"]) and client["edges"]:
        edges = ", ".join(client["edges"])
        yield f"  client certificate: in {client['header']}, from {edges} alone"
    elif client:
        yield "  client certificate: asked for by ingress.tls"
    for one in facts["trust"]:
        word = "next list" if one["kind"] == "crl" else "ends"
        yield f"  {one['kind']}: {one['name']}, {word} {one['ends'] or 'never'} ({one['file']})"
    if facts["unknown_revocation"]:
        yield f"  without a current list: {facts['unknown_revocation']}"
    for name, parties in facts["service_providers"].items():
        yield f"  service provider: {name}, in the name of {', '.join(parties)}"
    for one in facts["token_issuers"]:
        private = "allowed" if one["private_addresses"] else "refused"
        reached = f", private addresses {private}" if one["served"] else ""
        by = ", ".join(one["algorithms"])
        yield f"  token issuer: {one['issuer']}, {by}, keys from {one['keys']}{reached}"
    if presentations := facts["presentations"]:
        policy, binding = presentations["policy"], presentations["holder_binding"]
        yield f"  presentations: {policy}" + (f", holder {binding}" if policy != "off" else "")
    if schemas := facts["schemas"]:
        missing = ", ".join(schemas["missing"]) or "none"
        yield f"  schemas: {schemas['directory']}, missing {missing}"


def _checks(endpoint: Endpoint, door: Door | None) -> tuple[list[str], list[str]]:
    """Return what must hold for every callback, and what must where a callback has it."""
    offered = (*door.credentials, *door.offered) if door else ()
    demanded = [name for name in offered if getattr(endpoint, name) is not None]
    optional: list[str] = []
    for name in _SCHEMES:
        section = getattr(endpoint, name)
        if section is not None:
            (demanded if section.required else optional).append(name)
    if endpoint.tokens is not None:
        demanded.append("tokens")
    return demanded, optional


def _shown(endpoint: Endpoint, path: str) -> str:
    return f"{path}/<made for one transaction>" if endpoint.path_token else path


def _client_certificate(endpoint: Endpoint) -> dict[str, Any] | None:
    section = endpoint.client_certificate
    return section.model_dump(mode="json") if section else None


def _trusted(one: Trusted) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "file": str(one.file),
        "ends": one.ends.isoformat() if one.ends else None,
    }


def _issuer(one: TokenIssuer) -> dict[str, Any]:
    return {
        "issuer": one.issuer,
        "keys": one.jwks_uri or str(one.jwks_file),
        "served": one.jwks_uri is not None,
        "private_addresses": one.allow_private_addresses,
        "algorithms": list(one.algorithms),
    }


def _presentations(endpoint: Endpoint) -> dict[str, Any] | None:
    if endpoint.tokens is None:
        return None
    section = endpoint.tokens.presentations
    return {
        "policy": section.policy,
        "holder_binding": section.holder_binding,
        "credential_types": list(section.credential_types),
    }


def _schemas(endpoint: Endpoint) -> dict[str, Any] | None:
    directory = endpoint.schema_directory
    if directory is None:
        return None
    return {"directory": str(directory), "missing": list(missing_schemas(endpoint))}
