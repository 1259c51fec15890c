"""Keep watch over what a process does again and again beside its work, such as reading its keys.

A process that reads them no more looks healthy until the day a key changes. So when a watch fails,
the process finishes what it has at hand and ends with an error: its next life reads everything.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from runtime.log_events import LogEvent
from runtime.telemetry import Logger, own_stack


async def run_watched(
    work: Coroutine[Any, Any, None],
    watches: Mapping[str, Coroutine[Any, Any, None]],
    *,
    stop: asyncio.Event,
    log: Logger,
) -> None:
    """Run `work`, and `watches` beside it until it ends; set `stop` when one of them fails.

    A watch that ends without an error had nothing to watch.

    Raises:
        Exception: what the first watch failed of, once `work` has ended, or what `work` did.
    """
    failures: list[BaseException] = []

    def note(ended: asyncio.Task[None]) -> None:
        failure = None if ended.cancelled() else _cause(ended.exception())
        if failure is not None:
            log.error(
                LogEvent.WATCH_FAILED,
                watch=ended.get_name(),
                exception=type(failure).__name__,
                stack=own_stack(failure),
            )
            failures.append(failure)
            stop.set()

    tasks = [asyncio.create_task(watch, name=name) for name, watch in watches.items()]
    for task in tasks:
        task.add_done_callback(note)
    try:
        await work
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if failures:
        raise failures[0]


def _cause(failure: BaseException | None) -> BaseException | None:
    """Return the first failure of a group of tasks: the group's name says nothing."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
