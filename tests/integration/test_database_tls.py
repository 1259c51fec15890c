"""What `sslmode` and `sslrootcert` in database.url demand, of a server that only shakes hands.

PostgreSQL's own handshake comes after eight bytes in the clear: SSLRequest, answered by S or N
(PostgreSQL's documentation, 54.2.11).
"""

import asyncio
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.errors import Unavailable
from runtime.configuration import Configuration
from runtime.database import connect
from tests.certificates import ISSUING, YEAR, Issued, issue, pem

ADDRESS = "127.0.0.1"
SSL_REQUEST_BYTES = 8


class Server:
    """Says whether a client went through with the handshake."""

    def __init__(self, own: Issued | None, folder: Path) -> None:
        """Have the certificate `own`, or none."""
        self.heard: list[bool] = []
        self._context = _context(own, folder) if own else None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Shake hands with one client, and hang up."""
        await reader.readexactly(SSL_REQUEST_BYTES)
        writer.write(b"S" if self._context else b"N")
        try:
            if self._context:
                await writer.start_tls(self._context)
            self.heard.append(bool(await reader.read(1)))
        except OSError:
            self.heard.append(False)
        writer.close()


async def heard(own: Issued | None, trusted: Issued, folder: Path) -> bool:
    """Tell whether the client said anything to a server with that certificate."""
    file = folder / "ca.crt"
    file.write_bytes(pem(trusted))
    server = Server(own, folder)
    async with await asyncio.start_server(server.answer, ADDRESS, 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        url = f"postgresql://esito@{ADDRESS}:{port}/esito?sslmode=verify-full&sslrootcert={file}"
        endpoint = {"name": "pivot-id", "provider": "pivot", "path": "/callbacks/pivot"}
        made = Configuration.model_validate({"database": {"url": url}, "endpoints": [endpoint]})
        with pytest.raises(Unavailable):
            await connect(made)
    return any(server.heard)


async def test_a_server_of_the_named_authority_is_spoken_to(tmp_path: Path) -> None:
    assert await heard(_of(_root()), _root(), tmp_path)


async def test_a_server_of_another_authority_is_told_nothing(tmp_path: Path) -> None:
    assert not await heard(_of(_root("Another Root")), _root(), tmp_path)


async def test_a_server_of_another_name_is_told_nothing(tmp_path: Path) -> None:
    assert not await heard(_of(_root(), "127.0.0.2"), _root(), tmp_path)


async def test_a_server_without_tls_is_told_nothing(tmp_path: Path) -> None:
    assert not await heard(None, _root(), tmp_path)


def _root(name: str = "Test Root") -> Issued:
    # TLS goes by the clock, not by the tests' own noon.
    end = datetime.now(UTC) + YEAR
    return issue(None, name, ca=True, key_usage=ISSUING, not_after=end)


def _of(issuer: Issued, address: str = ADDRESS) -> Issued:
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    end = datetime.now(UTC) + YEAR
    return issue(issuer, f"PostgreSQL at {address}", not_after=end, extensions=[(names, False)])


def _context(own: Issued, folder: Path) -> ssl.SSLContext:
    certificate, key = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(pem(own))
    key.write_bytes(own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
