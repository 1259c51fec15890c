"""Write what a state machine holds until an alarm rings: announcements, elements that settle."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaProducer

from contracts.instants import instant
from contracts.topics import Topics
from contracts.update import Statement, VerifiedUpdate
from tests.updates import announced, said

ENDPOINT: Final = "pivot-id"
SETTLE_SECONDS: Final = 1.0
STATUSES: Final = ("ACTIVE", "PROCESSING")  # none is final, so the deadline passes


def transaction(name: str, number: int) -> list[VerifiedUpdate]:
    """Return the updates of one transaction; it settles when its deadline passes, by one alarm."""
    now = datetime.now(UTC)
    deadline = instant(now + timedelta(seconds=SETTLE_SECONDS))
    first = announced(transaction=name, deadline=deadline, offset=10 * number)
    elements = [
        said(native, transaction=name, offset=10 * number + position)
        for position, native in enumerate(STATUSES, 1)
    ]
    changes = {"received_at": instant(now), "endpoint": ENDPOINT}
    return [one.model_copy(update=changes) for one in (first, *map(_sorted, elements))]


async def write(bootstrap_servers: str, topics: Topics, updates: Sequence[VerifiedUpdate]) -> None:
    """Write updates as the verifier does."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer:
        for one in updates:
            value = one.model_dump_json(exclude_defaults=True).encode()
            await producer.send_and_wait(topics.verified, value, key=one.key.encode())


def _sorted(update: VerifiedUpdate) -> VerifiedUpdate:
    """Return the element with its place in the order of what happened."""
    what = update.what
    assert isinstance(what, Statement)
    sort_key = f"2026-11-02T11:5{STATUSES.index(what.native_status)}:00Z"
    return update.model_copy(update={"what": what.model_copy(update={"sort_key": sort_key})})
