"""Target whole roads: a raw record → its reader → the verdict; and the path that names its key."""

from collections.abc import Iterator
from functools import cache, partial
from typing import Final

from aiokafka import ConsumerRecord

from contracts.providers import provider_names
from contracts.raw import RawCallback, Source
from contracts.update import VerifiedUpdate
from runtime import path_token
from runtime.key_ring import Key, KeyRing
from tests.conformance.vector import vectors_of
from tests.fuzz.framing import joined, parted
from tests.fuzz.target import Forged, Target, rejections
from tests.fuzz.targets.documents import JSON_TOKENS
from tests.fuzz.targets.signatures import HEADER_TOKENS
from tests.fuzz.targets.vectors import NOON, records, road
from workers.processor import InputRecord

RECORD_TOKENS: Final = (
    *(b"esito-endpoint: ", b"esito-received-at: ", b"esito-target-uri: ", b"esito-method: "),
    *(b"esito-source: expectation", b"esito-principal: api_key:anybody", b"traceparent: "),
    *(b"content-type: application/xml", b"esito-client-certificate: ", b"http-x-jws-signature: "),
    *(b"9999-12-31T23:59:59.999999Z", b"0001-01-01T00:00:00.000000Z", b"\n\n"),
)
_RING: Final = KeyRing((Key("first", b"fuzz path secret"), Key("second", b"another secret")))
_ENDPOINT: Final = "wallet-it"
# Their proof covers the body: of an update, somebody who has the key sent just these bytes.
_BODY_IS_SIGNED: Final = ("uaepass",)


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    verdicts = (
        Target(
            f"verdict-{name}",
            f"a raw record of {name} → verified updates (verify), by any of its endpoints",
            partial(_records, name),
            partial(_verify, name),
            (*RECORD_TOKENS, *HEADER_TOKENS, *JSON_TOKENS),
        )
        for name in provider_names()
    )
    return (
        Target(
            "path-token", "the last segment of a path (path_token)", _segments, _identify, (b".",)
        ),
        Target(
            "raw-record",
            "the headers of a raw record (contracts/raw.py)",
            _all_records,
            _read_record,
            RECORD_TOKENS,
        ),
        *verdicts,
    )


def _segments() -> Iterator[bytes]:
    for key in _RING.keys:
        yield path_token.mint(key.secret, endpoint=_ENDPOINT, state="s").segment.encode()
    yield path_token.mint(b"no key of ours", endpoint=_ENDPOINT, state="s").segment.encode()
    for vector in vectors_of("wallet"):
        yield vector.target.rpartition("/")[2].encode()


def _identify(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    found = path_token.identify(text, _RING, endpoint=_ENDPOINT, at=NOON)
    if found is not None and found[1] not in _transactions():
        raise Forged("a path that nobody has made")


@cache
def _transactions() -> frozenset[str]:
    return frozenset(segment.partition(b".")[0].decode() for segment in _segments())


def _all_records() -> Iterator[bytes]:
    for name in provider_names():
        yield from _records(name)


def _records(name: str) -> Iterator[bytes]:
    return (_input(record) for record in records(name))


def _input(record: InputRecord) -> bytes:
    return joined(record.headers, record.value or b"")


def _read_record(data: bytes) -> None:
    fields, body = parted(data)
    callback = RawCallback.from_record(body, fields)
    # Whatever was read is written and read again as the same.
    if RawCallback.from_record(body, callback.headers()) != callback:
        raise AssertionError("a record that is written otherwise than it was read")


def _verify(name: str, data: bytes) -> None:
    fields, body = parted(data)
    record: InputRecord = ConsumerRecord(
        "raw", 0, 7, 0, 0, None, body, None, -1, len(body), tuple(fields)
    )
    for output in road(name).verify(record):
        update = VerifiedUpdate.model_validate_json(output.value or b"")
        demanded = name in _BODY_IS_SIGNED and update.source is Source.CALLBACK
        if demanded and body not in genuine_bodies(name):
            raise Forged("a body that nobody has signed")


@cache
def genuine_bodies(name: str) -> frozenset[bytes]:
    found = []
    for record in records(name, genuine=True):
        with rejections():
            road(name).verify(record)
            found.append(record.value or b"")
    return frozenset(found)
