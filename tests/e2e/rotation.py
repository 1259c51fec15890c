"""Send wallet callbacks steadily while the gateway changes its keys, well and under difficulties.

Each interaction is announced by our own side, and called back about with a token that is signed by
the key of that moment. What is waited for is told by what happened, never by the clock.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import aiohttp

from contracts.status import StatusEvent
from simulator.jwks_server import KeyService, Manner, publisher
from simulator.pki import ec_key
from simulator.plan import Callback
from simulator.scene import scene_of
from simulator.sign_jws import TokenKey, key_set
from simulator.wallet.cast import WalletCast, wallet_cast_of
from simulator.wallet.files import named
from tests.e2e.esito import Esito, only_of

_SECONDS_MAX: Final = 120.0
# For the status events of what was sent; usually they take a second.
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
_CALLBACKS_PER_SECOND: Final = 40.0
_AT_ONCE_MAX: Final = 64
_BUSY: Final = frozenset({429, 503})
# Of each rotation: with the new key before the set is read well again, and after the old one went.
WITH_NEW_KEY: Final = 40
WITHOUT_OLD_KEY: Final = 15
FIRST_KEY: Final = "has the first key"
VERIFICATION: Final = "verification"
DONE: Final = "COMPLETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One change of keys: what is wrong meanwhile, and how many callbacks come before the key."""

    name: str
    manner: Manner = Manner.WELL
    missed: str = ""
    ahead: int = 0


ROTATIONS: Final = (
    Rotation(name="is changed"),
    Rotation(name="is with a server that stalls", manner=Manner.STALLED, missed="timed_out"),
    Rotation(name="is with a server that answers 500", manner=Manner.FAILING, missed="status"),
    Rotation(name="lacks the new key for 20 callbacks", ahead=20),
    Rotation(name="is changed again"),
)


@dataclass(slots=True)
class Told:
    """One callback: in which rotation, by which key, when sent, and when its status event came."""

    rotation: str
    kid: str
    sent_at: float
    heard_at: float = float("inf")

    @property
    def is_open(self) -> bool:
        """Tell whether no status event has come."""
        return self.heard_at == float("inf")


@dataclass(slots=True)
class Listener:
    """Every callback sent, by transaction, and the time of each one's first status event."""

    told: dict[str, Told] = field(default_factory=dict)

    def hear(self, event: StatusEvent) -> None:
        """Note the time."""
        told = self.told.get(event.transaction_id)
        if told is not None and told.is_open:
            told.heard_at = time.monotonic()

    def open_of(self, kid: str) -> int:
        """Return how many callbacks signed with this key have no status event yet."""
        return sum(one.kid == kid and one.is_open for one in self.told.values())

    def heard_of(self, kid: str) -> int:
        """Return how many have one."""
        return sum(one.kid == kid and not one.is_open for one in self.told.values())


def configure(settings: dict[str, Any]) -> None:
    """Read key sets often, and wait for a new key as long as a slow machine may need."""
    only_of(settings, "wallet")
    (issuer,) = settings["endpoints"][0]["tokens"]["issuers"]
    issuer |= {"refresh_seconds": 1, "refresh_seconds_min": 0.2, "unknown_key_seconds": 60}
    settings["worker"] = {"backoff_seconds_max": 0.5}


def logged(esito: Esito, *events: str) -> list[dict[str, Any]]:
    """Return the lines about these events that the verifier has logged, in order."""
    # Another process writes the file: its last line may still be half a line.
    whole = esito.log("verifier-wallet").rpartition("\n")[0]
    return [line for line in map(json.loads, whole.splitlines()) if line["event"] in events]


def refreshes(esito: Esito) -> list[dict[str, Any]]:
    """Return the lines about the key set."""
    return logged(esito, "keys.fetched", "keys.missed")


async def until(condition: Callable[[], bool], *, seconds_max: float = _SECONDS_MAX) -> None:
    """Return once the condition holds.

    Raises:
        TimeoutError: it did not for so long.
    """
    async with asyncio.timeout(seconds_max):
        while not condition():  # noqa: ASYNC110 - topics and logs set no event
            await asyncio.sleep(_POLL_SECONDS)


class Gateway:
    """The wallet's gateway, and our own side: they announce, sign, publish and call."""

    def __init__(self, esito: Esito, service: KeyService, listener: Listener) -> None:
        """Begin with the key that the installation was written with."""
        self._esito = esito
        self._service = service
        self._listener = listener
        self._publish = publisher(esito.configuration)
        self._cast: WalletCast = wallet_cast_of(scene_of(esito.configuration, "wallet"))
        self._rng = Random("key rotation")  # noqa: S311 - chance, no secret
        self._url = f"http://127.0.0.1:{esito.configuration.ingress.port}"
        self._key: TokenKey = self._cast.keys.gateway
        self._rotation = FIRST_KEY
        # SHA-256 of a body: how many verified records come of one copy of it.
        self.leads_to: dict[str, int] = {}

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Send callbacks steadily until the block ends; what was begun is finished."""
        stop = asyncio.Event()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            group.create_task(self._call(session, group, stop))
            yield
            stop.set()

    async def rotate(self, rotation: Rotation) -> None:
        """Change the key once: the new one beside the old, then the old one away."""
        old, new = self._key, named(ec_key())
        self._rotation = rotation.name
        self._service.manner = rotation.manner
        if rotation.missed:
            await until(lambda: rotation.missed in self._missed())
        if rotation.ahead:
            self._key = new
            await self.more(rotation.ahead)
        # Nothing is awaited between the two: the next callback is signed with the new key.
        self._publish(key_set([old, new]).decode())
        self._key = new
        await self.more(WITH_NEW_KEY)
        self._service.manner = Manner.WELL
        # A callback that is lost is for the test to report: nobody waits for it here.
        with suppress(TimeoutError):
            await until(lambda: self._listener.heard_of(new.kid) > 0, seconds_max=_PATIENCE_SECONDS)
            await until(lambda: self._listener.open_of(old.kid) == 0, seconds_max=_PATIENCE_SECONDS)
        before = self._sets_of_one()
        self._publish(key_set([new]).decode())
        await self.more(WITHOUT_OLD_KEY)
        await until(lambda: self._sets_of_one() > before)

    async def more(self, count: int) -> None:
        """Return once so many more callbacks were sent."""
        enough = len(self._listener.told) + count
        await until(lambda: len(self._listener.told) >= enough)

    async def _call(
        self, session: aiohttp.ClientSession, group: asyncio.TaskGroup, stop: asyncio.Event
    ) -> None:
        room = asyncio.Semaphore(_AT_ONCE_MAX)
        while not stop.is_set():
            await room.acquire()
            task = group.create_task(self._tell(session))
            task.add_done_callback(lambda _: room.release())
            await asyncio.sleep(1 / _CALLBACKS_PER_SECOND)

    async def _tell(self, session: aiohttp.ClientSession) -> None:
        """Announce one interaction, and call back about it."""
        begun = self._cast.begin(self._rng)
        announcement = self._cast.announcement(begun, ["7"], interaction=VERIFICATION)
        self.leads_to[_sha256(announcement)] = 1
        await self._post(session, announcement)
        presentation, _ = self._cast.presentation(self._rng)
        key = self._key
        token = self._cast.sign(self._cast.claims(self._rng, presentation), key)
        callback = self._cast.callback(begun, {"tokens": {"7": {"token": token, "status": DONE}}})
        self.leads_to[_sha256(callback)] = 2  # the statement, and the witness of its verification
        self._listener.told[begun.id] = Told(self._rotation, key.kid, time.monotonic())
        await self._post(session, callback)

    async def _post(self, session: aiohttp.ClientSession, callback: Callback) -> None:
        """Send it until it is taken: a busy machine may answer 503, and nothing is lost by that."""
        while True:
            async with session.post(
                self._url + callback.path, data=callback.body, headers=dict(callback.headers)
            ) as response:
                if response.status not in _BUSY:
                    assert response.status == callback.answer
                    return
            await asyncio.sleep(_POLL_SECONDS)

    def _missed(self) -> set[str]:
        return {line["reason"] for line in refreshes(self._esito) if "reason" in line}

    def _sets_of_one(self) -> int:
        return sum(line.get("count") == 1 for line in refreshes(self._esito))


def _sha256(callback: Callback) -> str:
    return hashlib.sha256(callback.body).hexdigest()
