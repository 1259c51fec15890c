"""Tell what happens to UAE PASS consents, with their callback bodies and what must come out. Pure.

One callback ends a consent: there is no order to mix up and no late payment. A tampered body is
refused at the door, because the signature covers it; a stale timestamp is answered 409 and kept as
a dead letter.
https://docs.uaepass.ae/feature-guides/data-sharing-authorization/endpoints/callback-api-send-consent-response
(read 2026-11)
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from contracts.codes import AnomalyCode, RejectionCode
from simulator.people import digits, person, uuid
from simulator.plan import Callback, Fault, Presents, Step, Story

_UNAUTHENTICATED: Final = 401
_STALE: Final = 409
_TOO_LARGE: Final = 413
_ANSWERS: Final = ("ACCEPTED", "REJECTED")
Tell = Callable[[random.Random, int], tuple[Step, ...]]


def ordinary_story(rng: random.Random, body_bytes_max: int) -> Story:
    """Return a consent that the citizen accepted or rejected."""
    return Story(_answered(rng, body_bytes_max))


def faulty_story(fault: Fault, rng: random.Random, body_bytes_max: int) -> Story:
    """Return a story about `fault` (KeyError: UAE PASS does not know this fault)."""
    return Story(FAULTS[fault](rng, body_bytes_max), fault)


def _answered(rng: random.Random, _: int) -> tuple[Step, ...]:
    return (_said(rng, _new_id(rng), rng.choices(_ANSWERS, weights=(3, 1))[0]),)


def _duplicates(rng: random.Random, _: int) -> tuple[Step, ...]:
    said = _said(rng, _new_id(rng), rng.choice(_ANSWERS))
    return (replace(said, callbacks=said.callbacks * 3), Step(said.callbacks))


def _contradiction(rng: random.Random, _: int) -> tuple[Step, ...]:
    transaction = _new_id(rng)
    first, second = rng.sample(_ANSWERS, 2)
    conflict = ((transaction, AnomalyCode.CONFLICT),)
    other = Step((Callback(_body(rng, transaction, second)),), anomalies=conflict)
    return (_said(rng, transaction, first), other)


def _wrong_key(rng: random.Random, _: int) -> tuple[Step, ...]:
    body = _body(rng, _new_id(rng), "ACCEPTED")
    return (Step((Callback(body, Presents.WRONG_KEY, _UNAUTHENTICATED),)),)


def _tampered_body(rng: random.Random, _: int) -> tuple[Step, ...]:
    """Tell of an ACCEPTED that somebody wrote over a REJECTED, keeping its signature."""
    transaction = _new_id(rng)
    forged = Callback(_body(rng, transaction, "ACCEPTED"), Presents.TAMPERED, _UNAUTHENTICATED)
    return (Step((forged,)), _said(rng, transaction, "REJECTED"))


def _stale_timestamp(rng: random.Random, _: int) -> tuple[Step, ...]:
    transaction = _new_id(rng)
    stale = Callback(_body(rng, transaction, "ACCEPTED"), Presents.STALE_TIMESTAMP, _STALE)
    kept = Step((stale,), rejection=RejectionCode.TIMESTAMP_OUTSIDE_TOLERANCE)
    return (kept, _said(rng, transaction, "ACCEPTED"))


def _oversize(rng: random.Random, body_bytes_max: int) -> tuple[Step, ...]:
    body = _body(rng, _new_id(rng), "ACCEPTED", padding="x" * body_bytes_max)
    return (Step((Callback(body, answer=_TOO_LARGE),)),)


def _unknown_event(rng: random.Random, _: int) -> tuple[Step, ...]:
    """Tell of a status no document names, or of one that only the status API may say."""
    transaction = _new_id(rng)
    body = _body(rng, transaction, rng.choice(("DEFERRED", "EXPIRED", "INIT_FAILED")))
    noted = ((transaction, AnomalyCode.UNKNOWN_STATUS),)
    return (Step((Callback(body),), anomalies=noted),)


FAULTS: Final[dict[Fault, Tell]] = {
    Fault.DUPLICATES: _duplicates,
    Fault.WRONG_KEY: _wrong_key,
    Fault.STALE_TIMESTAMP: _stale_timestamp,
    Fault.TAMPERED_BODY: _tampered_body,
    Fault.OVERSIZE: _oversize,
    Fault.UNKNOWN_EVENT: _unknown_event,
    Fault.BURST: _answered,
    Fault.CONTRADICTION: _contradiction,
}


def _said(rng: random.Random, transaction: str, status: str) -> Step:
    return Step((Callback(_body(rng, transaction, status)),), statuses=((transaction, status),))


def _body(rng: random.Random, transaction: str, status: str, **extra: object) -> bytes:
    """Return a body: the member is `Status` in UAE PASS's table and `status` in its sample."""
    members = {"spTransactionID": transaction, rng.choice(("status", "Status")): status}
    if rng.random() < 0.8:  # noqa: PLR2004 - the member is optional
        members["uaePassTransactionID"] = uuid(rng)
    # Not in the documents: a citizen's data that a provider may add one day must not leak either.
    citizen = person(rng)
    requestor = {"name": f"{citizen.given_name} {citizen.surname}", "identifier": citizen.account}
    return json.dumps({**members, "customer": requestor, **extra}).encode()


def _new_id(rng: random.Random) -> str:
    return f"c{digits(rng, 17)}"
