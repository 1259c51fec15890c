"""Read elements of a notification's timeline: as the delivery system tells them, and as a stream.

https://github.com/pagopa/pn-stream (pn-stream-api-external.yaml, ProgressResponseElementV28). An
element says that something happened; what that does to the status is contracts/send/timeline.py.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints

from contracts.instants import instant
from contracts.payload import Payload, validate
from contracts.send.iun import is_iun
from contracts.send.request import without_nulls
from contracts.send.timeline import Native, nominal_status, rank
from contracts.update import Statement

ELEMENTS_MAX: Final = 100  # of one callback: twice a page of SEND's streams
_LEGAL_FACTS_CHARACTERS_MAX: Final = 500
_FACT_DIGITS: Final = 32  # of a SHA-256 in hexadecimal; a fact has 64 characters at most

# In what the state machine remembers of a statement, and what `keep` reads.
CATEGORY: Final = "category"
IUN_TERM: Final = "iun"
NEW_STATUS: Final = "new_status"
SENDER: Final = "sender"


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            instant(moment)
            return text
    except (ValueError, OverflowError):
        pass
    raise ValueError("not an RFC 3339 instant with its offset")


def _issued(text: str) -> str:
    if not is_iun(text):
        raise ValueError("not an IUN")
    return text


RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/=]{36}$")]
Iun = Annotated[str, AfterValidator(_issued)]
Moment = Annotated[str, StringConstraints(max_length=40), AfterValidator(_moment)]


class Details(Payload):
    """Of an element, only which recipient it is about."""

    rec_index: Annotated[int, Field(ge=0, lt=2**31)] | None = Field(None, alias="recIndex")


class LegalFact(Payload):
    """A document with legal force that an element gave rise to."""

    key: Annotated[str, StringConstraints(max_length=512, pattern=r"^[!-~]+$")]


class Element(Payload):
    """One element; whatever else it has may be personal, and stays in the raw record."""

    element_id: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        alias="elementId"
    )
    # `timestamp` is deprecated since version 2.6 of the streams, and all that older ones have.
    timestamp: Moment = Field(validation_alias=AliasChoices("eventTimestamp", "timestamp"))
    category: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Z0-9_]+$")]
    details: Details | None = None
    legal_facts: tuple[LegalFact, ...] = Field((), alias="legalFactsIds", strict=False)


class Told(Payload):
    """An element, and of which notification."""

    request_id: RequestId = Field(alias="notificationRequestId")
    iun: Iun | None = None
    element: Element


class ToldTogether(Payload):
    """Several elements in one callback."""

    elements: tuple[Told, ...] = Field(min_length=1, max_length=ELEMENTS_MAX, strict=False)


class Polled(Told):
    """An element as a stream gives it; `newStatus` only where the status changed."""

    event_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        alias="eventId"
    )
    new_status: Native | None = Field(None, alias="newStatus", strict=False)


def read_told(members: Mapping[str, Any]) -> tuple[Told, ...]:
    """Return the elements of a callback: one, or those of its member `elements`.

    Raises:
        Rejected: `payload_invalid`.
    """
    given = without_nulls(members)
    if "elements" in given:
        return validate(ToldTogether, given).elements
    return (validate(Told, given),)


def read_polled(members: Mapping[str, Any]) -> Polled:
    """Return the element of a stream that `members` are.

    Raises:
        Rejected: `payload_invalid`.
    """
    return validate(Polled, without_nulls(members))


def statement_of(told: Told) -> Statement:
    """Return what an element says; its status is decided where the notification stands."""
    element = told.element
    new_status = told.new_status if isinstance(told, Polled) else None
    terms = {CATEGORY: element.category, IUN_TERM: told.iun, NEW_STATUS: new_status}
    moment = instant(datetime.fromisoformat(element.timestamp))
    return Statement(
        transaction_id=told.request_id,
        native_status=nominal_status(element.category),
        fact=fact_of(element.element_id),
        occurred_at=element.timestamp,
        references=_references(element),
        terms={name: str(text) for name, text in terms.items() if text is not None},
        # Of two elements of one instant, the one that causes the other comes first.
        sort_key=f"{moment} {rank(element.category):02d}",
    )


def fact_of(element_id: str) -> str:
    """Return the fact that an element is, the same whenever it is told again."""
    return f"element:{hashlib.sha256(element_id.encode()).hexdigest()[:_FACT_DIGITS]}"


def _references(element: Element) -> dict[str, str]:
    references = {"element": element.category, "element_id": element.element_id}
    if element.details is not None and element.details.rec_index is not None:
        references["rec_index"] = str(element.details.rec_index)
    keys = " ".join(fact.key for fact in element.legal_facts)
    if keys and len(keys) <= _LEGAL_FACTS_CHARACTERS_MAX:
        references["legal_facts"] = keys
    return references
