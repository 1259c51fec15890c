"""Ask what the processes need beside Kafka: PostgreSQL, the object store, the key sets of issuers.

The object store is tried with a small file of ours, which is removed; elsewhere nothing is written.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.errors import Broken, EsitoError
from ops.doctor.finding import Finding, bad, doubtful, good
from ops.local.processes import programs_of
from runtime.configuration import Configuration
from runtime.database import own_connection, translated_errors
from runtime.object_store import ObjectStore
from workers.verifier.jwks_fetch import FETCH_SECONDS_MAX, Outcome
from workers.verifier.jwks_source import JwksSource

CLOCKS_APART_MAX: Final = timedelta(seconds=2)
_STORE_SECONDS_MAX: Final = 10.0
# What to do about a key set that was not read, by how the reading ended.
_KEY_SET_FIXES: Final = {
    Outcome.UNREACHABLE: "look at jwks_uri, the egress policy and jwks_ca_file",
    Outcome.TIMED_OUT: "the server must answer within 3 s; look at it and at the egress policy",
    Outcome.REDIRECTED: "write the address it redirects to as jwks_uri, if it is the issuer's",
    Outcome.ADDRESS_FORBIDDEN: "a private address; allow_private_addresses: true, if it is right",
    Outcome.NOT_A_KEY_SET: "jwks_uri must name the key set itself (RFC 7517 §5)",
}

Findings = AsyncGenerator[Finding]


async def service_findings(configuration: Configuration) -> Findings:
    """Yield what was found of every service that the configuration's processes need."""
    names = {program.name for program in programs_of(configuration)}
    checks: list[Callable[[Configuration], Findings]] = []
    if names & {"intake", "streams"}:
        checks.append(_database)
    if "intake" in names:
        checks.append(_object_store)
    checks.append(_key_sets)
    for check in checks:
        async for finding in check(configuration):
            yield finding


async def _database(configuration: Configuration) -> Findings:
    try:
        async with own_connection(configuration, application="esito-doctor") as connection:
            with translated_errors(configuration.database):
                now = await connection.fetchval("SELECT clock_timestamp()")
                version = await connection.fetchval("SHOW server_version")
    except EsitoError as error:
        yield bad("database", str(error), "see database: in docs/CONFIGURATION.md")
        return
    yield good("database", f"PostgreSQL {version} answers")
    yield clock_finding("the database", now)


def clock_finding(whose: str, there: datetime) -> Finding:
    """Return how far a clock is from this machine's."""
    apart = there - datetime.now(UTC)
    if abs(apart) <= CLOCKS_APART_MAX:
        return good("clocks", f"{whose} and this machine agree within 2 s")
    word = "ahead of" if apart > timedelta() else "behind"
    said = f"{whose} is {abs(apart).total_seconds():.0f} s {word} this machine"
    return doubtful("clocks", said, "synchronise the clocks (NTP) of all machines")


async def _object_store(configuration: Configuration) -> Findings:
    try:
        async with asyncio.timeout(_STORE_SECONDS_MAX):
            await ObjectStore(configuration.object_store).check()
    except (EsitoError, TimeoutError) as error:
        said = str(error) or f"{configuration.object_store.url} does not answer within 10 s"
        yield bad("object store", said, "see object_store: in docs/CONFIGURATION.md")
        return
    said = f"{configuration.object_store.url}: a file was written, read and removed"
    yield good("object store", said)


async def _key_sets(configuration: Configuration) -> Findings:
    """Read each issuer's key set as the verifier does."""
    for endpoint in configuration.endpoints:
        for issuer in endpoint.tokens.issuers if endpoint.tokens else ():
            heard: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

            def hear(
                _: str, outcome: str, keys: int, heard: asyncio.Future[tuple[str, int]] = heard
            ) -> None:
                if not heard.done():
                    heard.set_result((outcome, keys))

            try:
                reading = asyncio.create_task(JwksSource([issuer], hear).run())
            except Broken:
                continue  # a fault of the configuration already
            try:
                outcome, keys = await asyncio.wait_for(heard, 2 * FETCH_SECONDS_MAX)
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading
            yield _key_set_finding(f"key set of {issuer.issuer}", outcome, keys)


def _key_set_finding(subject: str, outcome: str, keys: int) -> Finding:
    if outcome in {Outcome.FETCHED, Outcome.UNCHANGED}:
        return good(subject, f"{keys} keys")
    fix = _KEY_SET_FIXES.get(Outcome(outcome), "ask the issuer; look at it with curl")
    return bad(subject, f"cannot be read: {outcome}", fix)
