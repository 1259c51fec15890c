"""Write Pivot's callback bodies, shaped like its samples. Pure: randomness comes from the caller.

https://pivot-payment.gitbook.io/ (api-references/api-information/callback, read 2026-11): three
encodings of money, timestamps with up to nine fractional digits, no id of the callback itself.
"""

import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulator.people import Person, digits, person, token, uuid

_EPOCH: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_CURRENCY: Final = "IDR"


@dataclass(frozen=True, slots=True)
class Session:
    """One payment session with the charges made so far; `charges` are (id, amount)."""

    id: str
    reference: str
    payment_type: str
    amount: int | str
    created: datetime
    nanoseconds: int
    payer: Person
    customer_id: str
    secret: str
    charges: tuple[tuple[str, int | str], ...] = ()

    def with_charge(self, charge_id: str, amount: int | str) -> "Session":
        """Return the session after one more successful charge."""
        return replace(self, charges=(*self.charges, (charge_id, amount)))


def new_session(rng: random.Random, *, payment_type: str) -> Session:
    """Return a session of SINGLE or MULTIPLE type, with money in one of Pivot's encodings."""
    return Session(
        id=uuid(rng),
        reference=digits(rng, 10),
        payment_type=payment_type,
        amount=money(rng),
        created=_EPOCH + timedelta(milliseconds=rng.randrange(10**9)),
        nanoseconds=rng.randrange(10**9),
        payer=person(rng),
        customer_id=uuid(rng),
        secret=token(rng),
    )


def money(rng: random.Random) -> int | str:
    """Return an amount as a number, a decimal string or an integer string: Pivot sends all."""
    rupiah = rng.randrange(1_000, 5_000_000)
    return rng.choice((rupiah, f"{rupiah}.00", f"{rupiah}"))


def callback_body(event: str, session: Session, *, status: str, **extra: object) -> bytes:
    """Return the body of a callback about `session`; `extra` are more members of `data`."""
    data = {
        "id": session.id,
        "clientReferenceId": session.reference,
        "amount": _amount(session.amount),
        "autoConfirm": True,
        "mode": "REDIRECT",
        "redirectUrl": {"successReturnUrl": "https://shop.example.org/success"},
        "paymentType": session.payment_type,
        "paymentMethod": {"type": "CARD"},
        "statementDescriptor": "Example Shop",
        "status": status,
        "investigationStatus": None,
        "createdAt": _instant(session.created),
        "updatedAt": _instant(session.created, session.nanoseconds),
        "expiryAt": _instant(session.created + timedelta(days=1)),
        "paymentUrl": f"https://pay.example.org/detail?token={session.secret}",
        "encryptionKey": session.secret[::-1],
        "chargeDetails": [_charge(session, *charge) for charge in session.charges],
        "customerId": session.customer_id,
        "customer": _customer(session.payer),
        "metadata": {"invoiceNo": f"INV-{session.payer.account[::-1]}"},
        "bypassStatusPage": False,
        **extra,
    }
    return write({"event": event, "data": data})


def probe_body(session_id: str | None, *, note: str) -> bytes:
    """Return the dashboard's test callback; without `session_id` it concerns no session at all."""
    data = {"note": note} if session_id is None else {"id": session_id, "note": note}
    return write({"event": "PAYMENT.TEST", "data": data})


def write(members: dict[str, Any]) -> bytes:
    """Return the bytes of a body, as Pivot formats them."""
    return json.dumps(members, indent=2).encode()


def _charge(session: Session, charge_id: str, amount: int | str) -> dict[str, Any]:
    return {
        "id": charge_id,
        "paymentSessionId": session.id,
        "paymentSessionClientReferenceId": session.reference,
        "amount": _amount(amount),
        "status": "SUCCESS",
        "authorizedAmount": _amount(amount),
        "capturedAmount": _amount(amount),
        "isCaptured": True,
        # Earlier than its session's, which is rounded: nobody may rely on their order.
        "createdAt": _instant(session.created - timedelta(milliseconds=139), 861_006_000),
        "updatedAt": _instant(session.created, session.nanoseconds // 1000 * 1000),
        "fdsRiskAssessment": {"score": "0", "status": "PASSED", "recommendation": "Approve"},
        "card": _card(session),
        "captureHistories": None,
    }


def _card(session: Session) -> dict[str, Any]:
    payer = session.payer
    return {
        "first6": payer.card_first8[:6],
        "first8": payer.card_first8,
        "last4": payer.card_last4,
        "expMonth": "01",
        "expYear": "39",
        "fingerprint": f"fp-{session.secret[64:96]}",
        "authorizationResult": {
            "acquirerReferenceNumber": payer.phone[::-1],
            # Wrong in Pivot's own sample too: nothing may be reconciled by it.
            "authorizedAmount": _amount(100_000),
        },
    }


def _customer(payer: Person) -> dict[str, Any]:
    return {
        "givenName": payer.given_name,
        "surname": payer.surname,
        "email": payer.email,
        "phoneNumber": {"countryCode": "+62", "number": payer.phone},
        "refundPreference": {
            "method": "AUTO",
            "transferDestination": {
                "channelCode": "014",
                "channelInformation": {
                    "accountNumber": payer.account,
                    "accountName": f"{payer.given_name} {payer.surname}",
                },
            },
        },
    }


def _amount(value: int | str) -> dict[str, int | str]:
    return {"value": value, "currency": _CURRENCY}


def _instant(moment: datetime, nanoseconds: int = 0) -> str:
    """Return RFC 3339 in UTC with the fewest digits that say it, as Go programs write it."""
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
