"""Turn what an object store raises into our own errors.

What is worth another try is Unavailable, what a person must change is Broken. Messages never quote
the store's: it quotes paths and requests.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)

from contracts.errors import Broken, Unavailable

_REFUSED: Final = (
    InvalidPathError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
    PermissionError,
)


@contextmanager
def translated(url: str, doing: str) -> Iterator[None]:
    """Translate the errors of the block, which does `doing` at the store of `url`.

    Raises:
        Broken: a person must change the configuration, the rights or the store.
        Unavailable: another try may succeed.
    """
    try:
        yield
    except _REFUSED as error:
        raise Broken(
            f"object_store: cannot {doing} at {url} ({type(error).__name__}); check the rights, "
            "object_store.options and object_store.secret_files (docs/RUNBOOK.md)"
        ) from None
    except FileNotFoundError:
        raise Broken(
            f"object_store: cannot {doing} at {url}: there is no such bucket or directory"
        ) from None
    except (BaseError, OSError) as error:
        raise Unavailable(
            f"the object store at {url} cannot {doing} now ({type(error).__name__})"
        ) from None
