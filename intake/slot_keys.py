"""Hold the keys that seal slots, version tokens and download links, as last read from their files.

A broken file never replaces a good ring; contents are compared, not times.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from contracts.errors import Broken
from intake.preload import EndpointSlots
from runtime.key_ring import KeyRing
from runtime.key_source import ring_of
from runtime.notification_configuration import Notifications


class SlotKeys:
    """The rings of all endpoints that take notification requests."""

    def __init__(
        self, sections: Mapping[str, Notifications], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once; `on_reload(endpoint, outcome)` hears of changes.

        Raises:
            Broken: a file is missing, empty or too short.
        """
        self._sections = sections
        self._on_reload = on_reload
        self._refused: dict[str, str] = {}
        self._rings = {name: _ring(section) for name, section in sections.items()}

    def of(self, endpoint: str) -> KeyRing:
        """Return the ring of an endpoint."""
        return self._rings[endpoint]

    def slots(self) -> dict[str, EndpointSlots]:
        """Return what preload and upload need of each endpoint."""
        return {
            name: EndpointSlots(
                name=name, settings=section.attachments, ring=partial(self.of, name)
            )
            for name, section in self._sections.items()
        }

    async def watch(self, *, every_seconds: float) -> None:
        """Read again and again until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.reload()

    def reload(self) -> None:
        """Take what changed."""
        for name, section in self._sections.items():
            try:
                ring = _ring(section)
            except Broken as error:
                if self._refused.get(name) != str(error):
                    self._refused[name] = str(error)
                    self._on_reload(name, str(error))
                continue
            self._refused.pop(name, None)
            if ring != self._rings[name]:
                self._rings[name] = ring
                self._on_reload(name, "taken")


def _ring(section: Notifications) -> KeyRing:
    return ring_of(section.attachments.slot_keys)
