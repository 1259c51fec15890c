"""Find what is wrong with an endpoint's signatures, and what soon will be.

A fault keeps a process from starting. A warning does not: it is what lets callbacks become dead
letters later, or lets through what somebody believes to be checked.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cryptography import x509

from contracts.errors import Broken, Rejected
from contracts.iso20022.envelope import NAMESPACES
from ingress.client_certificate import Edges
from ops.configuration.fault import Fault
from ops.configuration.trust_files import Trusted, TrustFiles
from runtime.endpoint_configuration import Endpoint
from runtime.yaml_lines import Path as Key
from workers.verifier.jwks_source import JwksSource
from workers.verifier.presentations_source import load_presentations
from workers.verifier.registry import Registry
from workers.verifier.xml_schema import Schemas, missing_files

EXPIRY_NOTICE: Final = timedelta(days=30)
SCHEMA_NAMES: Final = tuple(one.rpartition(":")[2] for one in NAMESPACES)


def signature_faults(key: Key, endpoint: Endpoint) -> Iterator[Fault]:
    """Yield what keeps a process from starting, besides the files of `read_trust`."""
    if endpoint.client_certificate:
        section = endpoint.client_certificate
        for number, edge in enumerate(section.edges):
            alone = section.model_copy(update={"edges": (edge,)})
            at: Key = (*key, "client_certificate", "edges", number)
            fix = "write an address, or a network such as 10.0.0.0/8"
            yield from _fault(at, partial(Edges, endpoint.name, alone), fix)
    if endpoint.service_providers:
        at = (*key, "service_providers")
        fix = "give each certificate to one service provider, and issuers as RFC 4514 writes them"
        yield from _fault(at, partial(Registry, endpoint.service_providers), fix)
    if endpoint.schema_directory:
        at, directory = (*key, "schema_directory"), endpoint.schema_directory
        fix = f"put {SCHEMA_NAMES[0]}.xsd and the others there, or remove the key"
        yield from _fault(at, partial(Schemas, directory), fix)
    if endpoint.tokens:
        yield from _token_faults((*key, "tokens"), endpoint)


def signature_warnings(
    key: Key, endpoint: Endpoint, files: TrustFiles, *, now: datetime
) -> Iterator[Fault]:
    """Yield what starts and yet is not right, with the files of the endpoint as read."""
    for one in files.trusted:
        yield from _list_warning(one, now) if one.kind == "crl" else _end_warning(one, now)
    if missing := missing_schemas(endpoint):
        what = f"{endpoint.schema_directory} lacks {', '.join(missing)}: such messages go unchecked"
        yield Fault((*key, "schema_directory"), what, "put the files of the standard there")
    if not files.faults:
        yield from _registry_warnings(key, endpoint, files)
    if endpoint.path_token and not endpoint.expectations:
        what = "nobody can announce a transaction, and no callback of this endpoint is taken else"
        yield Fault((*key, "expectations"), what, "add expectations: with the keys of our own side")


def missing_schemas(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the files that the endpoint's schema directory lacks."""
    directory = endpoint.schema_directory
    return missing_files(directory, SCHEMA_NAMES) if directory else ()


def _token_faults(key: Key, endpoint: Endpoint) -> Iterator[Fault]:
    if endpoint.tokens is None:
        return
    for number, issuer in enumerate(endpoint.tokens.issuers):
        at = "jwks_file" if issuer.jwks_file else "jwks_ca_file"
        fix = "write the issuer's key set there" if issuer.jwks_file else "name a file in PEM"
        yield from _fault(
            (*key, "issuers", number, at),
            partial(JwksSource, [issuer], lambda *_: None),
            fix,
        )
    # Roots are read one by one: see `trust_files`.
    section = endpoint.tokens.presentations.model_copy(update={"issuer_root_files": ()})
    fix = "write the issuer's key set there, or correct the path"
    at_files = (*key, "presentations", "issuer_jwks_files")
    yield from _fault(at_files, partial(load_presentations, section), fix)


def _fault(key: Key, make: Callable[[], object], fix: str) -> Iterator[Fault]:
    try:
        make()
    except Broken as error:
        yield Fault(key, str(error), fix)


def _end_warning(one: Trusted, now: datetime) -> Iterator[Fault]:
    if one.ends is None:
        return
    if one.begins > now:
        what = f"{one.file}: the certificate of {one.name} begins on {_day(one.begins)}"
        yield Fault(one.key, what, "keep the one before it beside it until then")
    elif one.ends <= now + EXPIRY_NOTICE:
        word = "ended" if one.ends <= now else "ends"
        what = f"{one.file}: the certificate of {one.name} {word} on {_day(one.ends)}"
        yield Fault(one.key, what, "put its successor into the file, then take it out")


def _list_warning(one: Trusted, now: datetime) -> Iterator[Fault]:
    fix = "fetch the issuer's current list into this file"
    if one.ends is None:
        what = (
            f"{one.file}: the list of {one.name} does not say when the next is due: never current"
        )
        yield Fault(one.key, what, fix)
    elif one.ends <= now:
        what = f"{one.file}: the next list of {one.name} was due on {_day(one.ends)}"
        yield Fault(one.key, what, fix)


def _registry_warnings(key: Key, endpoint: Endpoint, files: TrustFiles) -> Iterator[Fault]:
    """Compare the registry with the pinned certificates, where there are no others to come."""
    if not endpoint.service_providers:
        return
    try:
        registry = Registry(endpoint.service_providers)
    except Broken:
        return  # a fault already
    owners = {_owner(registry, one.certificate) for one in files.trusted if one.kind == "pinned"}
    for one in files.trusted:
        if one.kind == "pinned" and not _owner(registry, one.certificate):
            what = f"{one.file}: the certificate of {one.name} is no service provider's, or two's"
            yield Fault(one.key, what, "add its fingerprint to the one it belongs to")
    if files.certificates("root"):
        return
    for number, provider in enumerate(endpoint.service_providers):
        if provider.id not in owners:
            what = f"{provider.id} has none of the pinned certificates: it can prove nothing"
            fix = "pin its certificate, or correct what identifies it"
            yield Fault((*key, "service_providers", number), what, fix)


def _owner(registry: Registry, certificate: x509.Certificate | None) -> str:
    try:
        return registry.owner_of(certificate).id if certificate else ""
    except Rejected:
        return ""


def _day(when: datetime) -> str:
    return when.date().isoformat()
