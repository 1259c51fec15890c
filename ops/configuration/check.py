"""Find everything in a configuration that would keep a process from starting, without starting one.

The processes refuse the same faults, one at a time and each its own part; here all are named at
once, with file, line, key and fix; then what starts and yet is not right, and what each endpoint
demands. Nothing outside the files is asked.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from contracts.errors import Broken, why_unread
from contracts.provider import Door
from contracts.providers import provider_named
from ingress.build import EXPECTATIONS, client_certificates, hidden_paths
from ingress.doors import door_of, load_doors, odd_credentials, signature_headers
from ops.configuration.endpoint_facts import facts_of
from ops.configuration.fault import Fault
from ops.configuration.named_files import key_rings
from ops.configuration.signatures import signature_faults, signature_warnings
from ops.configuration.trust_files import read_trust
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.kafka import KafkaClients
from runtime.key_source import check_golden_vector, ring_of
from runtime.yaml_lines import Path as Key
from runtime.yaml_lines import read_yaml
from workers.poller.remote import read_key
from workers.verifier.policies import what_is_missing

_SEE: Final = "see docs/CONFIGURATION.md; esito.example.yaml has an endpoint of each provider"


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration with what is wrong with it, and what each endpoint is, as JSON."""

    configuration: Configuration
    faults: list[Fault]
    warnings: list[Fault]
    endpoints: list[dict[str, Any]]


def check_file(
    file: Path, *, environ: Mapping[str, str], now: datetime
) -> tuple[Checked, Callable[[Fault], str]]:
    """Return what is wrong at `now`, and a function that says where (`file:line`) a fault stands.

    Raises:
        Broken: it cannot be loaded; the message has a line for each fault.
    """
    configuration = load_configuration(file, environ=environ)
    document = read_yaml(file.read_text(), file=str(file), variables=environ)

    def place(fault: Fault) -> str:
        return f"{file}:{document.line_of(fault.key) or 1}"

    return check(configuration, now=now), place


def check(configuration: Configuration, *, now: datetime) -> Checked:
    """Return every fault, every warning and the facts of a configuration of the right shape."""
    doors = load_doors()
    faults: list[Fault] = []
    warnings: list[Fault] = []
    facts: list[dict[str, Any]] = []
    for number, endpoint in enumerate(configuration.endpoints):
        key: Key = ("endpoints", number)
        files = read_trust(key, endpoint)
        faults += _door_faults(key, endpoint, doors)
        faults += _endpoint_file_faults(key, endpoint)
        faults += (*files.faults, *signature_faults(key, endpoint))
        warnings += signature_warnings(key, endpoint, files, now=now)
        facts.append(facts_of(endpoint, doors.get(endpoint.provider), files))
    faults += _key_faults(configuration)
    faults += (*_route_faults(configuration), *_tls_faults(configuration))
    return Checked(configuration, faults, warnings, facts)


def _door_faults(key: Key, endpoint: Endpoint, doors: dict[str, Door]) -> Iterator[Fault]:
    door = doors.get(endpoint.provider)
    if door is None:
        what = f"no provider {endpoint.provider}"
        yield Fault((*key, "provider"), what, f"one of {', '.join(doors)}")
        return
    odd = list(odd_credentials(endpoint, door))
    for credential, missing in odd:
        if missing:
            what, fix = f"needs {credential}", f"add {credential}: with its keys:"
        else:
            what, fix = f"offers no {credential}", "remove the key"
        yield Fault((*key, credential), f"provider {door.provider} {what}", fix)
    if not odd:
        yield from _proof_faults(key, endpoint, doors)


def _proof_faults(key: Key, endpoint: Endpoint, doors: dict[str, Door]) -> Iterator[Fault]:
    """Yield why it could not be proven who is calling, or not by what is configured."""
    missing = what_is_missing(provider_named(endpoint.provider), endpoint)
    if missing:
        yield Fault(key, missing, _SEE)
        return
    try:
        door_of(endpoint, doors)
        signature_headers(endpoint)
    except Broken as error:
        yield Fault(key, str(error), _SEE)


def _key_faults(configuration: Configuration) -> Iterator[Fault]:
    fix = "write the secret there, or correct the path"
    for ring in key_rings(configuration):
        for number, one in enumerate(ring.keys):
            try:
                ring_of([one])
            except Broken as error:
                yield Fault((*ring.key, number, "file"), str(error), fix)
    for key, file in _other_secrets(configuration):
        try:
            is_empty = not file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            yield Fault(key, f"{file}: cannot be read ({why_unread(error)})", fix)
        else:
            if is_empty:
                yield Fault(key, f"{file}: is empty", fix)


def _other_secrets(configuration: Configuration) -> Iterator[tuple[Key, Path]]:
    """Yield the secrets that are no keys, but for those of TLS and Kafka, which are tried."""
    if configuration.database.password_file is not None:
        yield ("database", "password_file"), configuration.database.password_file
    for name, file in configuration.object_store.secret_files.items():
        yield ("object_store", "secret_files", name), file
    for number, one in enumerate(configuration.endpoints):
        if one.notifications is not None and one.notifications.registry.api_key_file is not None:
            key = ("endpoints", number, "notifications", "registry", "api_key_file")
            yield key, one.notifications.registry.api_key_file


def _endpoint_file_faults(key: Key, endpoint: Endpoint) -> Iterator[Fault]:
    """Find the other files of an endpoint that cannot be used, each by itself."""
    if endpoint.hmac is not None:
        try:
            check_golden_vector(endpoint.hmac)
        except Broken as error:
            fix = "esito hmac-profile --request … --secret-file … --write-golden-vector FILE"
            yield Fault((*key, "hmac", "golden_vector_file"), str(error), fix)
    remote = endpoint.remote_stream
    if remote is not None:
        try:
            read_key(remote.api_key_file)
        except Broken as error:
            fix = "write the key there, or correct the path"
            yield Fault((*key, "remote_stream", "api_key_file"), str(error), fix)
        yield from _ca_faults((*key, "remote_stream", "ca_file"), remote.ca_file)
    if endpoint.notifications is not None:
        at: Key = (*key, "notifications", "registry", "ca_file")
        yield from _ca_faults(at, endpoint.notifications.registry.ca_file)


def _ca_faults(key: Key, file: Path | None) -> Iterator[Fault]:
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        what = f"{file}: cannot be used ({why_unread(error)})"
        yield Fault(key, what, "write the server's root there in PEM, or correct the path")


def _route_faults(configuration: Configuration) -> Iterator[Fault]:
    taken: dict[tuple[str | None, str], str] = {}
    sealed: dict[tuple[str | None, str], str] = {}
    keys: dict[str, Key] = {}
    fix = "give one of them another path"
    for number, endpoint in enumerate(configuration.endpoints):
        for name, host, path in _routes(endpoint):
            own = f"{endpoint.name}.{name}"
            keys[own] = ("endpoints", number, name)
            owner = taken.setdefault((host, path), own)
            if owner != own:
                yield Fault(keys[own], f"{path} is taken already, by {owner}", fix)
            elif endpoint.path_token and name == "path":
                sealed[host, path] = own
    for path, above, owner, other in hidden_paths(taken, sealed):
        what = f"{path} is under {above}, where {other} takes a segment for each transaction"
        yield Fault(keys[owner], what, fix)


def _routes(endpoint: Endpoint) -> Iterator[tuple[str, str | None, str]]:
    """Yield the ways in: the name of the key that opens it, the host and the path."""
    host = endpoint.host.lower() if endpoint.host else None
    for path in (endpoint.path, *endpoint.more_paths):
        yield "path", host, path
    if endpoint.expectations is not None:
        yield "expectations", None, EXPECTATIONS + endpoint.name


def _tls_faults(configuration: Configuration) -> Iterator[Fault]:
    try:
        KafkaClients(configuration, client_id="esito-config-check")
    except Broken as error:
        yield Fault(("kafka_security_protocol",), str(error), "see docs/CONFIGURATION.md")
    try:
        client_certificates(configuration)
    except Broken as error:
        fix = "name it, or let an edge hand over the certificates (seen_by: edge)"
        yield Fault(("ingress", "tls", "client_ca_file"), str(error), fix)
    tls = configuration.ingress.tls
    files = tls.model_dump(exclude_none=True) if tls else {}
    for name, file in files.items():
        try:
            Path(file).read_bytes()
        except OSError as error:
            what = f"{file}: cannot be read ({error.strerror})"
            yield Fault(("ingress", "tls", name), what, "mount it, or correct the path")
