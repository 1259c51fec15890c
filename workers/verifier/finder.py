"""Find what one record needs: its files and addresses, each until it was found once.

The store may be away for ever, and the record waits; the registry of addresses may be so until
`give_up_seconds` after the request was received, when the answer is `failed`.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts.errors import Unavailable
from contracts.needs import CONTENTS_BYTES_MAX, AddressFound, AddressNeed, FileFacts, FileNeed
from contracts.raw import RawCallback
from workers.verifier.address_registry import AddressRegistry
from workers.verifier.stored_files import StoredFiles

# A record that is read late (a replay, a backlog) is not refused for a moment's failure.
_PATIENCE: Final = timedelta(seconds=60)


Count = Callable[[str, str, float], None]


@dataclass(slots=True)
class Wanted:
    """What one record needs, and what of it was found so far."""

    callback: RawCallback
    needs: Mapping[str, Any]
    found: dict[str, Any] = field(default_factory=dict, repr=False)
    asked_at: datetime | None = None

    def missing(self) -> Iterator[tuple[str, Any]]:
        """Yield what was not found yet, in the order in which it is needed."""
        for name, need in self.needs.items():
            if name not in self.found:
                yield name, need


class Finder:
    """Find what the records of one endpoint need."""

    def __init__(
        self,
        files: StoredFiles,
        addresses: AddressRegistry,
        *,
        give_up_seconds: float,
        count: Count = lambda *_: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask `files` and `addresses`; `count` hears each kind of need, its end and its seconds."""
        self._files = files
        self._addresses = addresses
        self._give_up = timedelta(seconds=give_up_seconds)
        self._count = count
        self._now = now

    async def complete(self, wanted: Wanted, key: Hashable) -> None:
        """Find all that is missing; what was found stays found when the rest fails.

        Raises:
            Unavailable, Broken: something is away; call again.
        """
        for name, need in list(wanted.missing()):
            if isinstance(need, FileNeed):
                wanted.found[name] = await self._file(wanted, need, key)
        asked = [self._address(wanted, *one) for one in wanted.missing()]
        # Each to its end: what was answered need not be asked again.
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _file(self, wanted: Wanted, need: FileNeed, key: Hashable) -> FileFacts:
        began = time.monotonic()
        facts = await self._files.find(need, wanted.callback.received_at, key)
        self._count(need.kind, _outcome(facts), time.monotonic() - began)
        files = (one for one in wanted.found.values() if isinstance(one, FileFacts))
        held = sum(len(one.content or b"") for one in files)
        if facts.content is not None and held + len(facts.content) > CONTENTS_BYTES_MAX:
            return replace(facts, content=None)
        return facts

    async def _address(self, wanted: Wanted, name: str, need: object) -> None:
        if not isinstance(need, AddressNeed):
            raise TypeError(f"{name}: nobody finds a {type(need).__name__}")
        began = time.monotonic()
        asked_at = wanted.asked_at = wanted.asked_at or self._now()
        try:
            found = await self._addresses.find(need)
        except Unavailable:
            if not self._given_up(wanted, asked_at):
                self._count("address", "unavailable", time.monotonic() - began)
                raise
            found = AddressFound("failed")
        self._count("address", found.outcome, time.monotonic() - began)
        wanted.found[name] = found

    def _given_up(self, wanted: Wanted, asked_at: datetime) -> bool:
        received_at = datetime.fromisoformat(wanted.callback.received_at)
        patience = min(self._give_up, _PATIENCE)
        return self._now() >= max(received_at + self._give_up, asked_at + patience)


def _outcome(facts: FileFacts) -> str:
    """Return what came of a file in one word: it was found, or why it cannot be used."""
    if facts.outcome != "found":
        return facts.outcome
    return (facts.pdf.fault if facts.pdf else "") or "found"
