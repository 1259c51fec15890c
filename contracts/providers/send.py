"""SEND, the platform of legal notifications: requests of public bodies, and elements of timelines.

A request becomes one statement: accepted with an IUN, or refused with every finding. Elements come
from the delivery system (callbacks), or from a remote stream of SEND (polls), and move the status
by the table of contracts/send/timeline.py.

Checked: everything of contracts/send/verdict.py. Not checked, because nothing signs it: who wrote
an element; the API key that it came with is what it is worth. A remote stream has derived its
statuses itself, from elements that its filter may hide, so they are taken as it tells them.
https://github.com/pagopa/pn-delivery, pn-delivery-push-validator, pn-timeline-service, pn-stream
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from contracts.codes import AnomalyCode, RejectionCode
from contracts.errors import Broken, Rejected, Unavailable
from contracts.lifecycle import Status, lifecycle
from contracts.payload import Payload, rules_broken, validate
from contracts.provider import Answers, Breach, Door, Provider, SignedFields, Standing
from contracts.raw import RawCallback, Source
from contracts.send.elements import (
    CATEGORY,
    IUN_TERM,
    NEW_STATUS,
    SENDER,
    Iun,
    fact_of,
    read_polled,
    read_told,
    statement_of,
)
from contracts.send.iun import iun_of
from contracts.send.request import Request, without_nulls
from contracts.send.rules import BodyRules, SendRules
from contracts.send.timeline import Native, nominal_status, rank, status_after
from contracts.send.verdict import Case, address_needs, file_needs, findings
from contracts.update import Expectation, Scheme, Statement

# https://github.com/pagopa/pn-delivery (NotificationStatusV26, at 636876f). A word of ours tells
# where the transaction stands for the sender: it was taken, is on its way, has taken effect.
STATUSES: Final[Mapping[str, Status]] = {
    Native.IN_VALIDATION: Status.PENDING,
    Native.ACCEPTED: Status.ACCEPTED,
    Native.REFUSED: Status.REJECTED,
    Native.DELIVERING: Status.PROCESSING,
    Native.DELIVERED: Status.PROCESSING,
    Native.VIEWED: Status.COMPLETED,
    Native.EFFECTIVE_DATE: Status.COMPLETED,
    Native.PAID: Status.COMPLETED,
    Native.UNREACHABLE: Status.FAILED,
    Native.CANCELLED: Status.CANCELLED,
    Native.RETURNED_TO_SENDER: Status.FAILED,
}

# 1. Every element is an event, so a status may follow itself.
# 2. A remote stream may hide elements (its filter), so whatever lies further along is taken.
# 3. REFUSED and CANCELLED alone are final: a notification that was VIEWED can be cancelled still.
# 4. PAID is of old notifications alone (deprecated): nothing of ours leads there.
# 5. IN_VALIDATION is what a remote stream shows first; what it says later is older news.
LIFECYCLE: Final = lifecycle(
    """
                       IN_VALIDATION ACCEPTED REFUSED DELIVERING DELIVERED VIEWED EFFECTIVE_DATE PAID UNREACHABLE CANCELLED RETURNED_TO_SENDER
    (none)             +             +        +       +          +         +      +              +    +           +         +
    IN_VALIDATION      +             +        +       +          +         +      +              +    +           +         +
    ACCEPTED           -             +        x       +          +         +      +              +    +           +         +
    REFUSED            -             x        +       x          x         x      x              x    x           x         x
    DELIVERING         -             x        x       +          +         +      +              +    +           +         +
    DELIVERED          -             x        x       x          +         +      +              +    x           +         +
    VIEWED             -             x        x       x          x         +      x              +    x           +         +
    EFFECTIVE_DATE     -             x        x       x          x         +      +              +    x           +         +
    PAID               -             x        x       x          x         x      x              +    x           +         x
    UNREACHABLE        -             x        x       x          x         +      +              +    +           +         +
    CANCELLED          -             x        x       x          x         x      x              x    x           +         x
    RETURNED_TO_SENDER -             x        x       x          x         x      x              x    x           +         +
    """,  # noqa: E501 - a table is read by its columns
    statuses=STATUSES,
    final={Native.REFUSED, Native.CANCELLED},
)

ACCEPTED_FACT: Final = "REQUEST_ACCEPTED"
REFUSED_FACT: Final = "REQUEST_REFUSED"
CANCELLATION: Final = "NOTIFICATION_CANCELLATION_REQUEST"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9+/=]{36}")
_METHOD_OF_CANCELLATIONS: Final = "PUT"
_RECIPIENTS: Final = "recipients"
_ORIGIN: Final = "origin"
_REMOTE: Final = "remote"
# What we assigned to a notification, and every event of it repeats.
_REPEATED: Final = ("iun", "sender", "group")
# Before it is accepted a notification has no IUN that anybody may see.
_WITHOUT_IUN: Final = frozenset({Native.IN_VALIDATION.value, Native.REFUSED.value})


class Cancellation(Payload):
    """What the intake stores when a body cancels a notification of its own."""

    cancel: Iun


def needs(fields: SignedFields) -> Mapping[str, Any]:
    """Return the files and addresses that a request names; an element needs nothing.

    Raises:
        Rejected: as `translate`.
    """
    callback = fields.signed.callback
    if callback.source is not Source.REQUEST or callback.method == _METHOD_OF_CANCELLATIONS:
        return {}
    case = _case(fields)
    return {**file_needs(case), **address_needs(case)}


def translate(fields: SignedFields) -> tuple[Statement | Expectation, ...]:
    """Return what a request comes to, or what elements say.

    Raises:
        Rejected: `payload_invalid`; `record_malformed`: the intake writes other records;
            `principal_missing`: no body of the endpoint sent the request.
        Unavailable: something that the request needs has not been looked up; no key makes its IUN.
    """
    callback = fields.signed.callback
    match callback.source:
        case Source.REQUEST if callback.method == _METHOD_OF_CANCELLATIONS:
            return (_cancellation(fields),)
        case Source.REQUEST:
            return _verdict(fields)
        case Source.POLL:
            polled = statement_of(read_polled(fields.members))
            announced = Expectation(
                transaction_id=polled.transaction_id, assigned={_ORIGIN: _REMOTE}
            )
            return announced, polled
        case _:
            return tuple(statement_of(told) for told in read_told(fields.members))


def _verdict(fields: SignedFields) -> tuple[Expectation]:
    case, callback = _case(fields), fields.signed.callback
    found = findings(case)
    assigned = {SENDER: case.body.id}
    if case.request.group:
        assigned["group"] = case.request.group
    if not found:
        assigned["iun"] = _iun(case.rules, fields)
    fact, native = (REFUSED_FACT, Native.REFUSED) if found else (ACCEPTED_FACT, Native.ACCEPTED)
    identifier = _request_id(callback)
    many = len(case.request.recipients) > 1
    return (
        Expectation(
            transaction_id=identifier,
            terms={_RECIPIENTS: "many" if many else "1"},
            assigned=assigned,
            then=Statement(
                transaction_id=identifier,
                native_status=native,
                fact=fact,
                reason=found[0] if found else None,
                reasons=found,
                occurred_at=callback.received_at,
                references={"element": fact, "element_id": fact},
            ),
        ),
    )


def _iun(rules: SendRules, fields: SignedFields) -> str:
    """Return the IUN of an accepted request.

    Raises:
        Unavailable: no key makes it, so it waits for one: a request is not lost for our own fault.
    """
    received_at = fields.signed.callback.received_at
    try:
        key = rules.iun_key_of(received_at)
        return iun_of(fields.place, received_at, key=key, half=rules.iun_half)
    except Broken as fault:
        raise Unavailable(str(fault)) from None


def _cancellation(fields: SignedFields) -> Statement:
    """Return the wish to cancel as the element that SEND makes of it; it changes no status yet."""
    callback = fields.signed.callback
    iun = validate(Cancellation, fields.members).cancel
    element_id = f"{CANCELLATION}.IUN_{iun}"
    return Statement(
        transaction_id=_request_id(callback),
        native_status=nominal_status(CANCELLATION),
        fact=fact_of(element_id),
        occurred_at=callback.received_at,
        references={"element": CANCELLATION, "element_id": element_id},
        terms={CATEGORY: CANCELLATION, IUN_TERM: iun, SENDER: _body(fields).id},
        sort_key=f"{callback.received_at} {rank(CANCELLATION):02d}",
    )


def keep(standing: Standing, statement: Statement) -> Statement:
    """Return the statement with the status it leads to, and what we assigned to the notification.

    Raises:
        Breach: another notification's IUN or another body; an element that has no place where the
            notification stands.
    """
    terms, said = standing.terms, statement.terms
    category = said.get(CATEGORY)
    if statement.fact in standing.facts:
        return statement
    native = statement.native_status
    if category is not None:
        for name in (IUN_TERM, SENDER):
            if name in said and said[name] != terms.get(name, "") and not _is_remote(terms):
                raise Breach(f"{name}: not that of the notification")
        native = _status(standing, category, said)
    references = {name: terms[name] for name in _REPEATED if name in terms}
    if _is_remote(terms) and IUN_TERM in said:
        references["iun"] = said[IUN_TERM]
    if native in _WITHOUT_IUN:
        references.pop("iun", None)
    update = {"native_status": native, "references": {**statement.references, **references}}
    return statement.model_copy(update=update)


def _status(standing: Standing, category: str, said: Mapping[str, str]) -> str:
    many = standing.terms.get(_RECIPIENTS) == "many"
    after = status_after(standing.status, category, many=many)
    if _is_remote(standing.terms):
        return said.get(NEW_STATUS) or standing.status or after or Native.IN_VALIDATION.value
    if after is None:
        where = standing.status or Native.IN_VALIDATION.value
        raise Breach(f"{category} has no place in {where}", AnomalyCode.CONFLICT)
    return after


def _is_remote(terms: Mapping[str, str]) -> bool:
    return terms.get(_ORIGIN) == _REMOTE


def _case(fields: SignedFields) -> Case:
    try:
        request = Request.model_validate(without_nulls(fields.members))
    except ValidationError as error:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, rules_broken(error)) from None
    return Case(request, _body(fields), _rules(fields), fields.evidence)


def _rules(fields: SignedFields) -> SendRules:
    if not isinstance(fields.settings, SendRules):
        raise Broken("an endpoint of provider send needs the key notifications")
    return fields.settings


def _body(fields: SignedFields) -> BodyRules:
    """Return the body whose API key the intake knew: the principal is `api_key:<body>.<key>`."""
    for credential in fields.signed.callback.principal.split():
        scheme, _, key = credential.partition(":")
        body = _rules(fields).bodies.get(key.partition(".")[0])
        if scheme == Scheme.API_KEY and body is not None:
            return body
    raise Rejected(RejectionCode.PRINCIPAL_MISSING, "no body of the endpoint")


def _request_id(callback: RawCallback) -> str:
    if not _REQUEST_ID.fullmatch(callback.transaction_id):
        raise Rejected(RejectionCode.RECORD_MALFORMED, "no request id of the intake's")
    return callback.transaction_id


PROVIDER: Final = Provider(
    name="send",
    documentation="https://github.com/pagopa/pn-delivery",
    door=Door(
        provider="send",
        credentials=("api_key",),
        media_types=("application/json",),
        answers=Answers(accepted=200, unauthenticated=401),
    ),
    lifecycle=LIFECYCLE,
    translate=translate,
    keep=keep,
    needs=needs,
)
