"""Reserve what a request may use once, and store the request, in one database transaction.

1. The keys of all requests of a batch are inserted, in one order everywhere, so that two processes
   wait for each other and never in a circle. A key that is taken stays; but the notice of a request
   that was refused is free again.
2. A request that did not get all of its keys gives back those it got. If the very same request
   holds them and is not in Kafka yet, its caller is joined to it; else it hears 409.
3. The others are stored with their bodies, as `reserved`: from here on none of them can be lost,
   and neither can the files that they name (intake/named_files.py).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from contracts.raw import RawCallback, Source
from contracts.send.problems import ProblemCode, ProblemError
from contracts.send.request import Request
from intake.named_files import NamedFile, note_files
from runtime.database import Connection

_METHOD: Final = "POST"
_MEDIA_TYPE: Final = "application/json"
# Of an absent token SEND's own key has this; a digest keeps it apart from the text "null".
_ABSENT: Final = "\n"


@dataclass(frozen=True, slots=True)
class Key:
    """Something that may be used once: its digest, and the part of the request that it is."""

    digest: bytes
    kind: Literal["protocol", "notice"]
    element: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A request to be stored, with all that its raw record will have."""

    id: str
    endpoint: str
    body: str
    group: str | None
    callback_id: str
    received_at: str
    target_uri: str
    principal: str
    traceparent: str
    content: bytes = field(repr=False)
    keys: tuple[Key, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """Return what tells the same request from another."""
        return hashlib.sha256(self.content).digest()

    def raw(self) -> RawCallback:
        """Return the raw record."""
        return RawCallback(
            body=self.content,
            callback_id=self.callback_id,
            endpoint=self.endpoint,
            source=Source.REQUEST,
            received_at=self.received_at,
            method=_METHOD,
            target_uri=self.target_uri,
            principal=self.principal,
            content_type=_MEDIA_TYPE,
            traceparent=self.traceparent,
            transaction_id=self.id,
        )


@dataclass(frozen=True, slots=True)
class Reserved:
    """The request has its keys and is stored."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The same request, which has no answer yet, holds the keys: its id is the answer."""

    id: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Others hold these keys."""

    keys: tuple[Key, ...]

    def errors(self) -> list[ProblemError]:
        """Return them as SEND tells them; without values, which the caller knows."""
        code = ProblemCode.DUPLICATED
        return [
            ProblemError(code, one.element, f"Duplicated notification for {one.element}")
            for one in self.keys
        ]


Outcome = Reserved | Joined | Taken


def protocol_key(endpoint: str, body: str, number: str, token: str | None) -> Key:
    """Return the key of a protocol number and a token, which are the body's own."""
    parts = ("protocol", endpoint, body, number, _ABSENT if token is None else token)
    return Key(_digest(*parts), "protocol", "paProtocolNumber, idempotenceToken")


def keys_of(endpoint: str, body: str, request: Request) -> tuple[Key, ...]:
    """Return all the keys of a request."""
    first = protocol_key(endpoint, body, request.pa_protocol_number, request.idempotence_token)
    return (first, *_notice_keys(endpoint, request))


def _notice_keys(endpoint: str, request: Request) -> Iterator[Key]:
    """Yield the keys of its notices; a notice is its creditor's, whoever notifies it."""
    for number, recipient in enumerate(request.recipients):
        for at, payment in enumerate(recipient.payments):
            one = payment.pago_pa
            if one is not None:
                parts = ("notice", endpoint, one.creditor_tax_id, one.notice_code)
                element = f"recipients[{number}].payments[{at}].pagoPa"
                yield Key(_digest(*parts), "notice", element)


def _digest(*parts: str) -> bytes:
    # Each part has its length before it, so no two lists of parts make one text.
    text = b"".join(len(one := part.encode()).to_bytes(4) + one for part in parts)
    return hashlib.sha256(text).digest()


async def reserve(connection: Connection, batch: Sequence[Reservation]) -> list[Outcome]:
    """Reserve and store what can be; return what became of each. No two share a key.

    Call within a database transaction.
    """
    got = await _insert_keys(connection, batch)
    losers = [one for one in batch if not all(key.digest in got for key in one.keys)]
    lost: Mapping[int, Outcome] = {}
    if losers:
        lost = await _lost(connection, losers, got)
    winners = [one for one in batch if id(one) not in lost]
    if winners:
        await _insert_requests(connection, winners)
        await note_files(connection, _named_files(winners))
    return [lost.get(id(one), Reserved()) for one in batch]


async def _insert_keys(connection: Connection, batch: Sequence[Reservation]) -> set[bytes]:
    rows = sorted(
        (key.digest, key.kind, one.endpoint, one.body, one.id) for one in batch for key in one.keys
    )
    found = await connection.fetch(
        """INSERT INTO intake.reservations AS held (digest, kind, endpoint, body, request_id)
        SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[])
        ON CONFLICT (digest) DO UPDATE
        SET body = excluded.body, request_id = excluded.request_id
        WHERE held.kind = 'notice' AND EXISTS (
            SELECT FROM streams.current_transactions t WHERE t.endpoint = held.endpoint
            AND t.transaction_id = held.request_id AND t.native_status = 'REFUSED')
        RETURNING digest""",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    return {row[0] for row in found}


async def _lost(
    connection: Connection, losers: Sequence[Reservation], got: set[bytes]
) -> dict[int, Outcome]:
    """Give back what the losers got; return by identity what each of them hears."""
    back = [key.digest for one in losers for key in one.keys if key.digest in got]
    if back:
        await connection.execute("DELETE FROM intake.reservations WHERE digest = ANY($1)", back)
    rows = await connection.fetch(
        """SELECT v.digest, r.id, r.fingerprint FROM intake.reservations v
        JOIN intake.requests r ON r.endpoint = v.endpoint AND r.body = v.body
        AND r.id = v.request_id WHERE v.digest = ANY($1) AND r.state = 'reserved'""",
        [one.keys[0].digest for one in losers],
    )
    unanswered = {(row[0], row[2]): row[1] for row in rows}
    outcomes: dict[int, Outcome] = {}
    for one in losers:
        same = unanswered.get((one.keys[0].digest, one.fingerprint))
        missing = tuple(key for key in one.keys if key.digest not in got)
        outcomes[id(one)] = Joined(same) if same else Taken(missing)
    return outcomes


def _named_files(batch: Sequence[Reservation]) -> Iterator[NamedFile]:
    for one in batch:
        at = datetime.fromisoformat(one.received_at)
        for key in one.files:
            yield NamedFile(one.endpoint, one.body, key, one.id, at)


async def _insert_requests(connection: Connection, batch: Sequence[Reservation]) -> None:
    rows = [
        (
            one.endpoint,
            one.body,
            one.id,
            one.group,
            one.callback_id,
            datetime.fromisoformat(one.received_at),
            one.principal,
            one.traceparent,
            one.fingerprint,
            one.content,
        )
        for one in batch
    ]
    await connection.execute(
        """INSERT INTO intake.requests (endpoint, body, id, group_name, state, callback_id,
            received_at, principal, traceparent, fingerprint, content)
        SELECT endpoint, body, id, group_name, 'reserved', callback_id, received_at, principal,
            traceparent, fingerprint, content
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
            $6::timestamptz[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
        AS n(endpoint, body, id, group_name, callback_id, received_at, principal, traceparent,
            fingerprint, content)""",
        *(list(column) for column in zip(*rows, strict=True)),
    )


async def mark_sent(connection: Connection, batch: Sequence[Reservation]) -> None:
    """Note that Kafka has the requests: from now on none is joined to them."""
    await connection.execute(
        """UPDATE intake.requests r SET state = 'sent', fingerprint = NULL
        FROM unnest($1::text[], $2::text[], $3::text[]) AS n(endpoint, body, id)
        WHERE r.endpoint = n.endpoint AND r.body = n.body AND r.id = n.id
        AND r.state = 'reserved'""",
        [one.endpoint for one in batch],
        [one.body for one in batch],
        [one.id for one in batch],
    )
