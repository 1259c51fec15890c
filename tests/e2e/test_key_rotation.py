"""The wallet's gateway changes its keys under load, and not one callback is lost by it."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from simulator.jwks_server import KeyService, Manner, key_sets_served
from simulator.tally import Tally
from tests.e2e.esito import Esito, installed, running
from tests.e2e.found import Found, columns
from tests.e2e.rotation import (
    FIRST_KEY,
    ROTATIONS,
    WITH_NEW_KEY,
    WITHOUT_OLD_KEY,
    Gateway,
    Listener,
    Told,
    configure,
    logged,
    refreshes,
)
from tests.kafka import Kafka

EACH = (FIRST_KEY, *(rotation.name for rotation in ROTATIONS))
CALLBACKS_MIN = len(ROTATIONS) * (WITH_NEW_KEY + WITHOUT_OLD_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What was sent in all, and what came of it."""

    told: dict[str, Told]
    tally: Tally
    refreshes: list[dict[str, Any]]
    delays: list[dict[str, Any]]
    asked: Counter[Manner]
    leads_to: dict[str, int]

    @property
    def verified_due(self) -> int:
        """Return how many verified records are due: what was answered 503 may have come twice."""
        raw = self.tally.raw
        return sum(raw[body] * records for body, records in self.leads_to.items())

    @property
    def lost(self) -> list[str]:
        """Return the transactions without a status event."""
        return [name for name in self.told if name not in self.tally.events]


@pytest.fixture(scope="module")
def rotated(kafka: Kafka, found: Found, tmp_path_factory: pytest.TempPathFactory) -> Rotated:
    """Send callbacks while the keys change five times; return once nothing more can come."""

    async def run() -> Rotated:
        listener, service = Listener(), KeyService()
        directory = tmp_path_factory.mktemp("rotation")
        configuration = await installed(kafka, directory, configure)
        async with (
            key_sets_served(configuration, service),
            running(configuration, directory, on_status=listener.hear) as esito,
        ):
            gateway = Gateway(esito, service, listener)
            async with gateway.calling():
                await gateway.more(WITH_NEW_KEY)
                for rotation in ROTATIONS:
                    await gateway.rotate(rotation)
            assert await esito.reader.wait_until_drained(seconds_max=60)
            return _rotated(esito, service, listener, gateway)

    result = asyncio.run(run())
    found.add("key rotation under load", _lines(result))
    return result


def test_every_callback_has_its_status_event_whichever_key_signed_it(rotated: Rotated) -> None:
    statuses = {
        name: [one.native_status for one in events] for name, events in rotated.tally.events.items()
    }

    assert rotated.lost == []
    assert statuses == {name: ["VERIFIED"] for name in rotated.told}
    assert len(rotated.told) >= CALLBACKS_MIN
    assert len({one.kid for one in rotated.told.values()}) == len(EACH)


def test_nothing_is_rejected_doubled_or_odd(rotated: Rotated) -> None:
    tally = rotated.tally

    assert tally.rejections == {}
    assert tally.anomalies == {}
    assert (tally.doubled, tally.gaps) == (0, 0)
    assert tally.verified == rotated.verified_due >= 3 * len(rotated.told)


def test_new_keys_were_waited_for(rotated: Rotated) -> None:
    """Without it the sender was never ahead of the verifier, and nothing would have been shown."""
    waits = [line for line in rotated.delays if "is not in its set yet" in line["reason"]]

    assert len(waits) >= len(ROTATIONS)


def test_every_change_was_read_and_every_difficulty_was_logged_once(rotated: Rotated) -> None:
    counts = [line["count"] for line in rotated.refreshes if line["event"] == "keys.fetched"]
    missed = [line["reason"] for line in rotated.refreshes if line["event"] == "keys.missed"]

    assert counts.count(2) >= len(ROTATIONS)
    assert counts.count(1) >= 1 + len(ROTATIONS)
    assert {rotation.missed for rotation in ROTATIONS if rotation.missed} <= set(missed)
    assert all(rotated.asked[manner] for manner in Manner)


def _rotated(esito: Esito, service: KeyService, listener: Listener, gateway: Gateway) -> Rotated:
    return Rotated(
        told=listener.told,
        tally=esito.reader.tallies["wallet"],
        refreshes=refreshes(esito),
        delays=logged(esito, "batch.delayed"),
        asked=service.asked,
        leads_to=gateway.leads_to,
    )


def _lines(rotated: Rotated) -> list[str]:
    tally = rotated.tally
    rows: list[tuple[object, ...]] = [
        ("while the key set", "callbacks", "status events", "lost", "longest wait")
    ]
    for name in EACH:
        told = {key: one for key, one in rotated.told.items() if one.rotation == name}
        waits = [one.heard_at - one.sent_at for one in told.values() if not one.is_open]
        lost = sum(key in rotated.lost for key in told)
        rows.append((name, len(told), len(waits), lost, f"{max(waits, default=0):.2f} s"))
    rows.append(("in all", len(rotated.told), tally.status_events, len(rotated.lost), ""))
    asked = ", ".join(f"{count} times while {manner}" for manner, count in rotated.asked.items())
    rest = {
        "dead letters": tally.rejections.total(),
        "anomalies": len(tally.anomalies),
        "doubled": tally.doubled,
        "batches delayed": len(rotated.delays),
    }
    return [
        *columns(*rows),
        ", ".join(f"{name} {count}" for name, count in rest.items()),
        f"the key server was asked {asked}; the verifier's log of it:",
        *(_line(line) for line in rotated.refreshes),
    ]


def _line(line: dict[str, Any]) -> str:
    shown = ("timestamp", "event", "count", "reason")
    return json.dumps({name: line[name] for name in shown if name in line})
