"""UAE PASS consent callbacks: an API key that we issue, and an HMAC whose recipe is configuration.

Checked: the API key, the HMAC over the raw body, the signed timestamp. The recipe (hash, parts,
order, encoding, timestamp format) is not published in text, so there is no default: an endpoint
without a profile and a golden vector does not start.

Answers: exactly 200 with an empty body on success; "proper" 401 and 409 otherwise. A stale
timestamp is answered 409 and kept as a dead letter: whether retries carry a new timestamp is not
documented.
https://docs.uaepass.ae/feature-guides/data-sharing-authorization/endpoints/callback-api-send-consent-response
(read 2026-11). The path is fixed by the provider: /api/v1/consent/transaction/callback
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.lifecycle import Status, lifecycle
from contracts.payload import Payload, validate
from contracts.provider import Answers, Door, Provider, SignedFields
from contracts.update import NativeStatus, ShortText, Statement, TransactionId


class Native(StrEnum):
    """The statuses of a consent request."""

    TRIGGERED = "TRIGGERED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    INIT_FAILED = "INIT_FAILED"


# https://docs.uaepass.ae/feature-guides/data-sharing-authorization/endpoints/poll-request-status
# (read 2026-11). ACCEPTED is final: the citizen has decided, so the consent transaction is over.
STATUSES: Final[Mapping[str, Status]] = {
    Native.TRIGGERED: Status.PENDING,
    Native.ACCEPTED: Status.ACCEPTED,
    Native.REJECTED: Status.REJECTED,
    Native.EXPIRED: Status.EXPIRED,
    Native.INIT_FAILED: Status.FAILED,
}

# A citizen's answer is never overwritten by another answer, nor by the clock of either side.
LIFECYCLE: Final = lifecycle(
    """
                TRIGGERED ACCEPTED REJECTED EXPIRED INIT_FAILED
    (none)      +         +        +        +       +
    TRIGGERED   =         +        +        +       +
    ACCEPTED    -         =        x        x       x
    REJECTED    -         x        =        x       x
    EXPIRED     -         x        x        =       x
    INIT_FAILED -         x        x        x       =
    """,
    statuses=STATUSES,
    final={Native.ACCEPTED, Native.REJECTED, Native.EXPIRED, Native.INIT_FAILED},
)


class ConsentCallback(Payload):
    """The body; the table of the documentation says `Status`, its sample says `status`."""

    spTransactionID: TransactionId  # noqa: N815 - the provider's name
    status: NativeStatus | None = None
    Status: NativeStatus | None = None
    uaePassTransactionID: ShortText | None = None  # noqa: N815 - the provider's name


def translate(fields: SignedFields) -> tuple[Statement, ...]:
    """Return the one statement about the consent.

    Raises:
        Rejected: `payload_invalid`; `payload_contradictory` when `status` and `Status` differ.
    """
    payload = validate(ConsentCallback, fields.members)
    said = payload.status or payload.Status
    if said is None:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "status: missing")
    if payload.Status not in {None, said}:
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "status and Status differ")
    references = {}
    if payload.uaePassTransactionID is not None:
        references["uaepass_transaction_id"] = payload.uaePassTransactionID
    return (
        Statement(
            transaction_id=payload.spTransactionID,
            native_status=said,
            fact=said,
            references=references,
        ),
    )


PROVIDER: Final = Provider(
    name="uaepass",
    documentation="https://docs.uaepass.ae/feature-guides/data-sharing-authorization",
    door=Door(
        provider="uaepass",
        credentials=("api_key", "hmac"),
        api_key_header="x-api-key",
        signature_header="x-uaepass-signature",
        timestamp_header="x-timestamp",
        stored_headers=("x-uaepass-signature", "x-timestamp"),
        answers=Answers(accepted=200, unauthenticated=401, stale=409),
    ),
    lifecycle=LIFECYCLE,
    translate=translate,
    callback_statuses=frozenset({Native.ACCEPTED, Native.REJECTED}),
)
