"""Tell a right that Kafka refuses from everything else that may be wrong, and say so in the log.

Brokers that are away come back by themselves; a missing right does not. Both are tried again.
"""

from typing import Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from runtime.log_events import LogEvent
from runtime.telemetry import Logger

# Kafka asks this right of who is an idempotent producer and may write to no topic at all.
_KINDS: Final[dict[type[KafkaError], str]] = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "consumer group",
    TransactionalIdAuthorizationFailed: "transactional id",
    ClusterAuthorizationFailedError: "any topic to write to",
}


def refusal(error: BaseException | None) -> str:
    """Return what the user has no right to, in words; empty where `error` says something else."""
    while error is not None:
        kind = next((said for one, said in _KINDS.items() if isinstance(error, one)), None)
        if kind is not None:
            return f"no right to {' '.join([kind, *_names(error)])}; see docs/ACCESS.md"
        error = error.__cause__
    return ""


def log_refusal(log: Logger, error: BaseException, *, said: str = "") -> str:
    """Log which right is missing, unless that was `said`; return it, empty where none is."""
    reason = refusal(error)
    if reason and reason != said:
        log.error(LogEvent.ACCESS_REFUSED, reason=reason)
    return reason


def absent(topic: str) -> str:
    """Return why a topic cannot be used that the brokers do not name to us."""
    return (
        f"topic {topic} does not exist; esito topics apply creates it; or this user has no right "
        "to it, see docs/ACCESS.md"
    )


def _names(error: BaseException) -> list[str]:
    """Return the topics, group or id that aiokafka gave the error; never a broker's own words."""
    given = error.args[0] if error.args else ()
    return sorted(given) if isinstance(given, (set, frozenset)) else [given] if given else []
