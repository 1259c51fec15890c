"""Publish the wallet gateway's key set over HTTPS, as the gateway would.

What is served is the file as it is at that moment, so keys rotate by writing the file, from this
process or another one.
"""

import asyncio
import errno
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.token_configuration import TokenIssuer
from simulator.sender import OnCue
from simulator.wallet.files import KEY_SET, publish

_MEDIA_TYPE: Final = "application/jwk-set+json"  # RFC 7517 section 8.5.2
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_CLOSE_SECONDS: Final = 1.0


class Manner(StrEnum):
    """How the server answers: with the key set, not at all, or with 500."""

    WELL = "well"
    STALLED = "stalled"
    FAILING = "failing"


@dataclass(slots=True)
class KeyService:
    """How key sets are served from now on, and how often they were asked for in each manner."""

    manner: Manner = Manner.WELL
    asked: Counter[Manner] = field(default_factory=Counter)


@asynccontextmanager
async def key_sets_served(
    configuration: Configuration, service: KeyService | None = None
) -> AsyncIterator[None]:
    """Serve the key set of every local token issuer of the configuration, unless one is served.

    Who keeps the `service` may change how it answers.

    Raises:
        Broken: an issuer's port, or the certificate to serve with, cannot be used.
    """
    runners = []
    try:
        for issuer, directory in _local_issuers(configuration):
            runner = await _serve(issuer, directory, service or KeyService())
            if runner is not None:
                runners.append(runner)
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


def can_publish(configuration: Configuration) -> bool:
    """Tell whether an issuer's key set is served from this machine, so that its keys may change."""
    return bool(_local_issuers(configuration))


def publisher(configuration: Configuration) -> OnCue:
    """Return what publishes a key set that it is given, for the local issuer there is."""
    for _, directory in _local_issuers(configuration):
        return partial(publish, directory)
    return lambda _: None


def _local_issuers(configuration: Configuration) -> list[tuple[TokenIssuer, Path]]:
    """Return the issuers that we play, and where their keys lie: beside the credential issuer's."""
    found = {}
    for endpoint in configuration.endpoints:
        files = endpoint.tokens.presentations.issuer_jwks_files if endpoint.tokens else {}
        for issuer in endpoint.tokens.issuers if endpoint.tokens else ():
            host = urlsplit(issuer.jwks_uri or "").hostname
            for file in list(files.values())[:1]:
                if host in _LOCAL_HOSTS and issuer.jwks_ca_file is not None:
                    found[issuer.jwks_uri] = (issuer, file.parent)
    return list(found.values())


async def _serve(issuer: TokenIssuer, directory: Path, service: KeyService) -> web.AppRunner | None:
    split = urlsplit(issuer.jwks_uri or "")
    application = web.Application()
    application.router.add_get(split.path, partial(_answer, directory / KEY_SET, service))
    # A stalled answer must end with its caller, and with us.
    runner = web.AppRunner(
        application, access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_SECONDS
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, split.hostname, split.port or 443, ssl_context=_context(issuer))
        await site.start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            return None  # another process of the same installation publishes it
        raise Broken(f"{issuer.jwks_uri}: cannot be served ({error.strerror})") from None
    return runner


def _context(issuer: TokenIssuer) -> ssl.SSLContext:
    """Return a server's context with the certificate that `esito pki` writes for 127.0.0.1."""
    if issuer.jwks_ca_file is None:
        raise Broken(f"issuer {issuer.issuer}: no jwks_ca_file, so we have no certificate to serve")
    identities = issuer.jwks_ca_file.parent.parent / "identities"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identities / "server.pem", identities / "server.key")
    return context


async def _answer(file: Path, service: KeyService, _: web.Request) -> web.StreamResponse:
    service.asked[service.manner] += 1
    match service.manner:
        case Manner.STALLED:
            await asyncio.Event().wait()
        case Manner.FAILING:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        case Manner.WELL:
            pass
    return web.FileResponse(file, headers={"Content-Type": _MEDIA_TYPE})
