"""Tell lives of notifications, each with what must come of every step. Pure.

The statuses are written here by hand, element by element: the table of contracts/send/timeline.py
is not asked.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from simulator.send.acts import (
    PROVINCIA,
    REGIONE,
    Act,
    Ask,
    Cancel,
    Element,
    File,
    Learn,
    Load,
    SendStep,
    SendStory,
    Tell,
    step,
    story,
)
from simulator.send.cast import Person, SendCast, new_name, new_person, uploads

# What happens, to which recipient, and where the notification stands after it.
Life = Sequence[tuple[str, int | None, str]]
DIGITAL: Final[Life] = (
    ("AAR_CREATION_REQUEST", 0, "ACCEPTED"),
    ("SEND_DIGITAL_DOMICILE", 0, "DELIVERING"),
    ("SEND_DIGITAL_PROGRESS", 0, "DELIVERING"),
    ("SEND_DIGITAL_FEEDBACK", 0, "DELIVERING"),
    ("DIGITAL_DELIVERY_CREATION_REQUEST", 0, "DELIVERED"),
    ("DIGITAL_SUCCESS_WORKFLOW", 0, "DELIVERED"),
    ("NOTIFICATION_VIEWED", 0, "VIEWED"),
)
REFINED: Final[Life] = (*DIGITAL[:-1], ("REFINEMENT", 0, "EFFECTIVE_DATE"))
ANALOG: Final[Life] = (
    ("PREPARE_ANALOG_DOMICILE", 0, "ACCEPTED"),
    ("SEND_ANALOG_DOMICILE", 0, "DELIVERING"),
    ("SEND_ANALOG_PROGRESS", 0, "DELIVERING"),
    ("SEND_ANALOG_FEEDBACK", 0, "DELIVERING"),
    ("ANALOG_SUCCESS_WORKFLOW", 0, "DELIVERED"),
    ("SCHEDULE_REFINEMENT", 0, "DELIVERED"),
    ("REFINEMENT", 0, "EFFECTIVE_DATE"),
    ("NOTIFICATION_VIEWED", 0, "VIEWED"),
)
UNREACHABLE: Final[Life] = (
    ("SEND_ANALOG_DOMICILE", 0, "DELIVERING"),
    ("SEND_ANALOG_FEEDBACK", 0, "DELIVERING"),
    ("COMPLETELY_UNREACHABLE_CREATION_REQUEST", 0, "DELIVERING"),
    ("COMPLETELY_UNREACHABLE", 0, "UNREACHABLE"),
)
RETURNED: Final[Life] = (
    ("SEND_ANALOG_DOMICILE", 0, "DELIVERING"),
    ("ANALOG_WORKFLOW_RECIPIENT_DECEASED", 0, "RETURNED_TO_SENDER"),
)
CANCELLED: Final[Life] = (("NOTIFICATION_CANCELLED", None, "CANCELLED"),)
# Of two recipients one is reached by certified mail, the other by letter.
TWO: Final[Life] = (
    ("SEND_DIGITAL_DOMICILE", 0, "DELIVERING"),
    ("SEND_ANALOG_DOMICILE", 1, "DELIVERING"),
    ("REFINEMENT", 0, "EFFECTIVE_DATE"),
    ("SEND_ANALOG_FEEDBACK", 1, "EFFECTIVE_DATE"),
    ("NOTIFICATION_VIEWED", 1, "VIEWED"),
)
_LIVES: Final = (DIGITAL, REFINED, ANALOG, UNREACHABLE, RETURNED)


def ordinary_story(rng: Random, cast: SendCast) -> SendStory:
    """Return a notification that is accepted, and what becomes of it."""
    kind = rng.randrange(len(_LIVES) + 2)
    if kind == len(_LIVES):
        return _cancelled(rng, cast)
    if kind > len(_LIVES):
        return told_story(rng, cast, TWO, people=[new_person(rng), new_person(rng)])
    return told_story(rng, cast, _LIVES[kind])


def told_story(
    rng: Random, cast: SendCast, life: Life, *, people: list[Person] | None = None
) -> SendStory:
    """Return a notification that is accepted and then lives `life`, told in any order."""
    name, body = new_name(rng), rng.choice((PROVINCIA, REGIONE))
    people, document = people or [new_person(rng)], cast.document(rng)
    return story(
        name,
        accepted_step(cast, name, document, people, body=body),
        step(*seen(document, body=body), told(rng, life), statuses=statuses_of(name, life)),
        private=private_of(people),
    )


def accepted_step(
    cast: SendCast,
    name: str,
    document: File,
    people: list[Person],
    *more: Act,
    body: str = PROVINCIA,
    **changes: object,
) -> SendStep:
    """Return the step in which a request is sent and accepted, after `more`."""
    members = cast.request(name, document, people, body=body, **changes)
    acts = (*more, *uploads(document, body=body), Ask(members=members, body=body))
    return step(*acts, statuses=((name, "ACCEPTED"),))


def seen(document: File, *, body: str = PROVINCIA) -> tuple[Act, ...]:
    """Return the acts by which a body sees its accepted notification and the document in it."""
    return Learn(body=body), Load(file=document, body=body)


def told(rng: Random, life: Life, *, begin: int = 0) -> Tell:
    """Return the callback that tells a life, in any order."""
    elements = list(elements_of(life, begin=begin))
    rng.shuffle(elements)
    return Tell(elements=tuple(elements))


def elements_of(life: Life, *, begin: int = 0) -> tuple[Element, ...]:
    """Return the elements of a life, one a second from second `begin` on."""
    return tuple(
        Element(category, second, recipient)
        for second, (category, recipient, _) in enumerate(life, begin)
    )


def statuses_of(name: str, life: Life) -> tuple[tuple[str, str], ...]:
    """Return the status events that a life leads to."""
    return tuple((name, status) for _, _, status in life)


def private_of(people: list[Person]) -> frozenset[str]:
    """Return what of these people nobody else may see."""
    return frozenset(text for one in people for text in one.private)


def _cancelled(rng: Random, cast: SendCast) -> SendStory:
    name, people, document = new_name(rng), [new_person(rng)], cast.document(rng)
    return story(
        name,
        accepted_step(cast, name, document, people),
        # The wish is an element of its own: the notification stands where it stood.
        step(*seen(document), Cancel(), statuses=((name, "ACCEPTED"),)),
        step(told(rng, CANCELLED, begin=3_600), statuses=statuses_of(name, CANCELLED)),
        private=private_of(people),
    )
