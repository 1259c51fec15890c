"""List every key and trusted certificate that a configuration names, and when each may be used."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contracts.errors import Broken
from ops.configuration.named_files import key_rings
from ops.configuration.trust_files import read_trust
from runtime.configuration import Configuration
from runtime.endpoint_keys import KeyFile
from runtime.key_source import ring_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """One key or certificate: whose, what for, its id, and between which moments it is valid.

    `fault` says why its file cannot be used.
    """

    owner: str
    purpose: str
    id: str
    file: Path
    begins: datetime | None = None
    ends: datetime | None = None
    fault: str = ""

    def state(self, now: datetime) -> str:
        """Return how it stands at `now`, in words."""
        if self.fault:
            return self.fault
        if self.begins is not None and now < self.begins:
            return f"begins in {_length(now, self.begins)}"
        if self.ends is None:
            return "valid"
        return f"ends in {_length(now, self.ends)}" if now < self.ends else "ended"

    def ends_before(self, moment: datetime) -> bool:
        """Tell whether it is no longer valid at `moment`."""
        return self.ends is not None and self.ends <= moment

    def as_json(self, now: datetime) -> dict[str, object]:
        """Return it as a JSON object; never the secret."""
        return {
            "owner": self.owner,
            "purpose": self.purpose,
            "id": self.id,
            "file": str(self.file),
            "not_before": self.begins.isoformat() if self.begins else None,
            "not_after": self.ends.isoformat() if self.ends else None,
            "state": self.state(now),
        }


def listed_keys(configuration: Configuration) -> Iterator[ListedKey]:
    """Yield the keys of endpoints, public bodies and consumers, and the certificates trusted."""
    for ring in key_rings(configuration):
        for key in ring.keys:
            yield _listed(ring.owner, ring.purpose, key)
    for number, endpoint in enumerate(configuration.endpoints):
        for one in read_trust(("endpoints", number), endpoint).trusted:
            yield ListedKey(
                owner=endpoint.name,
                purpose=one.kind,
                id=one.name,
                file=one.file,
                begins=one.begins,
                ends=one.ends,
            )


def _listed(owner: str, purpose: str, key: KeyFile) -> ListedKey:
    return ListedKey(
        owner=owner,
        purpose=purpose,
        id=key.id,
        file=key.file,
        begins=key.not_before,
        ends=key.not_after,
        fault=key_fault(key),
    )


def key_fault(key: KeyFile) -> str:
    """Return why the file of a key cannot be used; empty: it can."""
    try:
        ring_of([key])
    except Broken as error:
        return str(error)
    return ""


def _length(start: datetime, end: datetime) -> str:
    length = end - start
    if length.days:
        return f"{length.days} days"
    return f"{length.seconds // 3_600} h {length.seconds // 60 % 60} min"
