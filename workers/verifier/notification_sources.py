"""Give the verifier what endpoints with `notifications` need: keys, rules, files, addresses.

Keys of slots and IUNs follow their files, as other keys do. Roots for signatures in PDFs are read
once, at the start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding

from contracts.send.rules import SendRules
from runtime.endpoint_configuration import Endpoint
from runtime.key_ring import KeyRing
from runtime.key_source import publish_ends, ring_of
from runtime.metrics import Metrics
from runtime.notification_configuration import Notifications
from runtime.notification_rules import notifications_of, send_rules
from runtime.object_store import ObjectStore
from runtime.reloaded import Reading, Reloaded
from workers.verifier.address_http import HttpAddresses
from workers.verifier.address_local import LocalAddresses
from workers.verifier.address_registry import AddressRegistry
from workers.verifier.file_judge import FileJudge
from workers.verifier.finder import Finder
from workers.verifier.stored_files import StoredFiles
from workers.verifier.trust_files import certificates_in, read_trust_file


@dataclass(frozen=True, slots=True)
class _Keyed:
    """What changes with the keys of an endpoint."""

    slot_keys: KeyRing
    rules: SendRules


class NotificationSources(Reloaded[Notifications, _Keyed]):
    """What requests are judged with, of every endpoint that takes them."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        store: ObjectStore,
        metrics: Metrics,
        on_reload: Callable[[str, str], None],
    ) -> None:
        """Read every file once; `on_reload` is that of a Reloaded.

        Raises:
            Broken: a file is missing, or is not what its key says.
        """
        for fault in ("too_slow", "too_much_memory", "broken"):
            metrics.counter("esito_verifier_judges_ended_total", fault)
        sections = notifications_of(endpoints)
        super().__init__(sections, _reading, on_reload)
        for name, section in sections.items():
            publish_ends(metrics, name, "slot_keys", section.attachments.slot_keys)
            publish_ends(metrics, name, "iun_keys", section.iun_keys.keys)
        self._judges = {
            name: FileJudge(
                section.pdf,
                _roots(section),
                lambda fault: metrics.counter("esito_verifier_judges_ended_total", fault).inc(),
            )
            for name, section in sections.items()
        }
        self._registries = {name: _registry(section) for name, section in sections.items()}
        self.finders = {
            name: self._finder(name, section, store, metrics) for name, section in sections.items()
        }

    def rules(self, endpoint: str) -> SendRules | None:
        """Return what holds for requests of the endpoint, as its keys are now."""
        keyed = self._values.get(endpoint)
        return keyed.rules if keyed else None

    async def close(self) -> None:
        """End the processes and the connections."""
        for judge in self._judges.values():
            await judge.close()
        for registry in self._registries.values():
            await registry.close()

    def _slot_keys(self, name: str) -> KeyRing:
        return self._values[name].slot_keys

    def _finder(
        self, name: str, section: Notifications, store: ObjectStore, metrics: Metrics
    ) -> Finder:
        files = StoredFiles(
            name,
            section,
            store=store,
            slot_keys=partial(self._slot_keys, name),
            judge=self._judges[name],
        )

        def count(what: str, outcome: str, seconds: float) -> None:
            metrics.counter("esito_verifier_lookups_total", name, what, outcome).inc()
            metrics.histogram("esito_verifier_lookup_seconds", what).observe(seconds)

        return Finder(
            files,
            self._registries[name],
            give_up_seconds=section.registry.give_up_seconds,
            count=count,
        )


def _reading(section: Notifications) -> Reading[_Keyed]:
    slot_keys, iun_keys = ring_of(section.attachments.slot_keys), ring_of(section.iun_keys.keys)
    return (slot_keys, iun_keys), lambda: _Keyed(slot_keys, send_rules(section, iun_keys))


def _registry(section: Notifications) -> AddressRegistry:
    if section.registry.kind == "http":
        return HttpAddresses(section.registry)
    return LocalAddresses()


def _roots(section: Notifications) -> list[bytes]:
    """Return the trusted roots in DER.

    Raises:
        Broken: a file holds something else than certificates in PEM.
    """
    files = section.pdf.trust_files
    return [
        one.public_bytes(Encoding.DER)
        for file in files
        for one in certificates_in(file, read_trust_file(file))
    ]
