"""Fetch a key set over HTTPS, trusting its server with nothing but its name.

The address is that of the configuration, never of a token. Even so the answer may be slow, huge, a
redirect to somewhere else, or come from an address that a resolver was made to give: each of these
ends the attempt under a word of its own.
"""

import asyncio
import socket
import ssl
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

import aiohttp
from aiohttp.typedefs import LooseHeaders

from runtime.bounded_body import bounded_body
from workers.verifier.jwk import JWKS_BYTES_MAX

FETCH_SECONDS_MAX: Final = 3  # a static file of a few kB; the next attempt is seconds away
_HEADERS: Final[LooseHeaders] = {
    "accept": "application/jwk-set+json, application/json",
    # What is sent packed could be a thousand times as long.
    "accept-encoding": "identity",
}
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # RFC 4291 §2.4: all that is assigned
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


class Outcome(StrEnum):
    """How one reading of a key set ended."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"
    STATUS = "status"
    NOT_A_KEY_SET = "not_a_key_set"
    ADDRESS_FORBIDDEN = "address_forbidden"


class Unreadable(Exception):
    """The key set could not be read this time."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep why."""
        super().__init__(outcome)
        self.outcome = outcome


async def fetch_jwks(uri: str, *, tls: ssl.SSLContext, allow_private_addresses: bool) -> bytes:
    """Return the body that the server at `uri` answers with 200, of JWKS_BYTES_MAX at most.

    Raises:
        Unreadable: it does not answer, or not so.
    """
    gate = _Gate(allow_private_addresses=allow_private_addresses)
    try:
        async with (
            asyncio.timeout(FETCH_SECONDS_MAX),
            _session(tls, gate) as session,
            session.get(uri, allow_redirects=False) as response,
        ):
            return await _body(response)
    except TimeoutError:
        raise Unreadable(Outcome.TIMED_OUT) from None
    # ValueError: a host that no resolver takes, a header that is no number.
    except (aiohttp.ClientError, OSError, ValueError):
        outcome = Outcome.ADDRESS_FORBIDDEN if gate.refused else Outcome.UNREACHABLE
        raise Unreadable(outcome) from None


def is_public(address: str) -> bool:
    """Tell whether an IP address, as a socket is given it, is one of the public internet."""
    ip = ip_address(address.partition("%")[0])
    if not isinstance(ip, IPv4Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is None and (ip.teredo or ip not in _GLOBAL_UNICAST):
            return False
        ip = inner or ip
    return ip.is_global and not ip.is_multicast


class _Gate:
    """Make the socket of each connection, after a look at the address it will really go to.

    A check of the host's name would not do: it may be an address, and a resolver may answer
    something else the second time.
    """

    def __init__(self, *, allow_private_addresses: bool) -> None:
        self._allow_private_addresses = allow_private_addresses
        self.refused = False

    def __call__(self, found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = found
        if not self._allow_private_addresses and not is_public(str(address[0])):
            self.refused = True
            raise PermissionError("not an address of the public internet")
        return socket.socket(family, kind, protocol)


def _session(tls: ssl.SSLContext, gate: _Gate) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls,
            socket_factory=gate,
            resolver=aiohttp.ThreadedResolver(),
            force_close=True,
            use_dns_cache=False,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,  # no proxy: it would connect where the gate does not look
        timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS_MAX),
    )


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if 300 <= response.status < 400:  # noqa: PLR2004 - RFC 9110 §15.4
        raise Unreadable(Outcome.REDIRECTED)
    if response.status != 200:  # noqa: PLR2004 - RFC 9110 §15.3.1
        raise Unreadable(Outcome.STATUS)
    body = await bounded_body(response, JWKS_BYTES_MAX)
    if body is None:
        raise Unreadable(Outcome.TOO_LARGE)
    return body
