"""Describe the dead letter: a record nobody could process, verbatim, with the reason in headers.

The `__streams.errors.*` names are those of Kafka Streams (KIP-1034), so its tools read ours.
"""

from dataclasses import dataclass
from typing import Final

from contracts.codes import RejectionCode
from contracts.raw import Headers

CODE: Final = "esito-rejection-code"
DETAIL: Final = "esito-rejection-detail"
ERROR_TOPIC: Final = "__streams.errors.topic"
ERROR_PARTITION: Final = "__streams.errors.partition"
ERROR_OFFSET: Final = "__streams.errors.offset"
ERROR_EXCEPTION: Final = "__streams.errors.exception"
ERROR_MESSAGE: Final = "__streams.errors.message"
ERROR_STACKTRACE: Final = "__streams.errors.stacktrace"
REPLAYED_FROM: Final = "esito-replayed-from"
_OWN: Final = frozenset(
    {CODE, DETAIL, ERROR_TOPIC, ERROR_PARTITION, ERROR_OFFSET, ERROR_EXCEPTION, ERROR_MESSAGE}
    | {ERROR_STACKTRACE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Why and where processing stopped. `stack` holds our own frames only: file, line, function."""

    code: RejectionCode
    detail: str
    topic: str
    partition: int
    offset: int
    exception: str
    stack: str = ""

    def headers(self, original: Headers) -> list[tuple[str, bytes]]:
        """Return the original headers followed by the dead letter's own."""
        own = [
            (CODE, self.code.value),
            (DETAIL, self.detail),
            (ERROR_TOPIC, self.topic),
            (ERROR_PARTITION, str(self.partition)),
            (ERROR_OFFSET, str(self.offset)),
            (ERROR_EXCEPTION, self.exception),
            # Never the exception's own message: it may quote the body.
            (ERROR_MESSAGE, self.code.sentence),
        ]
        if self.stack:
            own.append((ERROR_STACKTRACE, self.stack))
        return [*original_headers(original), *((name, value.encode()) for name, value in own)]


def original_headers(headers: Headers) -> list[tuple[str, bytes]]:
    """Return a dead letter's headers without those that made it one: what a replay sends."""
    return [(name, value) for name, value in headers if name not in _OWN]
