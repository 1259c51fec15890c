"""Tell callers apart by their API keys: many callers, one header, rings that follow their files.

Every key of every caller is compared whatever is presented, so the time taken tells nothing about
who is known here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from contracts.errors import Broken
from runtime.endpoint_keys import KeyFile
from runtime.key_ring import KeyRing
from runtime.key_source import ring_of


class CallerKeys:
    """The API keys of a set of named callers, as last read."""

    def __init__(
        self, callers: Mapping[str, Sequence[KeyFile]], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once.

        `on_reload(caller, outcome)` hears `taken` or the reason a changed file was refused.

        Raises:
            Broken: a file is missing, empty or too short, or two callers have one secret.
        """
        self._callers = callers
        self._on_reload = on_reload
        self._refused: dict[str, str] = {}
        self._rings = {name: ring_of(keys) for name, keys in callers.items()}
        _demand_own_secrets(self._rings)

    def identify(self, presented: bytes) -> tuple[str, str] | None:
        """Return whose key `presented` is now, and the key's id; or None."""
        at, found = datetime.now(UTC), None
        for name, ring in self._rings.items():
            key = ring.identify(presented, at=at)
            if key is not None:
                found = name, key
        return found

    def reload(self) -> None:
        """Take what changed; keep the old ring of a caller whose files are now broken."""
        for name, keys in self._callers.items():
            try:
                ring = ring_of(keys)
                if ring == self._rings[name]:
                    self._refused.pop(name, None)
                    continue
                _demand_own_secrets({**self._rings, name: ring})
            except Broken as error:
                if self._refused.get(name) != str(error):
                    self._refused[name] = str(error)
                    self._on_reload(name, str(error))
                continue
            self._rings[name] = ring
            self._refused.pop(name, None)
            self._on_reload(name, "taken")

    async def watch(self, *, every_seconds: float) -> None:
        """Reload again and again until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.reload()


def _demand_own_secrets(rings: Mapping[str, KeyRing]) -> None:
    owners: dict[bytes, str] = {}
    for name, ring in rings.items():
        for key in ring.keys:
            former = owners.setdefault(key.digest, name)
            if former != name:
                raise Broken(f"{former} and {name} have one API key; give each its own")
