"""Key sets over real HTTPS: read in time, read when asked, used while their server is away."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from contracts.errors import Rejected, Unavailable
from contracts.provider import VerifiedToken
from runtime.token_configuration import TokenIssuer
from tests.integration.key_server import NEW, OLD, Installation, hang, now
from tests.jose import ISSUER, token
from workers.verifier.jwks_source import JwksSource
from workers.verifier.tokens import verify_token


def verified(source: JwksSource, issuer: TokenIssuer, text: str, at: datetime) -> VerifiedToken:
    return verify_token(text, {ISSUER: issuer}, source.key, at=at)


def fresh(number: int = 1, **header: str | None) -> str:
    claims = {"iss": ISSUER, "verification_id": "v", "iat": int(now().timestamp())}
    return token(claims, number=number, header=header)


async def test_set_is_read_at_the_start(place: Installation) -> None:
    place.server.publish(OLD, NEW)
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        with pytest.raises(Unavailable):
            source.key(issuer, "ES256-1", "ES256", now())
        assert await place.outcome() == ("fetched", 2)
        assert source.key(issuer, "ES256-2", "ES256", now()).kid == "ES256-2"

    assert place.server.requests[0].startswith(b"GET /jwks.json HTTP/1.1\r\n")
    assert b"accept-encoding: identity" in place.server.requests[0].lower()


async def test_set_is_read_again_in_time(place: Installation) -> None:
    place.server.publish(OLD)

    async with place.reading(place.issuer(refresh_seconds=0.1)):
        outcomes = [await place.outcome() for _ in range(3)]
        place.server.publish(OLD, NEW)
        while outcomes[-1] != ("fetched", 2):
            outcomes.append(await place.outcome())

    assert outcomes[:3] == [("fetched", 1), ("unchanged", 1), ("unchanged", 1)]


async def test_server_that_is_away_at_the_start_is_waited_for(place: Installation) -> None:
    await place.server.close()
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        assert await place.outcome() == ("unreachable", 0)
        with pytest.raises(Unavailable, match="has not been read yet"):
            source.key(issuer, "ES256-1", "ES256", now())
        place.server.publish(OLD)
        await place.server.open(place.tls)
        while await place.outcome() != ("fetched", 1):
            pass

        assert source.key(issuer, "ES256-1", "ES256", now())


async def test_rotation_loses_no_callback(place: Installation) -> None:
    """A worker under load: each callback is read again until its token is verified."""
    place.server.publish(OLD)
    issuer = place.issuer(refresh_seconds_min=0.3)
    waits: list[int] = []

    async with place.reading(issuer) as source:
        await place.outcome()
        for number in range(300):
            if number == 100:
                place.server.publish(OLD, NEW)
            waits.append(await _until_verified(source, issuer, 1 if number < 100 else 2))

    # The first token of the new key waited; no other did, and none was rejected.
    assert sum(1 for wait in waits if wait) == 1
    assert waits[100] > 0
    assert len(place.server.requests) == 2


@pytest.mark.parametrize("changed", [(OLD, NEW), (NEW,)])
async def test_rotation_of_keys_that_no_token_names_loses_no_callback(
    place: Installation, changed: tuple[dict[str, Any], ...]
) -> None:
    place.server.publish(OLD)
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        await place.outcome()
        assert await _until_verified(source, issuer, 1, kid=None) == 0
        place.server.publish(*changed)
        assert await _until_verified(source, issuer, 2, kid=None) > 0
        assert await _until_verified(source, issuer, 2, kid=None) == 0
        if OLD in changed:
            assert await _until_verified(source, issuer, 1, kid=None) == 0


async def test_key_that_is_published_late_loses_no_callback(place: Installation) -> None:
    place.server.publish(OLD)
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        await place.outcome()
        waiting = asyncio.create_task(_until_verified(source, issuer, 2))
        for _ in range(3):
            assert await place.outcome() == ("unchanged", 1)
        place.server.publish(NEW)

        assert await waiting > 0


async def _until_verified(
    source: JwksSource, issuer: TokenIssuer, number: int, **header: str | None
) -> int:
    text, received_at = fresh(number, **header), now()
    for wait in range(10_000):
        try:
            assert verified(source, issuer, text, received_at).key_id == f"ES256-{number}"
        except Unavailable:
            await asyncio.sleep(0.005)
        else:
            return wait
    raise AssertionError("never verified")


async def test_unknown_kid_is_asked_for_once_and_then_rejected(place: Installation) -> None:
    place.server.publish(OLD)
    issuer = place.issuer(refresh_seconds_min=0.4, unknown_key_seconds=0.2)
    received_at = now()

    async with place.reading(issuer) as source:
        await place.outcome()
        with pytest.raises(Unavailable):
            source.key(issuer, "nobody", "ES256", received_at)
        await place.outcome()
        with pytest.raises(Rejected, match="token_key_unknown"):
            source.key(issuer, "nobody", "ES256", received_at)

    assert len(place.server.requests) == 2


async def test_unknown_kid_is_rejected_though_the_server_stays_away(place: Installation) -> None:
    place.server.publish(OLD)
    issuer = place.issuer(unknown_key_seconds=0.3)

    async with place.reading(issuer) as source:
        await place.outcome()
        await place.server.close()
        received_at = now()
        with pytest.raises(Unavailable):
            source.key(issuer, "nobody", "ES256", received_at)
        with pytest.raises(Rejected, match="waited for in vain"):
            await _until_answered(place, source, issuer, received_at)


async def _until_answered(
    place: Installation, source: JwksSource, issuer: TokenIssuer, received_at: datetime
) -> None:
    while await place.outcome() == ("unreachable", 1):
        with suppress(Unavailable):
            source.key(issuer, "nobody", "ES256", received_at)


async def test_set_that_was_asked_for_is_read_once(place: Installation) -> None:
    place.server.publish(OLD)
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        await place.outcome()
        with pytest.raises(Unavailable):
            source.key(issuer, "nobody", "ES256", now())
        await place.outcome()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(place.outcomes.get(), 0.5)


async def test_callback_from_before_the_set_was_read_is_rejected_at_once(
    place: Installation,
) -> None:
    place.server.publish(OLD)
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        await place.outcome()

        with pytest.raises(Rejected, match="token_key_unknown"):
            source.key(issuer, "nobody", "ES256", now() - timedelta(seconds=31))


async def test_server_is_never_asked_more_often_than_configured(place: Installation) -> None:
    place.server.publish(OLD)
    issuer = place.issuer(refresh_seconds_min=0.2)

    async with place.reading(issuer) as source:
        await place.outcome()
        for number in range(200):
            with pytest.raises((Unavailable, Rejected)):
                source.key(issuer, f"made-up-{number}", "ES256", now())
            await asyncio.sleep(0.005)

    assert len(place.server.times) >= 3
    assert min(after - before for before, after in pairwise(place.server.times)) >= 0.2


async def test_two_issuers_are_read_side_by_side(place: Installation) -> None:
    place.server.publish(OLD)
    slow = place.issuer(issuer="https://slow.example.org", jwks_uri=_uri(place, "/slow"))
    issuer = place.issuer()

    async with place.reading(slow, issuer) as source:
        assert await place.outcome() == ("fetched", 1)
        assert await place.outcome() == ("fetched", 1)
        assert source.key(slow, "ES256-1", "ES256", now())
        assert source.key(issuer, "ES256-1", "ES256", now())


async def test_old_set_is_used_while_the_server_is_away_and_not_for_ever(
    place: Installation,
) -> None:
    place.server.publish(OLD)
    issuer = place.issuer(stale_seconds_max=1, refresh_seconds=0.1)

    async with place.reading(issuer) as source:
        await place.outcome()
        await place.server.close()
        while (await place.outcome())[0] != "unreachable":
            pass
        assert source.key(issuer, "ES256-1", "ES256", now())
        async with asyncio.timeout(10):
            while not await _is_away(place, source, issuer):
                pass


async def _is_away(place: Installation, source: JwksSource, issuer: TokenIssuer) -> bool:
    await place.outcome()
    try:
        source.key(issuer, "ES256-1", "ES256", now())
    except Unavailable as error:
        return "too old" in str(error)
    return False


async def test_reading_ends_with_the_source(place: Installation) -> None:
    place.server.act = hang

    async with place.reading(place.issuer()):
        await place.server.asked.wait()

    assert place.outcomes.empty()


def _uri(place: Installation, path: str, *, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{place.server.port}{path}"
