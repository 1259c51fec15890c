"""List the keys of a configuration, and every file with a secret that it names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from runtime.endpoint_keys import KeyFile, Keys
from runtime.key_source import CREDENTIALS
from runtime.yaml_lines import Path as Key

# What everybody may read; a file in any other field is a secret, also in one that comes later.
_PUBLIC: Final = frozenset(
    {
        "ca_file",
        "certificate_file",
        "client_ca_file",
        "crl_files",
        "intermediate_files",
        "issuer_jwks_files",
        "issuer_root_files",
        "jwks_ca_file",
        "jwks_file",
        "kafka_ca_file",
        "kafka_certificate_file",
        "pinned_files",
        "root_files",
        "schema_directory",
        "trust_files",
    }
)


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys that are valid side by side: where they stand, whose they are, and what for."""

    key: Key
    owner: str
    purpose: str
    keys: tuple[KeyFile, ...]


def key_rings(configuration: Configuration) -> Iterator[Ring]:
    """Yield the keys of endpoints, public bodies and consumers."""
    for number, endpoint in enumerate(configuration.endpoints):
        for credential in CREDENTIALS:
            section: Keys | None = getattr(endpoint, credential)
            if section is not None:
                at: Key = ("endpoints", number, credential, "keys")
                yield Ring(at, endpoint.name, credential, section.keys)
        yield from _of_notifications(("endpoints", number, "notifications"), endpoint)
    for number, consumer in enumerate(configuration.streams.consumers):
        at = ("streams", "consumers", number, "keys")
        yield Ring(at, consumer.id, "consumer", consumer.keys)


def _of_notifications(key: Key, endpoint: Endpoint) -> Iterator[Ring]:
    section = endpoint.notifications
    if section is None:
        return
    slot_keys = section.attachments.slot_keys
    yield Ring((*key, "attachments", "slot_keys"), endpoint.name, "slot_keys", slot_keys)
    yield Ring((*key, "iun_keys", "keys"), endpoint.name, "iun_keys", section.iun_keys.keys)
    for number, body in enumerate(section.bodies):
        owner = f"{endpoint.name}/{body.id}"
        yield Ring((*key, "bodies", number, "keys"), owner, "body", body.keys)


def secret_files(configuration: Configuration) -> frozenset[Path]:
    """Return every file of the configuration that nobody but its processes may read."""
    return frozenset(_secret_files(configuration))


def _secret_files(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
        return
    below: list[object] = []
    if isinstance(value, BaseModel):
        below = [getattr(value, name) for name in type(value).model_fields if name not in _PUBLIC]
    elif isinstance(value, Mapping):
        below = [*value.values()]
    elif isinstance(value, tuple):
        below = [*value]
    for one in below:
        yield from _secret_files(one)
