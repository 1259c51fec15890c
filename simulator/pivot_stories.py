"""Tell what happens to Pivot's payments, step by step, and what must come out of each step. Pure.

Pivot has no signature and no timestamp, so it knows no `stale-timestamp`; a tampered body is one
that a proxy spoilt on the way: taken with 200, since Pivot would never send it again after a 4xx.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from contracts.codes import AnomalyCode, RejectionCode
from simulator.people import digits, uuid
from simulator.pivot import Session, callback_body, money, new_session, probe_body
from simulator.plan import Callback, Fault, Presents, Step, Story

_UNAUTHENTICATED: Final = 401
_TOO_LARGE: Final = 413
Tell = Callable[[random.Random, int], tuple[Step, ...]]


def ordinary_story(rng: random.Random, body_bytes_max: int) -> Story:
    """Return a story without a fault: most are paid, some end otherwise."""
    tell = rng.choices(_ORDINARY, weights=(8, 3, 1, 1, 1))[0]
    return Story(tell(rng, body_bytes_max))


def faulty_story(fault: Fault, rng: random.Random, body_bytes_max: int) -> Story:
    """Return a story about `fault` (KeyError: Pivot does not know this fault)."""
    return Story(FAULTS[fault](rng, body_bytes_max), fault)


def _paid(rng: random.Random, _: int) -> tuple[Step, ...]:
    session = _single(rng)
    return (_moved(session, "PROCESSING"), _moved(_charged(rng, session), "PAID"))


def _multiple(rng: random.Random, _: int) -> tuple[Step, ...]:
    """Tell of a session that stays ACTIVE while two charges succeed; the unit is the charge."""
    session = new_session(rng, payment_type="MULTIPLE")
    first, second = uuid(rng), uuid(rng)
    once = session.with_charge(first, money(rng))
    twice = once.with_charge(second, money(rng))
    opened = callback_body("PAYMENT.PROCESSING", session, status="ACTIVE")
    return (
        Step((Callback(opened),), statuses=((session.id, "ACTIVE"),)),
        _charge_succeeded(once, first),
        # The list repeats the first charge, which must not count again.
        _charge_succeeded(twice, second),
    )


def _cancelled(rng: random.Random, _: int) -> tuple[Step, ...]:
    session = _single(rng)
    return (_moved(session, "PROCESSING"), _moved(session, "CANCELLED"))


def _expired(rng: random.Random, _: int) -> tuple[Step, ...]:
    return (_moved(_single(rng), "EXPIRED"),)


def _probe(rng: random.Random, _: int) -> tuple[Step, ...]:
    session_id = rng.choice((uuid(rng), None))
    callback = Callback(probe_body(session_id, note=digits(rng, 12)))
    # Without an id the callback is named after its bytes.
    named = session_id or f"callback-{callback.sha256}"
    return (Step((callback,), anomalies=((named, AnomalyCode.PROBE),)),)


def _duplicates(rng: random.Random, _: int) -> tuple[Step, ...]:
    """Tell of callbacks sent several times at once, and of an old one sent again by hand."""
    session = _charged(rng, _single(rng))
    processing, paid = _moved(session, "PROCESSING"), _moved(session, "PAID")
    return (
        replace(processing, callbacks=processing.callbacks * 2),
        replace(paid, callbacks=paid.callbacks * 3),
        Step(paid.callbacks),
    )


def _reordering(rng: random.Random, _: int) -> tuple[Step, ...]:
    session = _charged(rng, _single(rng))
    # Older news after the final status moves nothing, and nothing is wrong.
    return (_moved(session, "PAID"), Step(_moved(session, "PROCESSING").callbacks))


def _late_paid(rng: random.Random, _: int) -> tuple[Step, ...]:
    session = _single(rng)
    ended = rng.choice(("CANCELLED", "EXPIRED"))
    paid = _moved(_charged(rng, session), "PAID")
    late = replace(paid, anomalies=((session.id, AnomalyCode.LATE),))
    return (_moved(session, ended), late)


def _contradiction(rng: random.Random, _: int) -> tuple[Step, ...]:
    session = _charged(rng, _single(rng))
    cancelled = _moved(session, "CANCELLED").callbacks
    return (
        _moved(session, "PAID"),
        Step(cancelled, anomalies=((session.id, AnomalyCode.CONFLICT),)),
    )


def _wrong_key(rng: random.Random, _: int) -> tuple[Step, ...]:
    """Tell of a PAID that is lost: Pivot never retries a 401, so PROCESSING stands."""
    session = _single(rng)
    paid = callback_body("PAYMENT.PAID", _charged(rng, session), status="PAID")
    return (
        _moved(session, "PROCESSING"),
        Step((Callback(paid, Presents.WRONG_KEY, _UNAUTHENTICATED),)),
    )


def _tampered_body(rng: random.Random, _: int) -> tuple[Step, ...]:
    """Tell of a spoilt body, kept as a dead letter, and of the same callback sent again by hand."""
    session = _charged(rng, _single(rng))
    whole = callback_body("PAYMENT.PAID", session, status="PAID")
    spoilt, code = rng.choice(
        (
            (whole[: len(whole) // 2], RejectionCode.JSON_INVALID),
            (
                whole.replace(b'"autoConfirm": true', b'"id": "another"'),
                RejectionCode.JSON_DUPLICATE_KEY,
            ),
            (
                callback_body("PAYMENT.PAID", session, status="CANCELLED"),
                RejectionCode.PAYLOAD_CONTRADICTORY,
            ),
        )
    )
    return (Step((Callback(spoilt),), rejection=code), _moved(session, "PAID"))


def _oversize(rng: random.Random, body_bytes_max: int) -> tuple[Step, ...]:
    session = _single(rng)
    padded = callback_body("PAYMENT.PAID", session, status="PAID", padding="x" * body_bytes_max)
    return (_moved(session, "PROCESSING"), Step((Callback(padded, answer=_TOO_LARGE),)))


def _unknown_event(rng: random.Random, _: int) -> tuple[Step, ...]:
    session = _single(rng)
    unknown = callback_body("PAYMENT.REVIEWED", session, status="REVIEWED")
    noted = ((session.id, AnomalyCode.UNKNOWN_STATUS),)
    return (_moved(session, "PROCESSING"), Step((Callback(unknown),), anomalies=noted))


FAULTS: Final[dict[Fault, Tell]] = {
    Fault.DUPLICATES: _duplicates,
    Fault.REORDERING: _reordering,
    Fault.LATE_PAID: _late_paid,
    Fault.WRONG_KEY: _wrong_key,
    Fault.TAMPERED_BODY: _tampered_body,
    Fault.OVERSIZE: _oversize,
    Fault.UNKNOWN_EVENT: _unknown_event,
    Fault.BURST: _paid,
    Fault.CONTRADICTION: _contradiction,
}
_ORDINARY: Final[tuple[Tell, ...]] = (_paid, _multiple, _cancelled, _expired, _probe)


def _single(rng: random.Random) -> Session:
    return new_session(rng, payment_type="SINGLE")


def _charged(rng: random.Random, session: Session) -> Session:
    return session.with_charge(uuid(rng), session.amount)


def _moved(session: Session, status: str) -> Step:
    body = callback_body(f"PAYMENT.{status}", session, status=status)
    return Step((Callback(body),), statuses=((session.id, status),))


def _charge_succeeded(session: Session, charge_id: str) -> Step:
    body = callback_body("CHARGE.SUCCESS", session, status="ACTIVE")
    return Step((Callback(body),), statuses=((charge_id, "CHARGE.SUCCESS"),))
