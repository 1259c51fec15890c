"""Take the wish to cancel a notification: PUT /delivery-push/v2.0/notifications/cancel/{iun}.

https://github.com/pagopa/pn-delivery-push (NotificationCancellationServiceImpl). The wish becomes a
raw record of the same transaction; what follows from it is the delivery system's. Sent twice it is
one: what it says has one name. A notification has an IUN only once it is accepted, so what is being
validated, or was refused, is not there to be cancelled.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from contracts.instants import instant
from contracts.raw import RawCallback, Source
from contracts.send.timeline import Native
from intake.call import Call
from intake.lookup import Found, Lookup
from intake.problems import json_answer
from intake.raw_topic import RawTopic
from intake.sent import accepted
from runtime.identifiers import uuid7

_ACCEPTED: Final = {
    "code": "NOTIFICATION_CANCELLATION_ACCEPTED",
    "level": "INFO",
    "detail": "The wish to cancel was taken.",
}
_CANCELLED: Final = {
    "code": "NOTIFICATION_ALREADY_CANCELLED",
    "level": "WARN",
    "detail": "The notification is cancelled already.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The handler of cancellations."""

    lookup: Lookup
    raw: RawTopic
    public_url: str

    async def handle(self, call: Call) -> web.StreamResponse:
        """Return 202 once Kafka has the wish.

        Raises:
            Problem: 400, 404.
            Unavailable: the database is away, or Kafka.
        """
        found = await accepted(self.lookup, call)
        detail = _CANCELLED
        if found.native_status != Native.CANCELLED.value:
            detail = _ACCEPTED
            await self.raw.send([self._record(call, found)])
        return json_answer({"status": "OK", "details": [detail]}, HTTPStatus.ACCEPTED)

    def _record(self, call: Call, found: Found) -> RawCallback:
        return RawCallback(
            body=json.dumps({"cancel": found.iun}).encode(),
            callback_id=uuid7(int(call.at.timestamp() * 1000)),
            endpoint=found.endpoint,
            source=Source.REQUEST,
            received_at=instant(call.at),
            method="PUT",
            target_uri=self.public_url + call.request.raw_path.partition("?")[0],
            principal=call.caller.principal,
            content_type="application/json",
            transaction_id=found.id,
        )
