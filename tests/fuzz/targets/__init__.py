"""Every target, in the order in which they run: what reads first, first."""

from collections.abc import Mapping
from functools import cache

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    certificates,
    documents,
    presentations,
    providers,
    roads,
    signatures,
)


@cache
def all_targets() -> Mapping[str, Target]:
    """Return the targets by name."""
    modules = (documents, signatures, presentations, certificates, providers, roads)
    return {target.name: target for module in modules for target in module.targets()}


def target_named(name: str) -> Target:
    """Return the target of this name.

    Raises:
        KeyError: there is none.
    """
    return all_targets()[name]
