"""Key sets from a server that stalls, lies, redirects, answers junk, or is somewhere else."""

import asyncio
import gzip
from pathlib import Path

import pytest
import trustme

from contracts.errors import Unavailable
from tests.integration.key_server import (
    KEYS,
    NEW,
    OLD,
    Answer,
    Installation,
    chunked,
    drip,
    flood,
    half,
    hang,
    http,
    now,
)
from tests.jose import jwks
from workers.verifier.jwk import JWKS_BYTES_MAX
from workers.verifier.jwks_fetch import FETCH_SECONDS_MAX

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


def _uri(place: Installation, path: str, *, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{place.server.port}{path}"
