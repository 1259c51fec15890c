"""Read requirements.lock: what is pinned, who asks for it, and what of it production carries.

Production is what `[project.dependencies]` and the extras that are not for tests ask for, and what
those need in turn. The lock says with each package who asked for it (`# via`), so nothing has to be
resolved again, and requirements.production.lock holds the same lines as the whole.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
# What the demo and the tests need; every other extra is for production.
TEST_EXTRAS: Final = frozenset({"dev", "embedded"})

_PIN: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>.*?))? \\"
)
_ASKING: Final = re.compile(r"^    #(?: via|  ) +(?P<name>[A-Za-z0-9._-]+)", re.MULTILINE)
_HEAD: Final = """\
# Written by `make contracts` from requirements.lock: the packages that production carries.
# pip install --require-hashes --only-binary :all: -r requirements.production.lock
"""


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One package of the lock; `marker` says on which machines it is installed, "" on all."""

    name: str
    version: str
    marker: str
    asked_for_by: frozenset[str]
    lines: str = field(repr=False)

    @property
    def purl(self) -> str:
        """Return its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked_packages(lock: Path = ROOT / "requirements.lock") -> tuple[LockedPackage, ...]:
    """Return every package of a lock, in its order."""
    text = lock.read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    return tuple(_package(lines) for lines in entries)


def production_packages() -> tuple[LockedPackage, ...]:
    """Return the packages of the lock that production carries, in its order."""
    packages = locked_packages()
    needed = _closure(_production_roots(), _needs(packages))
    return tuple(one for one in packages if one.name in needed)


def production_lock() -> str:
    """Return requirements.production.lock."""
    return _HEAD + "".join(one.lines for one in production_packages())


def _package(lines: str) -> LockedPackage:
    pin = _PIN.match(lines)
    if pin is None:
        raise ValueError(f"not a pin with hashes: {lines.splitlines()[0]}")
    return LockedPackage(
        name=pin["name"],
        version=pin["version"],
        marker=pin["marker"] or "",
        asked_for_by=frozenset(_ASKING.findall(lines)),
        lines=lines,
    )


def _production_roots() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: Mapping[str, list[str]] = project.get("optional-dependencies", {})
    asked = [*project["dependencies"]]
    for extra in extras.keys() - TEST_EXTRAS:
        asked += extras[extra]
    return {_normal(one) for one in asked}


def _normal(requirement: str) -> str:
    """Return the name in a requirement as the lock writes it."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def _needs(packages: Iterable[LockedPackage]) -> dict[str, set[str]]:
    needs: dict[str, set[str]] = {}
    for package in packages:
        for one in package.asked_for_by:
            needs.setdefault(one, set()).add(package.name)
    return needs


def _closure(roots: Iterable[str], needs: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needs.get(name, ()))
    return found


def dependencies(packages: Iterable[LockedPackage]) -> Iterator[tuple[str, list[str]]]:
    """Yield each package's URL with the URLs of what it asks for, in order."""
    every = tuple(packages)
    needs = _needs(every)
    for package in every:
        asked = needs.get(package.name, set())
        yield package.purl, [one.purl for one in every if one.name in asked]
