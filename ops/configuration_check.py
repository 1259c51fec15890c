"""Find everything in a configuration that would keep a process from starting, without starting one.

The processes refuse the same faults, one at a time and each its own part; here all are named at
once, with file, line, key and fix. Nothing outside the files is asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import Broken
from contracts.provider import Door
from ingress.build import EXPECTATIONS
from ingress.doors import load_doors
from runtime.configuration import Configuration, Endpoint, KeyFile, Keys
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from runtime.key_source import CREDENTIALS, KeySource, check_golden_vector, ring_of
from runtime.yaml_lines import Path as Key
from runtime.yaml_lines import read_yaml
from workers.poller.remote import read_key


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where it stands, and what to do."""

    key: Key
    what: str
    fix: str

    @property
    def name(self) -> str:
        """Return the key as people write it."""
        return ".".join(str(part) for part in self.key)


def check_file(
    file: Path, *, environ: Mapping[str, str]
) -> tuple[Configuration, list[tuple[str, Fault]]]:
    """Return the configuration, and its faults with the place (`file:line`) of each.

    Raises:
        Broken: it cannot be loaded; the message has a line for each fault.
    """
    configuration = load_configuration(file, environ=environ)
    document = read_yaml(file.read_text(), file=str(file), variables=environ)
    return configuration, [
        (f"{file}:{document.line_of(fault.key) or 1}", fault) for fault in faults(configuration)
    ]


def faults(configuration: Configuration) -> list[Fault]:
    """Return every fault of a configuration that has the right shape."""
    doors = load_doors()
    found: list[Fault] = []
    for number, endpoint in enumerate(configuration.endpoints):
        key: Key = ("endpoints", number)
        found += _door_faults(key, endpoint, doors)
        found += _key_faults(key, endpoint)
        found += _notification_faults(key, endpoint)
    return [*found, *_route_faults(configuration), *_tls_faults(configuration)]


def key_files(endpoint: Endpoint) -> Iterator[tuple[Key, KeyFile]]:
    """Yield each key of an endpoint with its place under the endpoint."""
    for credential in CREDENTIALS:
        keys: Keys | None = getattr(endpoint, credential)
        for number, key in enumerate(keys.keys if keys else ()):
            yield (credential, "keys", number), key


def _door_faults(key: Key, endpoint: Endpoint, doors: Mapping[str, Door]) -> Iterator[Fault]:
    door = doors.get(endpoint.provider)
    if door is None:
        what = f"no provider {endpoint.provider}"
        yield Fault((*key, "provider"), what, f"one of {', '.join(doors)}")
        return
    for credential in door.credentials:
        if getattr(endpoint, credential) is None:
            what = f"provider {door.provider} needs {credential}"
            yield Fault((*key, credential), what, f"add {credential}: with its keys:")


def _key_faults(key: Key, endpoint: Endpoint) -> Iterator[Fault]:
    for path, one in key_files(endpoint):
        nothing = dict.fromkeys(CREDENTIALS)
        alone = endpoint.model_copy(update={**nothing, "expectations": Keys(keys=(one,))})
        try:
            KeySource({endpoint.name: alone}, lambda *_: None)
        except Broken as error:
            fix = "write the secret there, or correct the path"
            yield Fault((*key, *path, "file"), str(error), fix)
    if endpoint.hmac is not None:
        try:
            check_golden_vector(endpoint.hmac)
        except Broken as error:
            fix = "esito hmac-profile --request … --secret-file … --write-golden-vector FILE"
            yield Fault((*key, "hmac", "golden_vector_file"), str(error), fix)


def _notification_faults(key: Key, endpoint: Endpoint) -> Iterator[Fault]:
    """Find the files of SEND that cannot be used, each by itself."""
    for path, one in _notification_keys(endpoint):
        try:
            ring_of([one])
        except Broken as error:
            fix = "write the secret there, or correct the path"
            yield Fault((*key, *path, "file"), str(error), fix)
    if endpoint.remote_stream is not None:
        try:
            read_key(endpoint.remote_stream.api_key_file)
        except Broken as error:
            fix = "write the key there, or correct the path"
            yield Fault((*key, "remote_stream", "api_key_file"), str(error), fix)


def _notification_keys(endpoint: Endpoint) -> Iterator[tuple[Key, KeyFile]]:
    section = endpoint.notifications
    if section is None:
        return
    base = ("notifications",)
    for number, body in enumerate(section.bodies):
        for at, body_key in enumerate(body.keys):
            yield (*base, "bodies", number, "keys", at), body_key
    for at, one in enumerate(section.attachments.slot_keys):
        yield (*base, "attachments", "slot_keys", at), one
    for at, one in enumerate(section.iun_keys.keys):
        yield (*base, "iun_keys", "keys", at), one


def _route_faults(configuration: Configuration) -> Iterator[Fault]:
    taken: dict[tuple[str | None, str], str] = {}
    for number, endpoint in enumerate(configuration.endpoints):
        host = endpoint.host.lower() if endpoint.host else None
        routes = [("path", host, path) for path in (endpoint.path, *endpoint.more_paths)]
        if endpoint.expectations is not None:
            routes.append(("expectations", None, EXPECTATIONS + endpoint.name))
        for name, *route in routes:
            owner = taken.setdefault((route[0], str(route[1])), f"{endpoint.name}.{name}")
            if owner != f"{endpoint.name}.{name}":
                what = f"{route[1]} is taken already, by {owner}"
                yield Fault(("endpoints", number, name), what, "give one of them another path")


def _tls_faults(configuration: Configuration) -> Iterator[Fault]:
    try:
        KafkaClients(configuration, client_id="esito-config-check")
    except Broken as error:
        yield Fault(("kafka_security_protocol",), str(error), "see docs/CONFIGURATION.md")
    tls = configuration.ingress.tls
    files = tls.model_dump(exclude_none=True) if tls else {}
    for name, file in files.items():
        try:
            Path(file).read_bytes()
        except OSError as error:
            what = f"{file}: cannot be read ({error.strerror})"
            yield Fault(("ingress", "tls", name), what, "mount it, or correct the path")
