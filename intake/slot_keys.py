"""Hold the keys that seal slots, version tokens and download links, as their files are now."""

from collections.abc import Callable, Mapping
from functools import partial

from intake.preload import EndpointSlots
from runtime.key_ring import KeyRing
from runtime.key_source import publish_ends, ring_of
from runtime.metrics import Metrics
from runtime.notification_configuration import Notifications
from runtime.reloaded import Reading, Reloaded


class SlotKeys(Reloaded[Notifications, KeyRing]):
    """The rings of all endpoints that take notification requests."""

    def __init__(
        self, sections: Mapping[str, Notifications], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once; `on_reload` is that of a Reloaded.

        Raises:
            Broken: a file is missing, empty or too short.
        """
        super().__init__(sections, _reading, on_reload)

    def of(self, endpoint: str) -> KeyRing:
        """Return the ring of an endpoint."""
        return self._values[endpoint]

    def publish_expiries(self, metrics: Metrics) -> None:
        """Show when each key stops being valid."""
        for name, section in self._sections.items():
            publish_ends(metrics, name, "slot_keys", section.attachments.slot_keys)

    def slots(self) -> dict[str, EndpointSlots]:
        """Return what preload and upload need of each endpoint."""
        return {
            name: EndpointSlots(
                name=name, settings=section.attachments, ring=partial(self.of, name)
            )
            for name, section in self._sections.items()
        }


def _reading(section: Notifications) -> Reading[KeyRing]:
    ring = ring_of(section.attachments.slot_keys)
    return ring, lambda: ring
