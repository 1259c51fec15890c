"""Say which process reads which file that a configuration names.

Written by hand from what the processes do; tests/deploy/test_started.py starts each of them with
these files and no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from runtime.configuration import Configuration

EVERYBODY = frozenset(
    {"ingress", "intake", "streams", "verifier", "state-machine", "poller", "topics"}
)
# By the place in the file, lists left out: the longest that fits counts.
READERS = {
    "kafka_ca_file": EVERYBODY,
    "kafka_certificate_file": EVERYBODY,
    "kafka_key_file": EVERYBODY,
    "kafka_sasl_password_file": EVERYBODY,
    "ingress.tls": frozenset({"ingress"}),
    "database": frozenset({"intake", "streams"}),
    "object_store": frozenset({"intake", "verifier"}),
    "streams.consumers": frozenset({"streams"}),
    "endpoints.api_key": frozenset({"ingress", "verifier"}),
    "endpoints.hmac": frozenset({"ingress", "verifier"}),
    "endpoints.path_token": frozenset({"ingress", "verifier"}),
    "endpoints.expectations": frozenset({"ingress", "verifier"}),
    "endpoints.certificates": frozenset({"verifier"}),
    "endpoints.schema_directory": frozenset({"verifier"}),
    "endpoints.tokens": frozenset({"verifier"}),
    "endpoints.notifications.bodies": frozenset({"intake", "streams"}),
    "endpoints.notifications.attachments": frozenset({"intake", "verifier"}),
    "endpoints.notifications.iun_keys": frozenset({"verifier"}),
    "endpoints.notifications.pdf": frozenset({"verifier"}),
    "endpoints.notifications.registry": frozenset({"verifier"}),
    "endpoints.remote_stream": frozenset({"poller"}),
}
_WORKERS = frozenset({"verifier", "poller"})


@dataclass(frozen=True)
class NamedFile:
    """A file that the configuration names, where it stands there, and of which provider."""

    key: str
    path: PurePosixPath
    provider: str | None

    def is_read_by(self, process: str, provider: str | None, configuration: Configuration) -> bool:
        """Tell whether a process reads it."""
        fitting = [place for place in READERS if self.key.startswith(place)]
        if process not in READERS[max(fitting, key=len)]:
            return False
        if self.key.startswith("object_store") and process == "verifier":
            ours = configuration.endpoints_of(provider or "").values()
            return any(one.notifications for one in ours)
        return process not in _WORKERS or self.provider in {None, provider}


def named_files(configuration: Configuration) -> list[NamedFile]:
    """Return every file that the configuration names."""
    found = [NamedFile(key, path, None) for key, path in _paths("", configuration)]
    found = [one for one in found if not one.key.startswith("endpoints")]
    # The one file that is named within another value.
    query = parse_qs(urlsplit(configuration.database.url).query)
    found += [
        NamedFile("database.url", PurePosixPath(path), None)
        for path in query.get("sslrootcert", ())
    ]
    for endpoint in configuration.endpoints:
        files = _paths("endpoints", endpoint)
        found += [NamedFile(key, path, endpoint.provider) for key, path in files]
    return found


def _paths(key: str, value: object) -> Iterator[tuple[str, PurePosixPath]]:
    if isinstance(value, Path):
        yield key, PurePosixPath(value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths(f"{key}.{name}".removeprefix("."), getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _paths(key, one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _paths(key, one)
