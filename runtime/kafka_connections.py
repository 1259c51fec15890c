"""Let aiokafka's clients hear of a closed connection in the words they understand.

aiokafka 0.14 takes any other word for a fault of its own, and the task that hears it ends in
silence: that which fetches, so that its consumer gives nothing for ever; or that which keeps the
metadata, so that its client never learns which broker leads a partition now. Two such words:

* RuntimeError: uvloop says so where a connection is written to that was closed a moment ago
* LookupError: of two requests that timed out together, the second no longer finds its connection
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError, KafkaError

C = TypeVar("C")
T = TypeVar("T")


def hearing(made: C) -> C:
    """Return `made`, a consumer, producer or admin client, with its requests watched."""
    client: Any = getattr(made, "client", None) or made._client  # type: ignore[attr-defined]  # noqa: SLF001 - only producers show it
    client.send = _in_words_of_kafka(client.send)
    # Both say so where they fail, in a word of their own, and are asked again.
    client._get_conn = _or(None, client._get_conn)  # noqa: SLF001 - it asks for versions
    client._metadata_update = _or(False, client._metadata_update)  # noqa: FBT003, SLF001 - it sends by itself
    return made


class WatchedConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # it is untyped
    """A consumer that says so when it has ceased to fetch, whatever ended it."""

    async def getmany(self, *partitions: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's
        """Return records as the library does.

        Raises:
            KafkaError: nothing will ever come of this consumer; make another.
        """
        keeping_metadata = self._client._sync_task  # noqa: SLF001 - nothing else shows it
        if self._fetcher.error_future.done() or (keeping_metadata and keeping_metadata.done()):
            raise KafkaError("the consumer has ceased to fetch")
        return await super().getmany(*partitions, **options)


def _in_words_of_kafka(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def watched(*words: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the library says
        try:
            return await work(*words, **options)
        except KafkaError:  # a RuntimeError, too
            raise
        except (RuntimeError, LookupError) as error:
            raise KafkaConnectionError(str(error)) from error

    return watched


def _or(instead: T, work: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """Return `work`, which gives `instead` where it meets such a word."""

    async def watched(*words: Any, **options: Any) -> T:  # noqa: ANN401 - whatever the library says
        try:
            return await work(*words, **options)
        except (RuntimeError, LookupError):
            return instead

    return watched
