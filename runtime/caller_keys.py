"""Tell callers apart by their API keys: many callers, one header, rings that follow their files.

Every key of every caller is compared whatever is presented, so the time taken tells nothing about
who is known here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from contracts.errors import Broken
from runtime.endpoint_keys import KeyFile
from runtime.key_ring import KeyRing
from runtime.key_source import publish_ends, ring_of
from runtime.metrics import Metrics
from runtime.reloaded import Reading, Reloaded


class CallerKeys(Reloaded[Sequence[KeyFile], KeyRing]):
    """The API keys of a set of named callers, as last read."""

    def __init__(
        self, callers: Mapping[str, Sequence[KeyFile]], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once; `on_reload` is that of a Reloaded.

        Raises:
            Broken: a file is missing, empty or too short, or two callers have one secret.
        """
        super().__init__(callers, _reading, on_reload, demand=_demand_own_secrets)

    def publish_expiries(self, metrics: Metrics, credential: str) -> None:
        """Show when each caller's keys stop being valid."""
        for name, keys in self._sections.items():
            publish_ends(metrics, name, credential, keys)

    def identify(self, presented: bytes) -> tuple[str, str] | None:
        """Return whose key `presented` is now, and the key's id; or None."""
        at, found = datetime.now(UTC), None
        for name, ring in self._values.items():
            key = ring.identify(presented, at=at)
            if key is not None:
                found = name, key
        return found


def _reading(keys: Sequence[KeyFile]) -> Reading[KeyRing]:
    ring = ring_of(keys)
    return ring, lambda: ring


def _demand_own_secrets(rings: Mapping[str, KeyRing]) -> None:
    owners: dict[bytes, str] = {}
    for name, ring in rings.items():
        for key in ring.keys:
            former = owners.setdefault(key.digest, name)
            if former != name:
                raise Broken(f"{former} and {name} have one API key; give each its own")
