"""Keep the key sets of token issuers at hand: read at the start, again in time, and when asked.

A set that cannot be read again stays in use until it is too old: a server that is away for an hour
costs nobody a callback. A server is never asked more often than `refresh_seconds_min`, whatever
tokens name.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from contracts.errors import Broken, Rejected, Unavailable
from runtime.token_configuration import TokenIssuer
from workers.verifier.issuer_keys import IssuerKeys, Signer, the_only
from workers.verifier.jwk import JWKS_BYTES_MAX, Jwk, parse_jwks
from workers.verifier.jwks_fetch import Outcome, Unreadable, fetch_jwks

OnRefresh = Callable[[str, str, int], None]


@dataclass(frozen=True, slots=True)
class _Watched:
    keys: IssuerKeys
    read: Callable[[], Awaitable[bytes]]
    wanted: asyncio.Event = field(default_factory=asyncio.Event)


class JwksSource:
    """The key sets of a set of issuers, as last read; `key` is a dictionary lookup."""

    def __init__(self, issuers: Iterable[TokenIssuer], on_refresh: OnRefresh) -> None:
        """Read every file once; servers are asked when `run` does.

        `on_refresh(issuer, outcome, keys)` hears of every reading how it ended (see Outcome) and
        how many keys there are now.

        Raises:
            Broken: a file cannot be read, or is no key set or no certificate.
        """
        self._on_refresh = on_refresh
        self._watched = {issuer: _watched(issuer) for issuer in issuers}

    def key(
        self,
        issuer: TokenIssuer,
        kid: str | None,
        alg: str,
        received_at: datetime,
        signer: Signer = the_only,
    ) -> Jwk:
        """Return the issuer's key of this `kid`; without one, the `signer` among those of `alg`.

        Call it in the thread of the loop that runs `run`: what is not there is asked for.

        Raises:
            Unavailable: no set is there, or it is too old, or the key may still come.
            Rejected: `token_key_unknown`.
        """
        watched = self._watched[issuer]
        try:
            return watched.keys.key(
                kid, alg, received_at=received_at, now=datetime.now(UTC), signer=signer
            )
        except (Unavailable, Rejected):
            watched.wanted.set()
            raise

    def usable_until(self, issuer: TokenIssuer) -> datetime | None:
        """Return when the issuer's set, not read anew, is too old; None: it was never read."""
        return self._watched[issuer].keys.usable_until

    async def run(self) -> None:
        """Read every set again and again until cancelled."""
        async with asyncio.TaskGroup() as readings:
            for issuer, watched in self._watched.items():
                readings.create_task(self._keep(issuer, watched))

    async def _keep(self, issuer: TokenIssuer, watched: _Watched) -> None:
        while True:
            outcome = await self._refresh(issuer, watched)
            # Who asked meanwhile, and still misses a key, comes back and asks again.
            watched.wanted.clear()
            await asyncio.sleep(issuer.refresh_seconds_min)
            if outcome in {Outcome.FETCHED, Outcome.UNCHANGED}:
                rest = issuer.refresh_seconds - issuer.refresh_seconds_min
                with suppress(TimeoutError):
                    await asyncio.wait_for(watched.wanted.wait(), max(rest, 0))

    async def _refresh(self, issuer: TokenIssuer, watched: _Watched) -> Outcome:
        began = datetime.now(UTC)
        try:
            keys = parse_jwks(await watched.read())
        except Unreadable as error:
            outcome = error.outcome
        except ValueError:
            outcome = Outcome.NOT_A_KEY_SET
        else:
            changed = watched.keys.take(keys, read_at=began)
            outcome = Outcome.FETCHED if changed else Outcome.UNCHANGED
        watched.keys.tried(began=began)
        self._on_refresh(issuer.issuer, outcome, len(watched.keys))
        return outcome


def _watched(issuer: TokenIssuer) -> _Watched:
    keys = IssuerKeys(issuer)
    if issuer.jwks_file is not None:
        began = datetime.now(UTC)
        keys.take(_keys_of(issuer.jwks_file), read_at=began)
        return _Watched(keys, partial(_read_again, issuer.jwks_file))
    return _Watched(
        keys,
        partial(
            fetch_jwks,
            str(issuer.jwks_uri),
            tls=_tls(issuer.jwks_ca_file),
            allow_private_addresses=issuer.allow_private_addresses,
        ),
    )


def _keys_of(file: Path) -> tuple[Jwk, ...]:
    try:
        return parse_jwks(_contents(file))
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise Broken(f"{file}: not a key set ({error})") from None


async def _read_again(file: Path) -> bytes:
    try:
        return _contents(file)
    except OSError:
        raise Unreadable(Outcome.UNREACHABLE) from None


def _contents(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(JWKS_BYTES_MAX + 1)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or "not certificates in PEM"
        raise Broken(f"{ca_file}: cannot be used as jwks_ca_file ({reason})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
