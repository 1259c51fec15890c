"""One file for each provider: what it must prove, what it may say, and what we call it.

There is no list of them to keep: every module of this package is a provider, and declares
`PROVIDER`.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from contracts.errors import Broken
from contracts.provider import Provider


def provider_names() -> tuple[str, ...]:
    """Return the names of all providers, in alphabetical order, without importing one."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def provider_named(name: str) -> Provider:
    """Return the provider called `name`.

    Raises:
        Broken: there is no such provider; the message lists those there are.
    """
    if name not in provider_names():
        raise Broken(f"no provider {name!r}; there are: {', '.join(provider_names())}")
    provider = import_module(f"{__name__}.{name}").PROVIDER
    if not isinstance(provider, Provider) or provider.name != name:
        raise Broken(f"contracts/providers/{name}.py must declare PROVIDER with the name {name!r}")
    return provider


def all_providers() -> Mapping[str, Provider]:
    """Return every provider by its name."""
    return {name: provider_named(name) for name in provider_names()}
