"""TLS with client certificates: only a caller with a certificate of our CA gets as far as HTTP."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.integration.callers import Answer, connected, request
from tests.integration.ingress import Ingress, running


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


def context(server_ca: trustme.CA, client_ca: trustme.CA | None) -> ssl.SSLContext:
    """Return a client's context, with a certificate of `client_ca` if there is one."""
    made = ssl.create_default_context()
    server_ca.configure_trust(made)
    if client_ca is not None:
        client_ca.issue_cert("caller@example.org").configure_cert(made)
    return made


async def tls_call(ingress: Ingress, tls: ssl.SSLContext) -> Answer:
    async with connected(ingress.port, tls=tls) as caller:
        caller.send(request())
        return await caller.answer()
