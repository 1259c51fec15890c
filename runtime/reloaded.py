"""Hold what is made from files; read them again, and never replace good by broken.

Kubernetes swaps a mounted secret by renaming a directory, so contents are compared, not times.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from contracts.errors import Broken

Section = TypeVar("Section")
Value = TypeVar("Value")

# What was read, to compare with the last reading, and how to make the value of it.
Reading = tuple[object, Callable[[], Value]]


class Reloaded(Generic[Section, Value]):
    """The value of each section of a configuration, as its files were last read."""

    def __init__(
        self,
        sections: Mapping[str, Section],
        read: Callable[[Section], Reading[Value]],
        on_reload: Callable[[str, str], None],
        *,
        demand: Callable[[Mapping[str, Value]], None] = lambda _: None,
    ) -> None:
        """Read every section once.

        `on_reload(name, outcome)` hears `taken` or the reason a changed file was refused. `demand`
        raises Broken where values are good, but not beside each other.

        Raises:
            Broken: as `read` and `demand`.
        """
        self._sections = sections
        self._read = read
        self._on_reload = on_reload
        self._demand = demand
        self._contents: dict[str, object] = {}
        self._refused: dict[str, str] = {}
        self._values: dict[str, Value] = {}
        for name, section in sections.items():
            self._contents[name], make = read(section)
            self._values[name] = make()
        demand(self._values)

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the sections."""
        return frozenset(self._sections)

    def refuses(self, name: str) -> bool:
        """Tell whether the last reading of a section was refused, and its old value is in use."""
        return name in self._refused

    def reload(self) -> None:
        """Take what changed; keep the old value of a section whose files are now broken."""
        for name, section in self._sections.items():
            try:
                taken = self._take(name, section)
            except Broken as error:
                if self._refused.get(name) != str(error):
                    self._refused[name] = str(error)
                    self._on_reload(name, str(error))
                continue
            self._refused.pop(name, None)
            if taken:
                self._on_reload(name, "taken")

    async def watch(self, *, every_seconds: float) -> None:
        """Reload again and again until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.reload()

    def _take(self, name: str, section: Section) -> bool:
        contents, make = self._read(section)
        if contents == self._contents[name]:
            return False
        value = make()
        self._demand({**self._values, name: value})
        self._contents[name], self._values[name] = contents, value
        return True
