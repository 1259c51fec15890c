"""Key sets over real HTTPS, from a server that rotates, stalls, lies, redirects, answers junk."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme

from contracts.errors import Broken, Rejected, Unavailable
from contracts.provider import VerifiedToken
from runtime.signature_configuration import TokenIssuer
from tests.integration.key_server import (
    Answer,
    Installation,
    chunked,
    drip,
    flood,
    half,
    hang,
    http,
)
from tests.jose import ISSUER, jwk_members, jwks, token
from workers.verifier.jwk import JWKS_BYTES_MAX
from workers.verifier.jwks_fetch import FETCH_SECONDS_MAX
from workers.verifier.jwks_source import JwksSource
from workers.verifier.tokens import verify_token

OLD, NEW = jwk_members("ES256"), jwk_members("ES256", 2)
KEYS = jwks(OLD)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    made = Installation(tmp_path)
    await made.server.open(made.tls)
    try:
        yield made
    finally:
        await made.server.close()


def now() -> datetime:
    return datetime.now(UTC)


def verified(source: JwksSource, issuer: TokenIssuer, text: str, at: datetime) -> VerifiedToken:
    return verify_token(text, {ISSUER: issuer}, source.key, at=at)


def fresh(number: int = 1) -> str:
    claims = {"iss": ISSUER, "verification_id": "v", "iat": int(now().timestamp())}
    return token(claims, number=number)


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


async def _until_verified(source: JwksSource, issuer: TokenIssuer, number: int) -> int:
    text, received_at = fresh(number), now()
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


BAD_ANSWERS: dict[str, tuple[bytes, str]] = {
    "server error": (http(KEYS, status="500 Internal Server Error"), "status"),
    "not found": (http(KEYS, status="404 Not Found"), "status"),
    "no content": (http(b"", status="204 No Content"), "status"),
    "partial": (http(KEYS, status="206 Partial Content"), "status"),
    "redirect": (http(b"", status="302 Found", location="/elsewhere"), "redirected"),
    "redirect to http": (
        http(b"", status="301 Moved Permanently", location="http://127.0.0.1/jwks.json"),
        "redirected",
    ),
    "redirect to metadata": (
        http(b"", status="307 Temporary Redirect", location="http://169.254.169.254/latest"),
        "redirected",
    ),
    "redirect to a file": (
        http(KEYS, status="308 Permanent Redirect", location="file:///etc/passwd"),
        "redirected",
    ),
    "html": (http(b"<html>Sign in</html>", content_type="text/html"), "not_a_key_set"),
    "nothing": (http(b""), "not_a_key_set"),
    "empty set": (http(b'{"keys":[]}'), "not_a_key_set"),
    "secrets": (http(jwks({**OLD, "d": "AAAA"})), "not_a_key_set"),
    "one kid twice": (http(jwks(OLD, {**NEW, "kid": OLD["kid"]})), "not_a_key_set"),
    "weak keys": (http(jwks({"kty": "RSA", "n": "AQAB", "e": "AQAB"})), "not_a_key_set"),
    "too many keys": (
        http(jwks(*[{**OLD, "kid": str(number)} for number in range(51)])),
        "not_a_key_set",
    ),
    "packed": (http(gzip.compress(KEYS), content_encoding="gzip"), "not_a_key_set"),
    "shorter than it says": (http(KEYS, length=len(KEYS) + 10), "unreachable"),
    "longer than it says": (http(KEYS, length=len(KEYS) - 10), "unreachable"),
    "says it is huge": (http(KEYS, length=10**12), "too_large"),
    "no length": (http(b"", length=-1) + b"x", "not_a_key_set"),
    "length that is none": (http(KEYS, length=-2), "unreachable"),
    "too large": (http(KEYS.ljust(JWKS_BYTES_MAX + 1)), "too_large"),
    "too large without a length": (http(KEYS.ljust(JWKS_BYTES_MAX + 1), length=-1), "too_large"),
    "too large in chunks": (chunked(KEYS.ljust(JWKS_BYTES_MAX + 1)), "too_large"),
    "chunk that is none": (chunked(KEYS).replace(b"\r\n\r\n", b"\r\n\r\nzz", 1), "unreachable"),
    "no http": (b"220 mail.example.org ESMTP\r\n", "unreachable"),
    "noise": (bytes(range(256)) * 8, "unreachable"),
    "end": (b"", "unreachable"),
    "endless header": (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1_000_000, "unreachable"),
}


@pytest.mark.parametrize(("answer", "expected"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_bad_answer_has_its_word_and_the_old_set_stays(
    place: Installation, answer: bytes, expected: str
) -> None:
    place.server.publish(OLD)
    issuer = place.issuer()

    async with place.reading(issuer) as source:
        await place.outcome()
        place.server.answer = answer
        with pytest.raises(Unavailable):
            source.key(issuer, "ES256-2", "ES256", now())
        assert await place.outcome() == (expected, 1)
        assert source.key(issuer, "ES256-1", "ES256", now())
        place.server.publish(OLD, NEW)
        while await place.outcome() != ("fetched", 2):
            pass

    assert {line.split(b" ")[1] for line in place.server.requests} == {b"/jwks.json"}


@pytest.mark.parametrize("answer", [http(KEYS.ljust(JWKS_BYTES_MAX)), chunked(KEYS)])
async def test_good_answer_of_another_form_is_taken(place: Installation, answer: bytes) -> None:
    place.server.answer = answer

    async with place.reading(place.issuer()):
        assert await place.outcome() == ("fetched", 1)


@pytest.mark.parametrize(
    ("act", "expected"),
    [(hang, "timed_out"), (half, "timed_out"), (drip, "timed_out"), (flood, "too_large")],
)
async def test_server_that_never_ends_is_left(
    place: Installation, act: Answer, expected: str
) -> None:
    place.server.act = act
    began = asyncio.get_running_loop().time()

    async with place.reading(place.issuer()):
        assert await place.outcome() == (expected, 0)

    assert asyncio.get_running_loop().time() - began < FETCH_SECONDS_MAX + 1.5


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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001"])
async def test_private_address_is_forbidden_unless_configured(
    place: Installation, host: str
) -> None:
    """By its number, by a name, and by the ways to write it that a filter of names forgets."""
    place.server.publish(OLD)
    uri = f"https://{host}:{place.server.port}/jwks.json"

    async with place.reading(place.issuer(jwks_uri=uri, allow_private_addresses=False)):
        assert await place.outcome() == ("address_forbidden", 0)

    assert place.server.requests == []


async def test_name_of_a_private_address_is_taken_where_configured(place: Installation) -> None:
    place.server.publish(OLD)

    async with place.reading(place.issuer(jwks_uri=_uri(place, "/", host="localhost"))):
        assert await place.outcome() == ("fetched", 1)


async def test_server_of_another_authority_is_unreachable(
    place: Installation, tmp_path: Path
) -> None:
    place.server.publish(OLD)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)

    async with place.reading(place.issuer(jwks_ca_file=other), place.issuer(jwks_ca_file=None)):
        assert await place.outcome() == ("unreachable", 0)
        assert await place.outcome() == ("unreachable", 0)

    assert place.server.requests == []


async def test_proxy_of_the_environment_is_not_used(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    place.server.publish(OLD)

    async with place.reading(place.issuer()):
        assert await place.outcome() == ("fetched", 1)


async def test_host_that_no_resolver_takes_is_unreachable(place: Installation) -> None:
    issuers = [
        place.issuer(jwks_uri=f"https://{host}/jwks.json")
        for host in (
            "x" * 70 + ".invalid",
            "..",
            "a..b",
            "[::1",
            "127.0.0.1:99999",
            "%00",
            "é\ud7ff",
        )
    ]

    async with place.reading(*issuers):
        outcomes = {await place.outcome() for _ in issuers}

    assert outcomes == {("unreachable", 0)}


async def test_reading_ends_with_the_source(place: Installation) -> None:
    place.server.act = hang

    async with place.reading(place.issuer()):
        await place.server.asked.wait()

    assert place.outcomes.empty()


async def test_file_is_read_at_once_and_again_when_it_changes(
    place: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(KEYS)
    issuer = _from_file(place, file, refresh_seconds=0.1)

    async with place.reading(issuer) as source:
        assert source.key(issuer, "ES256-1", "ES256", now())
        assert await place.outcome() == ("unchanged", 1)
        file.write_bytes(jwks(OLD, NEW))
        while await place.outcome() != ("fetched", 2):
            pass
        file.write_bytes(b'{"keys":')
        while await place.outcome() != ("not_a_key_set", 2):
            pass
        file.unlink()
        while await place.outcome() != ("unreachable", 2):
            pass

        assert source.key(issuer, "ES256-2", "ES256", now())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, r"keys.json: cannot be read \(No such file"),
        (b"", r"keys.json: not a key set \(not JSON"),
        (b'{"keys":[]}', r"keys.json: not a key set \(keys: none that verifies"),
        (KEYS.ljust(JWKS_BYTES_MAX + 1), r"keys.json: not a key set \(more than"),
    ],
)
def test_file_that_is_no_key_set_ends_the_start(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Broken, match=reason):
        JwksSource([_issuer_of(file)], lambda *_: None)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authority_file_that_is_none_ends_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    issuer = TokenIssuer(issuer=ISSUER, jwks_uri="https://example.org/k", jwks_ca_file=file)

    with pytest.raises(Broken, match=r"ca.pem: cannot be used as jwks_ca_file"):
        JwksSource([issuer], lambda *_: None)


def _issuer_of(file: Path) -> TokenIssuer:
    return TokenIssuer(issuer=ISSUER, jwks_file=file)


def _from_file(place: Installation, file: Path, **settings: Any) -> TokenIssuer:  # noqa: ANN401 - settings of any type
    return place.issuer(jwks_uri=None, jwks_ca_file=None, jwks_file=file, **settings)


def _uri(place: Installation, path: str, *, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{place.server.port}{path}"
