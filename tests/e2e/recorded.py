"""Send every recorded vector of every provider through a running installation, on two roads.

1. Over HTTP, byte for byte, as it was recorded: the ingress takes it or refuses it, now.
2. As the record that the ingress would have stored at its own time: the signatures and tokens of
   then hold, so it goes all the way.

Their endpoints stand beside those of the installation, under a host of their own.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import yaml

from contracts.providers import provider_names
from contracts.raw import ENDPOINT
from contracts.topics import Topics
from ingress.authenticate import Refused
from runtime.kafka import KafkaClients
from tests.conformance.road import Road
from tests.conformance.vector import VECTORS, Vector, vectors_of
from tests.e2e.esito import Esito
from tests.integration.callers import call
from workers.processor import InputRecord

_HOST: Final = "recorded.example.org"
_FILES: Final = frozenset({"golden_vector_file", "jwks_file", "file"})
_LISTS: Final = frozenset({"root_files", "intermediate_files", "crl_files", "pinned_files"})
_BATCH_BYTES: Final = 524_288
_AT_ONCE: Final = 32
# The largest body an endpoint may take at all; larger ones are refused by their length alone.
_SENT_BYTES_MAX: Final = 300_000


def recorded_endpoints() -> Iterator[dict[str, Any]]:
    """Yield the endpoints of the vectors, as the YAML of a configuration has them."""
    for provider in provider_names():
        settings = yaml.safe_load((VECTORS / provider / "endpoint.yaml").read_text())
        for endpoint in settings["endpoints"]:
            absolute = _absolute(endpoint, provider)
            yield {**absolute, "name": _name(endpoint["name"]), "host": _HOST}


def recorded_vectors() -> dict[str, list[Vector]]:
    """Return the vectors of each provider."""
    return {provider: list(vectors_of(provider)) for provider in provider_names()}


async def send_recorded(esito: Esito) -> list[bytes]:
    """Send all of them on both roads; return the HTTP answers, heads and all."""
    answers: list[bytes] = []
    for provider, vectors in recorded_vectors().items():
        small = [vector for vector in vectors if len(vector.body) <= _SENT_BYTES_MAX]
        for start in range(0, len(small), _AT_ONCE):
            answers += await asyncio.gather(
                *(_answer(esito, vector) for vector in small[start : start + _AT_ONCE])
            )
        await _store(esito, provider, vectors)
    return answers


async def _answer(esito: Esito, vector: Vector) -> bytes:
    answer = await call(esito.configuration.ingress.port, _request(vector))
    head = "\n".join(f"{name}: {text}" for name, text in answer.headers.items())
    return f"{answer.status}\n{head}\n".encode() + answer.body


async def _store(esito: Esito, provider: str, vectors: list[Vector]) -> None:
    producer = KafkaClients(esito.configuration, client_id="test").idempotent_producer(
        batch_bytes_max=_BATCH_BYTES, linger_milliseconds=0
    )
    topic = Topics.of(provider, prefix=esito.configuration.topic_prefix).raw
    road = Road(provider)
    await producer.start()
    try:
        for vector in vectors:
            with suppress(Refused):
                record = road.raw_record(vector)
                await producer.send(topic, record.value, headers=_headers(record))
    finally:
        await producer.stop()


def _headers(record: InputRecord) -> list[tuple[str, bytes]]:
    return [
        (name, _name(value.decode()).encode() if name == ENDPOINT else value)
        for name, value in record.headers
    ]


def _request(vector: Vector) -> bytes:
    fields = [("Host", _HOST.encode()), *vector.fields]
    fields.append(("Content-Length", str(len(vector.body)).encode()))
    lines = [f"{vector.method} {vector.target} HTTP/1.1".encode()]
    lines += [name.encode() + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, b"", vector.body])


def _name(endpoint: str) -> str:
    # Two of SRTP's are named as those of the installation; a wallet's path holds its own name.
    return f"recorded-{endpoint}" if endpoint.startswith("srtp") else endpoint


def _absolute(value: Any, provider: str, key: str = "") -> Any:  # noqa: ANN401 - YAML has any value
    """Return the settings with their files named from the root."""
    if isinstance(value, dict):
        if "issuer" in value and {"jwks_uri", "jwks_file"} & set(value):
            value = _issuer(value)
        return {name: _absolute(member, provider, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_absolute(item, provider, key) for item in value]
    return str(VECTORS / provider / value) if key in _FILES | _LISTS else value


def _issuer(settings: dict[str, Any]) -> dict[str, Any]:
    """Return an issuer of tokens whose key set is a file, and that nobody waits for."""
    kept = {name: one for name, one in settings.items() if name not in {"jwks_uri", "jwks_ca_file"}}
    return {
        "jwks_file": "jwks.json",
        **kept,
        "unknown_key_seconds": 1,
        "refresh_seconds_min": 0.5,
    }
