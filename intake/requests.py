"""Take a notification request: POST /delivery/v2.6/requests.

1. only while database and Kafka answer, and while there is room
2. the body, within its time and size
3. all that is wrong with it at once: 400
4. into the outbox (intake/outbox.py): 202 when Kafka has it, 409 when a key of it is taken
5. the same request again before it was answered is joined to the first: the same 202
"""

import asyncio
import re
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, assert_never

from aiohttp import web

from contracts.errors import Rejected, Unavailable
from contracts.instants import instant
from contracts.json_object import read_json
from contracts.send.problems import Invalid, ProblemCode, ProblemError
from contracts.send.request import Request
from contracts.send.request_rules import check_request
from intake.call import Call, declared_bytes, demand_json, read_body
from intake.named_files import keys_named
from intake.outbox import Outbox
from intake.problems import Problem, invalid, json_answer, unavailable
from intake.relay import Relay
from intake.reservations import Joined, Outcome, Reservation, Reserved, Taken, keys_of
from intake.room import Rooms
from intake.store import Store
from intake.tenants import Caller
from runtime.identifiers import uuid7
from runtime.tracing import StepName, Tracing

PATH: Final = "/delivery/v2.6/requests"
# 27 bytes are 36 characters of base64, all that an id may have; nothing in it is of the request.
_ID_BYTES: Final = 27
# W3C Trace Context §3.2.2; anything else is dropped, since it goes into every record downstream.
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
# Each recipient has about twelve members. A body of a million empty ones would hold the process for
# a quarter of a minute before it is told all that is wrong with them.
_PARTS_MAX: Final = 20_000
# From here on a body is checked beside the event loop: a hundred times a usual one.
_LARGE_BYTES: Final = 65_536
_JOIN_SECONDS: Final = 0.05  # between two looks at the request that a caller is joined to


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The handler of new requests."""

    outbox: Outbox
    store: Store
    relay: Relay
    rooms: Rooms
    bytes_max: int
    confirm_seconds: float
    public_url: str
    tracing: Tracing | None = None

    async def handle(self, call: Call) -> web.StreamResponse:
        """Return 202 once Kafka has the request.

        Raises:
            Problem: 400, 408, 409, 413, 415, 429, 503.
            Unavailable: database or Kafka are away.
        """
        demand_json(call.request)
        if not self.outbox.ready:
            raise unavailable()
        caller = call.caller
        size = declared_bytes(call.request, bytes_max=self.bytes_max)
        with self.rooms.reserved(caller.endpoint, caller.body.id, size):
            content = await read_body(call.request, bytes_max=self.bytes_max)
            if len(content) > _LARGE_BYTES:
                request = await asyncio.to_thread(checked, content, caller)
            else:
                request = checked(content, caller)
            identifier = await self._traced(self._reservation(call, request, content))
        return json_answer(_answer(identifier, request), HTTPStatus.ACCEPTED)

    def _reservation(self, call: Call, request: Request, content: bytes) -> Reservation:
        caller, at = call.caller, call.at
        return Reservation(
            id=b64encode(secrets.token_bytes(_ID_BYTES)).decode(),
            endpoint=caller.endpoint,
            body=caller.body.id,
            group=request.group or None,
            callback_id=uuid7(int(at.timestamp() * 1000)),
            received_at=instant(at),
            target_uri=self.public_url + PATH,
            principal=caller.principal,
            traceparent=_traceparent(call.request),
            content=content,
            keys=keys_of(caller.endpoint, caller.body.id, request),
            files=keys_named(request, caller.body),
        )

    async def _traced(self, reservation: Reservation) -> str:
        """Return what `_taken` does, as a step of the request's trace where there is one."""
        if self.tracing is None:
            return await self._taken(reservation)
        step = self.tracing.begin(
            StepName.REQUEST_RECEIVE,
            parent=reservation.traceparent,
            callback_id=reservation.callback_id,
            endpoint=reservation.endpoint,
        )
        outcome = "refused"
        try:
            identifier = await self._taken(replace(reservation, traceparent=step.traceparent))
            outcome = "accepted"
        finally:
            step.end(outcome, failed=outcome == "refused")
        return identifier

    async def _taken(self, reservation: Reservation) -> str:
        """Return the id under which the request is in Kafka.

        Raises:
            Problem: 409, 503.
            Unavailable: database or Kafka are away.
        """
        try:
            async with asyncio.timeout(self.confirm_seconds):
                with self.outbox.put(reservation) as waiting:
                    outcome: Outcome = await waiting
                match outcome:
                    case Reserved():
                        return reservation.id
                    case Joined(identifier):
                        await self._sent(reservation, identifier)
                        return identifier
                    case Taken():
                        status, code = HTTPStatus.CONFLICT, ProblemCode.DUPLICATED
                        raise Problem(status, code, errors=outcome.errors())
                    case unreachable:
                        assert_never(unreachable)
        except TimeoutError:
            raise unavailable() from None

    async def _sent(self, reservation: Reservation, identifier: str) -> None:
        """Wait until the request that we are joined to is in Kafka; send it if its process died."""
        names = reservation.endpoint, reservation.body, identifier
        while True:
            async with self.store.connection() as connection:
                row = await connection.fetchrow(
                    """SELECT state, reserved_at < now() - make_interval(secs => $4) AS left_alone
                    FROM intake.requests WHERE endpoint = $1 AND body = $2 AND id = $3""",
                    *names,
                    # Its own caller still waits for so long; half of ours is left to send it.
                    self.confirm_seconds / 2,
                )
            if row is None:
                raise Unavailable("the request that this one is joined to is gone")
            if row["state"] == "sent":
                return
            if row["left_alone"]:
                await self.relay.relay_one(*names)
            await asyncio.sleep(_JOIN_SECONDS)


def checked(content: bytes, caller: Caller) -> Request:
    """Return the request that `content` is.

    Raises:
        Problem: 400, with everything that is wrong.
    """
    if content.count(b",") > _PARTS_MAX:
        raise invalid([ProblemError(ProblemCode.SIZE, "", f"more than {_PARTS_MAX} parts")])
    try:
        members: Mapping[str, Any] = read_json(content)
        return check_request(members, caller.rules, caller.body, groups=caller.groups)
    except Rejected as error:
        raise invalid([ProblemError(ProblemCode.INVALID, "", str(error))]) from None
    except Invalid as error:
        raise invalid(error.errors) from None


def _answer(identifier: str, request: Request) -> dict[str, str]:
    members = {
        "notificationRequestId": identifier,
        "paProtocolNumber": request.pa_protocol_number,
        "idempotenceToken": request.idempotence_token,
    }
    return {name: text for name, text in members.items() if text is not None}


def _traceparent(request: web.BaseRequest) -> str:
    given = request.headers.get("traceparent", "")
    return given if _TRACEPARENT.fullmatch(given) else ""
