"""Make up people, cards and links whose values are easy to find again where they must not be. Pure.

Every value is long and random, so that a search through logs, headers and metrics finds a leak and
nothing else. The names are of nobody.
"""

import random
from dataclasses import dataclass
from typing import Final

_SYLLABLES: Final = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "zu")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who pays."""

    given_name: str
    surname: str
    email: str
    phone: str
    account: str
    card_first8: str
    card_last4: str


def person(rng: random.Random) -> Person:
    """Return somebody new."""
    given, surname = _name(rng), _name(rng)
    return Person(
        given_name=given,
        surname=surname,
        email=f"{given}.{surname}@example.org".lower(),
        phone=digits(rng, 12),
        account=digits(rng, 15),
        card_first8="4440" + digits(rng, 4),
        card_last4=digits(rng, 4),
    )


def digits(rng: random.Random, count: int) -> str:
    """Return so many random digits, the first not zero."""
    return str(rng.randrange(10 ** (count - 1), 10**count))


def token(rng: random.Random) -> str:
    """Return something that looks like a bearer token."""
    return f"{rng.getrandbits(256):064x}.{rng.getrandbits(256):064x}"


def uuid(rng: random.Random) -> str:
    """Return a random UUID (version 4)."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _name(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(6)).capitalize()
