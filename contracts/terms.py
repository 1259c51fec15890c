"""Compare what a callback says with what was registered for its transaction.

Terms are names with a text each. A set is written as one name for each member, `template:7`, so
that no list has to fit one text, and an empty text says nothing.
"""

import hmac
from collections.abc import Iterable, Mapping

from contracts.provider import Breach


def members_of(name: str, terms: Iterable[str]) -> frozenset[str]:
    """Return the members of the set `name` in terms, or in any texts written `<name>:<member>`."""
    return frozenset(term.partition(":")[2] for term in terms if term.startswith(f"{name}:"))


def check_same(name: str, registered: Mapping[str, str], said: Mapping[str, str]) -> None:
    """Pass only what says the one text that was registered under `name`.

    Raises:
        Breach: it says another, or none; or none was registered.
    """
    expected, given = registered.get(name, ""), said.get(name, "")
    # In constant time even where both are keyed digests: then nobody has to prove that they are.
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Breach(f"{name}: not what was registered")


def check_within(name: str, registered: Iterable[str], said: Iterable[str]) -> frozenset[str]:
    """Return the members of the set `name` that were registered and that nobody spoke of.

    Raises:
        Breach: one is said that was not registered.
    """
    expected, given = members_of(name, registered), members_of(name, said)
    if given - expected:
        raise Breach(f"{name}: one that was not registered")
    return expected - given
