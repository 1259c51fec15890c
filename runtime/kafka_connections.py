"""Let aiokafka's clients hear of a closed connection in the words they understand."""

from typing import Any, TypeVar

from aiokafka.errors import KafkaConnectionError, KafkaError

C = TypeVar("C")


def hearing(made: C) -> C:
    """Return `made`, a consumer, producer or admin client, with its requests watched.

    uvloop says RuntimeError where a connection is written to that was closed a moment ago (asyncio
    says nothing). aiokafka takes it for a fault of its own: the task that fetches ends, and its
    consumer gives nothing for ever, without an error.
    """
    client: Any = getattr(made, "client", None) or made._client  # type: ignore[attr-defined]  # noqa: SLF001 - only producers show it
    send = client.send

    async def watched(*words: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the library sends
        try:
            return await send(*words, **options)
        except KafkaError:
            raise
        except RuntimeError as error:
            raise KafkaConnectionError(str(error)) from error

    client.send = watched
    return made
