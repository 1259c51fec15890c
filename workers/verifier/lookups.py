"""Look up what records need before they can be judged: ahead, side by side, remembered by offset.

The stage before a Kafka transaction (`Processor.prepare`): here alone the verifier waits. Then
`process` is pure, and quick. Records of one partition are ready in their order, so one slow file
holds up those behind it, which are looked up meanwhile; other partitions have lookups of their own.
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from contracts.errors import Broken, Unavailable
from workers.processor import InputRecord
from workers.verifier.finder import Finder, Wanted

# Records of one partition that are looked up at a time: enough to keep the processes busy.
AHEAD_MAX: Final = 32

Evidence = Mapping[str, Any]
_DELAYS: Final = (Unavailable, Broken)


class Lookups:
    """What the records at hand of one partition need; not shared between partitions."""

    def __init__(
        self,
        wanted: Callable[[InputRecord], Wanted | None],
        finders: Mapping[str, Finder],
        key: Hashable,
    ) -> None:
        """Ask `wanted` what a record needs (None: nothing), and its endpoint's finder for it.

        `key` is this partition among all that share the processes for files.
        """
        self._wanted = wanted
        self._finders = finders
        self._key = key
        self._lookups: dict[int, _Lookup | None] = {}

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        """Return how many of the first `records` are ready, as soon as the first one is.

        Raises:
            Unavailable: the first one waits for something that is away.
        """
        self._begin(records)
        first = self._lookups[records[0].offset]
        if first is not None:
            await first.ended()
            first.demand_no_delay()
        ready = 0
        for record in records:
            if record.offset not in self._lookups:
                break
            lookup = self._lookups[record.offset]
            if lookup is not None and not lookup.is_ready:
                break
            ready += 1
        return ready

    def evidence(self, record: InputRecord) -> Evidence:
        """Return what was found for a record.

        Raises:
            Exception: whatever its lookup failed with, where nobody foresaw that.
        """
        lookup = self._lookups.get(record.offset)
        return lookup.evidence() if lookup else {}

    def forget(self, offset: int) -> None:
        """Forget the records up to `offset`: they are committed."""
        for one in [one for one in self._lookups if one <= offset]:
            del self._lookups[one]

    async def close(self) -> None:
        """End what is under way, and wait until the processes that judge its files have ended."""
        under_way = [one for one in self._lookups.values() if one is not None]
        self._lookups.clear()
        for lookup in under_way:
            lookup.cancel()
        for lookup in under_way:
            await lookup.ended()

    def _begin(self, records: Sequence[InputRecord]) -> None:
        held = sum(one is not None for one in self._lookups.values())
        for record in records:
            if record.offset not in self._lookups:
                if held == AHEAD_MAX:
                    return
                self._lookups[record.offset] = lookup = self._lookup(record)
                held += lookup is not None
            if (begun := self._lookups[record.offset]) is not None:
                begun.begin()

    def _lookup(self, record: InputRecord) -> "_Lookup | None":
        wanted = self._wanted(record)
        if wanted is None:
            return None
        return _Lookup(wanted, self._finders[wanted.callback.endpoint], self._key)


class _Lookup:
    """The lookup of one record: begun anew after a delay, over once all is found."""

    def __init__(self, wanted: Wanted, finder: Finder, key: Hashable) -> None:
        self._wanted = wanted
        self._finder = finder
        self._key = key
        self._task: asyncio.Task[Exception | None] | None = None

    @property
    def is_ready(self) -> bool:
        """Tell whether the record can be processed, be it to be found poisonous."""
        task = self._task
        return task is not None and task.done() and not isinstance(task.result(), _DELAYS)

    def begin(self) -> None:
        """Look up what is missing, unless that is under way or done."""
        if self._task is None:
            self._task = asyncio.create_task(self._complete())

    async def ended(self) -> None:
        """Wait until it is over, in whichever way."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def demand_no_delay(self) -> None:
        """Begin anew the next time, if what is missing could not be had.

        Raises:
            Unavailable: so it is.
        """
        failure = self._task.result() if self._task else None
        if isinstance(failure, _DELAYS):
            self._task = None
            # A store that refuses us is a person's to mend, but no reason to stop the others.
            raise Unavailable(str(failure))

    def evidence(self) -> Evidence:
        """Return what was found.

        Raises:
            Exception: what nobody foresaw.
        """
        failure = self._task.result() if self._task and self._task.done() else None
        if failure is not None and not isinstance(failure, _DELAYS):
            raise failure
        return self._wanted.found

    def cancel(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()

    async def _complete(self) -> Exception | None:
        try:
            await self._finder.complete(self._wanted, self._key)
        except Exception as error:  # noqa: BLE001 - it is told where the record is processed
            return error
        return None
