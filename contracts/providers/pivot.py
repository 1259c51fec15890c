"""Pivot payment callbacks: a static API key, no event id, no timestamp, no signature.

Checked: the API key (at the ingress), and that event and status of the payload agree. Not checked,
because Pivot offers nothing to check it by: who wrote the body, when, and whether it is complete.

Answers: Pivot retries 5xx, 408 and 429 only. Any other 4xx destroys the callback, so an
authenticated caller gets 200 whatever the body says, and the verifier judges later.
https://pivot-payment.gitbook.io/ (api-references/api-information/callback), read 2026-11.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.lifecycle import Status, lifecycle
from contracts.payload import Payload, PlainDecimal, validate
from contracts.provider import Answers, Door, Provider, SignedFields
from contracts.update import Amount, NativeStatus, ShortText, Statement, TransactionId


class Native(StrEnum):
    """The statuses of a payment session and, after `CHARGE.`, of a charge of a MULTIPLE one."""

    REQUIRE_PAYMENT_METHOD = "REQUIRE_PAYMENT_METHOD"
    REQUIRE_CONFIRMATION = "REQUIRE_CONFIRMATION"
    REQUIRE_ACTION = "REQUIRE_ACTION"
    ACTIVE = "ACTIVE"
    PROCESSING = "PROCESSING"
    PAID = "PAID"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    CHARGE_WAITING_FOR_USER_ACTION = "CHARGE.WAITING_FOR_USER_ACTION"
    CHARGE_WAITING_FOR_AUTHENTICATION = "CHARGE.WAITING_FOR_AUTHENTICATION"
    CHARGE_PROCESSING = "CHARGE.PROCESSING"
    CHARGE_WAITING_FOR_CAPTURE = "CHARGE.WAITING_FOR_CAPTURE"
    CHARGE_SUCCESS = "CHARGE.SUCCESS"


# https://pivot-payment.gitbook.io/ (api-lists/payments/status, payments/state-and-status), read
# 2026-11. EXPIRED and FAILED are not in the part of the page that we read; integrators get them.
STATUSES: Final[Mapping[str, Status]] = {
    Native.REQUIRE_PAYMENT_METHOD: Status.PENDING,
    Native.REQUIRE_CONFIRMATION: Status.PENDING,
    Native.REQUIRE_ACTION: Status.PENDING,
    Native.ACTIVE: Status.PENDING,
    Native.PROCESSING: Status.PROCESSING,
    Native.PAID: Status.COMPLETED,
    Native.CANCELLED: Status.CANCELLED,
    Native.EXPIRED: Status.EXPIRED,
    Native.FAILED: Status.FAILED,
    Native.CHARGE_WAITING_FOR_USER_ACTION: Status.PENDING,
    Native.CHARGE_WAITING_FOR_AUTHENTICATION: Status.PENDING,
    Native.CHARGE_PROCESSING: Status.PROCESSING,
    Native.CHARGE_WAITING_FOR_CAPTURE: Status.PROCESSING,
    Native.CHARGE_SUCCESS: Status.COMPLETED,
}

# Money in always wins: a QR payment can be PAID after the session was CANCELLED or EXPIRED, and the
# goods may be released already, so the move is made and a person is told. No PAID is taken back.
LIFECYCLE: Final = lifecycle(
    """
                           REQUIRE_PAYMENT_METHOD REQUIRE_CONFIRMATION REQUIRE_ACTION ACTIVE PROCESSING PAID CANCELLED EXPIRED FAILED
    (none)                 +                      +                    +              +      +          +    +         +       +
    REQUIRE_PAYMENT_METHOD =                      +                    +              +      +          +    +         +       +
    REQUIRE_CONFIRMATION   -                      =                    +              +      +          +    +         +       +
    REQUIRE_ACTION         -                      -                    =              +      +          +    +         +       +
    ACTIVE                 -                      -                    -              =      +          +    +         +       +
    PROCESSING             -                      -                    -              -      =          +    +         +       +
    PAID                   -                      -                    -              -      -          =    x         x       x
    CANCELLED              -                      -                    -              -      -          !    =         x       x
    EXPIRED                -                      -                    -              -      -          !    x         =       x
    FAILED                 -                      -                    -              -      -          !    x         x       =
    """,  # noqa: E501 - a table is read by its columns
    """
                                      CHARGE.WAITING_FOR_USER_ACTION CHARGE.WAITING_FOR_AUTHENTICATION CHARGE.PROCESSING CHARGE.WAITING_FOR_CAPTURE CHARGE.SUCCESS
    (none)                            +                              +                                 +                 +                          +
    CHARGE.WAITING_FOR_USER_ACTION    =                              +                                 +                 +                          +
    CHARGE.WAITING_FOR_AUTHENTICATION -                              =                                 +                 +                          +
    CHARGE.PROCESSING                 -                              -                                 =                 +                          +
    CHARGE.WAITING_FOR_CAPTURE        -                              -                                 -                 =                          +
    CHARGE.SUCCESS                    -                              -                                 -                 -                          =
    """,  # noqa: E501 - so is this one
    statuses=STATUSES,
    final={Native.PAID, Native.CANCELLED, Native.EXPIRED, Native.FAILED, Native.CHARGE_SUCCESS},
)

# The undocumented probe of the dashboard: the URL can only be registered if it is answered 200.
TEST: Final = "PAYMENT.TEST"
CHARGE_EVENT: Final = "CHARGE.SUCCESS"
# What the session's own status may be under each event; an ACTIVE one is open for more charges.
SESSION_EVENTS: Final = {
    "PAYMENT.PROCESSING": (Native.PROCESSING, Native.ACTIVE),
    "PAYMENT.PAID": (Native.PAID,),
    "PAYMENT.CANCELLED": (Native.CANCELLED,),
    "PAYMENT.EXPIRED": (Native.EXPIRED,),
}

Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ProviderInstant = Annotated[str, StringConstraints(min_length=1, max_length=40)]
# As long as a native status may be, less the `CHARGE.` that we put before it.
ChargeStatus = Annotated[str, StringConstraints(min_length=1, max_length=57, pattern=r"^[!-~]+$")]


class Money(Payload):
    """An amount: JSON number, decimal string or integer string, all in the major unit."""

    value: PlainDecimal
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    def amount(self) -> Amount:
        """Return it as ours."""
        return Amount(value=self.value, currency=self.currency)


class Charge(Payload):
    """One attempt to collect; its `authorizationResult` is not read: samples have wrong amounts."""

    id: TransactionId
    status: ChargeStatus
    amount: Money | None = None
    updatedAt: ProviderInstant | None = None  # noqa: N815 - the provider's name


class Session(Payload):
    """A payment session; only what a decision or a subscriber needs."""

    id: TransactionId
    status: Text | None = None
    clientReferenceId: ShortText | None = None  # noqa: N815 - the provider's name
    amount: Money | None = None
    updatedAt: ProviderInstant | None = None  # noqa: N815 - the provider's name
    chargeDetails: list[Charge] | None = None  # noqa: N815 - the provider's name


class Envelope(Payload):
    """What every callback has: the event's name."""

    event: NativeStatus


class SessionCallback(Payload):
    """A callback about a payment session or its charges."""

    data: Session


class Identified(Payload):
    """The least an event we do not know can carry."""

    id: TransactionId


class UnknownCallback(Payload):
    """A callback of an event we do not know, with the id it concerns if it has one."""

    data: Identified


def translate(fields: SignedFields) -> tuple[Statement, ...]:
    """Return one statement about the session, or one for each charge under `CHARGE.SUCCESS`.

    Raises:
        Rejected: `payload_invalid`; `payload_contradictory` when event and status disagree.
    """
    event = validate(Envelope, fields.members).event
    if event == CHARGE_EVENT:
        return _charges(validate(SessionCallback, fields.members).data)
    if event in SESSION_EVENTS:
        return (_session(event, validate(SessionCallback, fields.members).data),)
    return (_unknown(event, fields),)


def _session(event: str, session: Session) -> Statement:
    allowed = SESSION_EVENTS[event]
    said = session.status or allowed[0].value
    if said not in allowed:
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "event and data.status disagree")
    return Statement(
        transaction_id=session.id,
        native_status=said,
        fact=said,
        amount=session.amount.amount() if session.amount else None,
        occurred_at=session.updatedAt,
        references=_references(session),
    )


def _charges(session: Session) -> tuple[Statement, ...]:
    charges = session.chargeDetails or []
    if not any(charge.status == "SUCCESS" for charge in charges):
        raise Rejected(
            RejectionCode.PAYLOAD_CONTRADICTORY, "CHARGE.SUCCESS without a successful charge"
        )
    if len({charge.id for charge in charges}) != len(charges):
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "one charge is listed twice")
    return tuple(
        Statement(
            transaction_id=charge.id,
            native_status=f"CHARGE.{charge.status}",
            fact=f"CHARGE.{charge.status}",
            amount=charge.amount.amount() if charge.amount else None,
            occurred_at=charge.updatedAt,
            references={**_references(session), "session_id": session.id},
        )
        for charge in charges
    )


def _unknown(event: str, fields: SignedFields) -> Statement:
    try:
        concerned = validate(UnknownCallback, fields.members).data.id
    except Rejected:
        # Without an id the event still needs a name that a redelivery has too: its bytes'.
        concerned = f"callback-{fields.signed.sha256}"
    return Statement(transaction_id=concerned, native_status=event, fact=event)


def _references(session: Session) -> dict[str, str]:
    if session.clientReferenceId is None:
        return {}
    return {"client_reference_id": session.clientReferenceId}


PROVIDER: Final = Provider(
    name="pivot",
    documentation="https://pivot-payment.gitbook.io/",
    door=Door(
        provider="pivot",
        credentials=("api_key",),
        api_key_header="x-api-key",
        # A 415 would destroy the callback; the verifier judges the bytes, whatever they are called.
        media_types=(),
        answers=Answers(accepted=200, unauthenticated=401),
    ),
    lifecycle=LIFECYCLE,
    translate=translate,
    probes=frozenset({TEST}),
)
