"""Subscribe to Esito's status events with aiokafka: each event has its effect once, in order.

The effects are lines of a file here. Yours are rows of a database: write the event's id and the
transaction's last sequence in the same database transaction as the effect. One process for each
file and group: where several share a group, a partition comes back with events that another process
did, so read the transaction's last sequence from the shared database, in that same transaction.
docs/SUBSCRIBING.md says why each of these lines is as it is.
"""

import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.helpers import create_ssl_context

STATUS_EVENT = b"esito.transaction.status.v1"
EFFECTS = {
    "pending": "wait",
    "processing": "wait",
    "accepted": "wait",
    "completed": "deliver",
    "rejected": "release",
    "failed": "release",
    "cancelled": "release",
    "expired": "release",
}


class MissingEventError(Exception):
    """An event of this transaction never came: going on would hide it."""


class Effects:
    """What was done so far: one line for each event, on the disk before its offset is committed."""

    def __init__(self, file: Path) -> None:
        """Read what an earlier process did; a line cut off by its end never counted."""
        self._ids: set[str] = set()
        self._sequences: dict[str, int] = {}
        whole = file.read_bytes() if file.exists() else b""
        done = whole[: whole.rfind(b"\n") + 1]
        for line in done.decode().splitlines():
            key, sequence, identifier, *_ = line.split("\t")
            self._remember(key, int(sequence), identifier)
        self._file = file.open("ab")
        self._file.truncate(len(done))

    def take(self, key: str, event: dict[str, object]) -> None:
        """Do what the event asks for, unless it was done already."""
        identifier, sequence = str(event["id"]), int(str(event["sequence"]))
        if identifier in self._ids:
            return
        last = self._sequences.get(key)
        if last is not None and sequence != last + 1:
            raise MissingEventError(f"{key}: sequence {sequence} came after {last}")
        # A word that is not in this program is for a person; never guess, never drop.
        effect = EFFECTS.get(str(event["status"]), "ask")
        line = [key, str(sequence), identifier, effect, event["status"], event["native_status"]]
        self._file.write(("\t".join(map(str, line)) + "\n").encode())
        self._remember(key, sequence, identifier)

    def keep(self) -> None:
        """Return once everything taken is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def _remember(self, key: str, sequence: int, identifier: str) -> None:
        self._ids.add(identifier)
        self._sequences[key] = sequence


async def subscribe(stop: asyncio.Event) -> None:
    """Take status events until `stop` is set."""
    effects = Effects(Path(os.environ["EFFECTS_FILE"]))
    consumer = AIOKafkaConsumer(
        *os.environ["TOPICS"].split(","),
        bootstrap_servers=os.environ["BOOTSTRAP_SERVERS"],
        security_protocol="SSL" if "CA_FILE" in os.environ else "PLAINTEXT",
        ssl_context=tls(),
        group_id=os.environ["GROUP"],
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=500, max_records=500)
            for records in batches.values():
                for record in records:
                    take_record(effects, record)
            if batches:
                effects.keep()
                await consumer.commit()
    finally:
        await consumer.stop()


def take_record(effects: Effects, record: "ConsumerRecord[bytes, bytes]") -> None:
    """Take one record; kinds of events that this program does not know are none of its business."""
    if dict(record.headers).get("ce_type") == STATUS_EVENT:
        effects.take(record.key.decode(), json.loads(record.value))


def tls() -> ssl.SSLContext | None:
    """Return TLS where CA_FILE says whom to trust, with our own certificate where there is one."""
    if "CA_FILE" not in os.environ:
        return None
    context: ssl.SSLContext = create_ssl_context(
        cafile=os.environ["CA_FILE"],
        certfile=os.environ.get("CERTIFICATE_FILE"),
        keyfile=os.environ.get("KEY_FILE"),
    )
    return context


async def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await subscribe(stop)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except MissingEventError as missing:
        sys.exit(f"an event is missing: {missing}")
