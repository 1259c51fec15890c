"""Read what Esito publishes, status events and anomalies, as a person or a script takes it."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from contracts.codes import AnomalyCode
from contracts.lifecycle import Status
from contracts.topics import Topics
from ops.cluster import Cluster
from ops.terminal import text_of
from ops.topic_reader import StoredRecord, all_partitions, follow

_ATTRIBUTE: Final = "ce_"
_ANOMALY_CODE: Final = "esito-anomaly-code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records to follow."""

    providers: tuple[str, ...]
    anomalies: bool = False
    endpoint: str | None = None
    transaction_id: str | None = None
    status: Status | None = None
    code: AnomalyCode | None = None
    since_milliseconds: int | None = None

    def topics(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the topics to follow."""
        every = [Topics.of(provider, prefix=prefix) for provider in self.providers]
        names: list[str] = []
        # A code alone asks for anomalies alone.
        if self.code is None or self.status is not None:
            names += [topics.status for topics in every]
        if self.anomalies or self.code is not None:
            names += [topics.anomalies for topics in every]
        return tuple(names)

    def takes(self, one: "Published") -> bool:
        """Tell whether a record concerns what was asked for."""
        # An endpoint's name has no colon, a transaction's id may.
        endpoint, _, transaction_id = text_of(one.record.key).partition(":")
        named = self.transaction_id in {None, transaction_id}
        if self.endpoint not in {None, endpoint} or not named:
            return False
        if one.is_anomaly:
            return self.code is None or one.data().get("code") == self.code
        return self.status is None or one.data().get("status") == self.status


@dataclass(frozen=True, slots=True)
class Published:
    """One status event or anomaly with its CloudEvents attributes."""

    record: StoredRecord

    @property
    def is_anomaly(self) -> bool:
        """Tell whether it is an anomaly."""
        return self.record.header(_ANOMALY_CODE) is not None

    def data(self) -> dict[str, Any]:
        """Return the event itself; empty if the record is not ours."""
        try:
            value = json.loads(self.record.value or b"")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def cloud_event(self) -> dict[str, Any]:
        """Return it in the JSON format of CloudEvents 1.0, with its coordinates as extensions."""
        attributes = {
            name.removeprefix(_ATTRIBUTE): text_of(value)
            for name, value in self.record.headers
            if name.startswith(_ATTRIBUTE)
        }
        return {
            **attributes,
            "datacontenttype": text_of(self.record.header("content-type")),
            "kafkatopic": self.record.topic,
            "kafkapartition": self.record.partition,
            "kafkaoffset": self.record.offset,
            "data": self.data(),
        }

    def line(self) -> str:
        """Return it as a line for people; not made safe for a terminal."""
        data = self.data()
        if not data:
            return f"{self.record.id}: not an event of this version"
        if self.is_anomaly:
            at, told = data.get("noticed_at"), _anomaly(data)
        else:
            at, told = data.get("received_at"), _status(data)
        return f"{at}  {data.get('endpoint')}  {data.get('transaction_id')}  {told}"


def _status(data: dict[str, Any]) -> str:
    words = [f"{data.get('previous_status') or 'new'} → {data.get('status')}"]
    words.append(f"({data.get('native_status')})")
    amount = data.get("amount")
    if isinstance(amount, dict):
        words.append(f"{amount.get('value')} {amount.get('currency')}")
    words.append(f"#{data.get('sequence')}")
    if data.get("final"):
        words.append("final")
    return "  ".join(words)


def _anomaly(data: dict[str, Any]) -> str:
    said = f"said {data['said']}, " if data.get("said") else ""
    return f"ANOMALY {data.get('code')}: {said}{data.get('detail')}"


async def published(
    cluster: Cluster, topics: tuple[str, ...], wanted: Wanted, *, on_ready: Callable[[], None]
) -> AsyncGenerator[Published]:
    """Yield what is wanted as it is published, for ever."""
    partitions = all_partitions(await cluster.partitions(*topics))
    following = follow(
        cluster.clients,
        partitions,
        since_milliseconds=wanted.since_milliseconds,
        on_ready=on_ready,
    )
    async with aclosing(following):
        async for record in following:
            one = Published(record)
            if wanted.takes(one):
                yield one
