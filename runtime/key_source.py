"""Read key rings from files, again when they change; a broken file never replaces a good ring."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from contracts.errors import Broken
from runtime.endpoint_configuration import Endpoint, Hmac
from runtime.endpoint_keys import KeyFile, Keys
from runtime.key_ring import Key, KeyRing
from runtime.log_events import LogEvent
from runtime.mac import SECRET_BYTES_MIN, MacInput, matching_secret
from runtime.metrics import Metrics
from runtime.reloaded import Reading, Reloaded
from runtime.telemetry import Logger

# The keys of an endpoint that are secrets of ours or shared with the provider.
CREDENTIALS: Final = ("api_key", "hmac", "path_token", "expectations")
_SECRET_BYTES_MAX: Final = 4_096


class _GoldenVector(BaseModel):
    """One captured request with the secret that signed it."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    method: str
    path: str
    target_uri: str
    timestamp: str
    body_base64: str
    secret: str
    signature: str


@dataclass(frozen=True, slots=True)
class EndpointKeys:
    """The key rings of one endpoint; an absent credential has none."""

    api_key: KeyRing | None = None
    hmac: KeyRing | None = None
    expectations: KeyRing | None = None
    path_token: KeyRing | None = None


class KeySource(Reloaded[Endpoint, EndpointKeys]):
    """The key rings of a set of endpoints, as last read; `of` is a dictionary lookup."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once; `on_reload` is that of a Reloaded.

        Raises:
            Broken: a file is missing, empty, too short, or a golden vector is not reproduced.
        """
        super().__init__(endpoints, _reading, on_reload)

    def of(self, endpoint: str) -> EndpointKeys:
        """Return the key rings of the endpoint of this name (KeyError: there is none)."""
        return self._values[endpoint]


def _reading(endpoint: Endpoint) -> Reading[EndpointKeys]:
    return _contents(endpoint), partial(_endpoint_keys, endpoint)


def _credentials(endpoint: Endpoint) -> list[Keys]:
    return [keys for name in CREDENTIALS if (keys := getattr(endpoint, name))]


def _contents(endpoint: Endpoint) -> tuple[bytes, ...]:
    files = [key.file for keys in _credentials(endpoint) for key in keys.keys]
    if endpoint.hmac:
        files.append(endpoint.hmac.golden_vector_file)
    return tuple(_read(file) for file in files)


def _endpoint_keys(endpoint: Endpoint) -> EndpointKeys:
    if endpoint.hmac:
        check_golden_vector(endpoint.hmac)
    return EndpointKeys(
        api_key=_ring(endpoint.api_key),
        hmac=_ring(endpoint.hmac),
        expectations=_ring(endpoint.expectations),
        path_token=_ring(endpoint.path_token),
    )


def _ring(keys: Keys | None) -> KeyRing | None:
    return ring_of(keys.keys) if keys else None


def ring_of(keys: Iterable[KeyFile]) -> KeyRing:
    """Return the keys with their secrets as the files hold them now.

    Raises:
        Broken: a file cannot be read, or its secret is too short or too long.
    """
    ring = []
    for key in keys:
        # A secret file written by hand ends with a line feed that is not part of the secret.
        secret = _read(key.file).rstrip(b"\r\n")
        if not SECRET_BYTES_MIN <= len(secret) <= _SECRET_BYTES_MAX:
            raise Broken(
                f"{key.file}: the secret has {len(secret)} bytes; {SECRET_BYTES_MIN} to "
                f"{_SECRET_BYTES_MAX} are taken (openssl rand -hex 32 makes one)"
            )
        ring.append(Key(key.id, secret, key.not_before, key.not_after))
    return KeyRing(tuple(ring))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None


def check_golden_vector(hmac: Hmac) -> None:
    """Prove that the profile reproduces one captured request.

    The file is JSON with `method`, `path`, `target_uri`, `timestamp`, `signature`, `secret`, and
    the body as `body_base64`. It holds a (staging) secret: mount it like one.

    Raises:
        Broken: the file is not such a vector, or its signature is not what the profile computes.
    """
    file = hmac.golden_vector_file
    try:
        vector = _GoldenVector.model_validate_json(_read(file))
        body = b64decode(vector.body_base64, validate=True)
    except ValueError as error:
        raise Broken(f"{file}: not a golden vector ({type(error).__name__})") from None
    signed = MacInput(
        timestamp=vector.timestamp.encode(),
        method=vector.method,
        path=vector.path,
        target_uri=vector.target_uri,
        body=body,
    )
    secrets = [("golden", vector.secret.encode())]
    header = vector.signature.encode()
    if matching_secret(hmac.profile, signed, header=header, secrets=secrets) is None:
        raise Broken(
            f"{file}: the hmac profile does not reproduce this captured signature; "
            "esito hmac-profile finds the profile that does"
        )


def publish_expiries(metrics: Metrics, endpoints: Mapping[str, Endpoint]) -> None:
    """Show when each key of the endpoints stops being valid: an alert can come before it."""
    for name, endpoint in endpoints.items():
        for credential in CREDENTIALS:
            keys: Keys | None = getattr(endpoint, credential)
            if keys:
                publish_ends(metrics, name, credential, keys.keys)


def publish_ends(metrics: Metrics, owner: str, credential: str, keys: Iterable[KeyFile]) -> None:
    """Show when each key stops being valid; owner and credential are those of `esito keys ls`.

    A key without an end is there too, at infinity: so it is seen that the process knows it.
    """
    for key in keys:
        ends = key.not_after.timestamp() if key.not_after else inf
        metrics.gauge("esito_keys_expiry_timestamp_seconds", owner, credential, key.id).set(ends)


def publish_reloads(metrics: Metrics, *sources: Reloaded[Any, Any]) -> None:
    """Show whose changed files are refused for as long as they are; count from 0."""
    for name in frozenset[str]().union(*(source.names for source in sources)):
        for outcome in ("taken", "refused"):
            metrics.counter("esito_keys_reloads_total", name, outcome)
        metrics.gauge("esito_keys_refused", name).set_function(partial(_refused, sources, name))


def _refused(sources: Iterable[Reloaded[Any, Any]], name: str) -> bool:
    return any(source.refuses(name) for source in sources)


def report_reloads(metrics: Metrics, log: Logger) -> Callable[[str, str], None]:
    """Return what a KeySource calls when a file changed: it logs and counts, taken or refused."""

    def report(endpoint: str, outcome: str) -> None:
        taken = outcome == "taken"
        metrics.counter("esito_keys_reloads_total", endpoint, "taken" if taken else "refused").inc()
        if taken:
            log.info(LogEvent.KEYS_TAKEN, endpoint=endpoint)
        else:
            log.error(LogEvent.KEYS_REFUSED, endpoint=endpoint, reason=outcome)

    return report
