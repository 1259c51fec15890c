"""TLS with client certificates: only a caller with a certificate of our CA gets as far as HTTP.

Unless an endpoint demands a certificate and another does not: then each asks for itself.
"""

import asyncio
import base64
import hashlib
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import trustme
from aiokafka import ConsumerRecord

from tests.integration.callers import (
    ANSWER_SECONDS_MAX,
    PIVOT,
    Answer,
    Fields,
    connected,
    request,
)
from tests.integration.ingress import Ingress, pivot_endpoint, running

SRTP: Final = {
    "name": "srtp",
    "provider": "srtp",
    "path": "/srtp",
    "client_certificate": {"seen_by": "esito"},
}
# What only an edge may set means nothing where there is none.
FORGED: Final = ("X-Client-Certificate", "forged")


@pytest.fixture(scope="module")
def server_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def client_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_ingress(
    make_ingress: Callable[..., Ingress],
    server_ca: trustme.CA,
    client_ca: trustme.CA,
    tmp_path: Path,
) -> Ingress:
    server = server_ca.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    client_ca.cert_pem.write_to_path(tmp_path / "client-ca.pem")
    files = {
        "certificate_file": "server.pem",
        "key_file": "server.pem",
        "client_ca_file": "client-ca.pem",
    }
    return make_ingress(tls=files)


async def test_tls_caller_with_our_certificate_is_served(
    tls_ingress: Ingress, server_ca: trustme.CA, client_ca: trustme.CA
) -> None:
    async with running(tls_ingress) as ingress:
        answer = await tls_call(ingress, context(server_ca, client_ca))
        body = (await ingress.bodies())[0]

    assert (answer.status, body) == (200, b"{}")


@pytest.mark.parametrize("with_certificate", [False, True], ids=["none", "of-another-ca"])
async def test_tls_caller_without_our_certificate_gets_no_answer(
    tls_ingress: Ingress, server_ca: trustme.CA, *, with_certificate: bool
) -> None:
    other = context(server_ca, trustme.CA() if with_certificate else None)

    async with running(tls_ingress) as ingress:
        with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
            await tls_call(ingress, other)
        stored = await ingress.bodies()

    assert stored == []


@pytest.fixture
def mixed_ingress(tls_ingress: Ingress) -> Ingress:
    """Return one with an endpoint that demands a certificate beside one that does not."""
    tls_ingress.settings["endpoints"] = [pivot_endpoint(), SRTP]
    return tls_ingress


async def test_certificate_of_the_handshake_is_stored(
    mixed_ingress: Ingress, server_ca: trustme.CA, client_ca: trustme.CA
) -> None:
    mine = client_ca.issue_cert("caller@example.org")
    der = ssl.PEM_cert_to_DER_cert(mine.cert_chain_pems[0].bytes().decode())

    async with running(mixed_ingress) as ingress:
        answers = [
            await tls_call(ingress, presenting(server_ca, mine), "/srtp", fields=[FORGED])
            for _ in range(2)
        ]
        records = await ingress.stored("srtp")

    assert [answer.status for answer in answers] == [200, 200]
    assert len(records) == 2
    for headers in map(dict, (record.headers for record in records)):
        fingerprint = hashlib.sha256(der).hexdigest().encode()
        assert headers["esito-client-certificate"] == base64.b64encode(der)
        assert headers["esito-principal"] == b"client_certificate:" + fingerprint


async def test_caller_without_a_certificate_is_refused_by_the_endpoint_alone(
    mixed_ingress: Ingress, server_ca: trustme.CA
) -> None:
    async with running(mixed_ingress) as ingress:
        refused = await tls_call(ingress, context(server_ca, None), "/srtp", fields=[FORGED])
        accepted = await tls_call(ingress, context(server_ca, None))
        stored = await ingress.stored("srtp")
        count = ingress.refused("credentials_missing", endpoint="srtp")
        (record,) = await ingress.stored()

    assert (refused.status, accepted.status, count, stored) == (403, 200, 1, [])
    assert "esito-client-certificate" not in headers_of(record)


async def test_certificate_of_another_ca_gets_no_answer_where_one_is_optional(
    mixed_ingress: Ingress, server_ca: trustme.CA
) -> None:
    async with running(mixed_ingress) as ingress:
        for path in ("/srtp", "/callbacks/pivot"):
            with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
                await tls_call(ingress, context(server_ca, trustme.CA()), path)


async def test_resumed_session_keeps_its_certificate(
    mixed_ingress: Ingress, server_ca: trustme.CA, client_ca: trustme.CA
) -> None:
    """TLS 1.2 and 1.3: the ticket of a session names the caller; it must be no other's."""
    async with running(mixed_ingress) as ingress:
        statuses = []
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            mine = context(server_ca, client_ca)
            mine.maximum_version = version
            first, session, _ = await asyncio.to_thread(blocking_call, ingress.port, mine, None)
            again, _, is_reused = await asyncio.to_thread(
                blocking_call, ingress.port, mine, session
            )
            statuses.append((first, again, is_reused))
        principals = {headers_of(one)["esito-principal"] for one in await ingress.stored("srtp")}

    assert statuses == [(200, 200, True)] * 2
    assert len(principals) == 2  # one for each of the two certificates


async def test_tls_old_version_is_refused(
    tls_ingress: Ingress, server_ca: trustme.CA, client_ca: trustme.CA
) -> None:
    old = context(server_ca, client_ca)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    async with running(tls_ingress) as ingress:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await tls_call(ingress, old)


async def test_plain_http_on_the_tls_port_gets_no_answer(tls_ingress: Ingress) -> None:
    async with running(tls_ingress) as ingress, connected(ingress.port) as caller:
        caller.send(request())
        rest = await caller.rest()

    assert not rest.startswith(b"HTTP")


async def test_tls_file_that_is_none_ends_with_a_message(tls_ingress: Ingress) -> None:
    (tls_ingress.directory / "server.pem").write_text("no certificate")
    tls_ingress.launch()
    assert tls_ingress.process is not None

    code = await tls_ingress.process.ended()

    assert code == 2
    assert "ingress.tls" in tls_ingress.log_text()


def headers_of(record: ConsumerRecord) -> dict[str, bytes]:
    return dict(record.headers)


def blocking_call(
    port: int, tls: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[int, ssl.SSLSession | None, bool]:
    """Send a callback within `session`; return status, session, and whether it was resumed.

    asyncio can resume no session.
    """
    with (
        socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX) as plain,
        tls.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as wrapped,
    ):
        wrapped.sendall(request("/srtp", body=secrets.token_bytes(8)))
        head = wrapped.recv(4_096)
        return int(head.split(b" ")[1]), wrapped.session, bool(wrapped.session_reused)


def presenting(server_ca: trustme.CA, certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a client's context with this certificate."""
    made = context(server_ca, None)
    certificate.configure_cert(made)
    return made


def context(server_ca: trustme.CA, client_ca: trustme.CA | None) -> ssl.SSLContext:
    """Return a client's context, with a certificate of `client_ca` if there is one."""
    made = ssl.create_default_context()
    server_ca.configure_trust(made)
    if client_ca is not None:
        client_ca.issue_cert("caller@example.org").configure_cert(made)
    return made


async def tls_call(
    ingress: Ingress, tls: ssl.SSLContext, path: str = PIVOT, *, fields: Fields = ()
) -> Answer:
    async with connected(ingress.port, tls=tls) as caller:
        caller.send(request(path, fields=fields))
        return await caller.answer()
