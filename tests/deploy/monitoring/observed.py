"""Ask everything of one scene, make alerts fire in it, and keep what came back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from runtime.service_configuration import Database
from tests.deploy.monitoring.scene import (
    GARBAGE,
    Scene,
    call_while_kafka_is_away,
    play_everything,
    send_garbage,
    watched_esito,
)
from tests.monitoring import (
    Asked,
    panel_expressions,
    panels,
    rule_expressions,
    selectors,
    variable_expressions,
)

FIRING_SECONDS_MAX: Final = 45.0
PICTURE_WINDOW: Final = "20s"
DRAWN: Final = frozenset({"timeseries"})
_POLL_SECONDS: Final = 0.5
# A breaker that is open fetches nothing, and its records wait all the same.
_WAITING: Final = (
    "sum by (topic) (esito_worker_lag_records) > 10"
    " and on (topic) max by (topic) (esito_worker_breaker_open) > 0"
)
_READERS: Final = 40
# What fires once everything was played, and by what.
PLAYED: Final = {
    "CredentialsRefused": "450 calls with a wrong key",
    "ProviderRefused": "the same: more than half of the endpoint's calls",
    "CallbacksRefused": "60 calls with the media type text/plain",
    "KeyRefused": "an empty line written over keys/uaepass.key",
    "KeyExpires": "`not_after` in ten days for pivot's key",
    "KeySetOld": "`stale_seconds_max: 1800`: less than the hour that the alert wants",
    "DeadLetterSpike": "30 bodies `{` with the right key",
    "RecordsRejected": "the simulator's faults: replayed, tampered, unsigned …",
    "AnomaliesNoticed": "the simulator's faults: late, contradicting, unsolicited …",
    "TransactionsOverdue": "an expectation with a deadline of one second, and no callback",
    "PollerMissed": "a remote stream that answers 500",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What Prometheus answered, by expression and selector, and which alerts fired when."""

    values: dict[str, list[float]]
    firing: dict[str, set[str]]
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


async def observe(database: Database, directory: Path, *, with_history: bool = False) -> Observed:
    """Play everything, ask everything, then take away what Esito stands on."""
    async with watched_esito(database, directory) as scene:
        begin = time.time()
        await play_everything(scene)
        firing = {"played": await _firing(scene, set(PLAYED))}
        values = {one: await _values(scene, one) for one in _asked()}
        for name, (trouble, expected) in TROUBLES.items():
            await trouble(scene)
            firing[name] = await _firing(scene, expected)
        history = {}
        if with_history:
            for expression in _drawn():
                history[expression] = await scene.prometheus.range(
                    expression, begin=begin, end=time.time()
                )
        scene.resume()
    return Observed(values=values, firing=firing, history=history)


def _drawn() -> list[str]:
    """Return what the pictures show, with windows that suit minutes instead of hours."""
    shown = [panel for one in panels(PICTURE_WINDOW).values() for panel in one]
    return [one for panel in shown if panel.kind in DRAWN for one in panel.expressions]


def _asked() -> set[str]:
    """Return every expression, and every selector of series in one."""
    asked: set[str] = set()
    everything: list[Asked] = [
        *panel_expressions(),
        *rule_expressions(),
        *variable_expressions(),
    ]
    for one in everything:
        asked |= {one.expression, *selectors(one.expression)}
    return asked


async def _values(scene: Scene, expression: str) -> list[float]:
    return [float(one["value"][1]) for one in await scene.prometheus.query(expression)]


async def _firing(scene: Scene, expected: set[str]) -> set[str]:
    """Return what fires as soon as all that is expected does, or when the time for it is over."""
    end = time.monotonic() + FIRING_SECONDS_MAX
    while not expected <= (firing := await scene.prometheus.firing()):
        if time.monotonic() > end:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return firing


async def _reject_everything(scene: Scene) -> None:
    """Send nothing but garbage, until the window of the breaker is full of it, and some more."""
    await send_garbage(scene, GARBAGE * 3)
    async with asyncio.timeout(FIRING_SECONDS_MAX):
        while not await scene.prometheus.query(_WAITING):  # noqa: ASYNC110 - another process
            await asyncio.sleep(_POLL_SECONDS)


async def _take_key_set(scene: Scene) -> None:
    scene.break_key_sets()


async def _take_database(scene: Scene) -> None:
    await scene.database.cut()
    intake, streams = scene.esito.configuration.intake, scene.esito.configuration.streams
    headers = {"x-api-key": scene.key("send-provincia.key")}
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(_READERS):
            url = f"http://127.0.0.1:{intake.port}/delivery/v2.6/requests"
            async with session.get(url, params={"notificationRequestId": "A" * 36}):
                pass
            url = f"http://127.0.0.1:{streams.port}/delivery-progresses/v2.8/streams"
            async with session.get(url):
                pass
            await asyncio.sleep(0.1)


async def _kill_process(_: Scene) -> None:
    """Kill the poller, as a machine does that goes away."""
    for child in psutil.Process().children(recursive=True):
        if "poller" in child.cmdline():
            child.kill()


async def _pause_kafka(scene: Scene) -> None:
    scene.kafka.pause(1)
    await call_while_kafka_is_away(scene)


Trouble = Callable[[Scene], Awaitable[None]]
TROUBLES: Final[dict[str, tuple[Trouble, set[str]]]] = {
    "90 more of these bodies": (_reject_everything, {"BreakerOpen"}),
    "the issuer's key server answers 500": (_take_key_set, {"KeySetNotRead"}),
    "the poller killed": (_kill_process, {"ProcessDown", "ProcessGone"}),
    "the database's connections cut": (
        _take_database,
        {"IntakeStalled", "RequestsAnswered503", "StreamsAnswer5xx"},
    ),
    "the broker stopped (SIGSTOP)": (
        _pause_kafka,
        {"CallbacksAnswered503", "CallbacksFail"},
    ),
}
