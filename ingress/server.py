"""Serve HTTP with aiohttp's low-level server, bounds of our own and error answers that say nothing.

Low-level because the routes are a dictionary of fixed paths: no router, no middleware, a tenth less
CPU per callback, and every error answer is ours.
"""

import asyncio
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler

from contracts.codes import RefusalCode
from contracts.errors import Broken
from ingress.answers import problem
from ingress.authenticate import Refused
from ingress.client_certificate import Certificate, read_der
from runtime.configuration import Ingress as IngressSettings
from runtime.configuration import Tls

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
CountRefusal = Callable[[RefusalCode], None]

# nginx takes four times 8 KiB; without a limit 128 fields of 8 KiB each would be 1 MiB a caller.
HEAD_BYTES_MAX: Final = 65_536
# A chain of three certificates, PEM in base64 in one field, is 14 kB; nginx's 8 KiB would cut it.
_FIELD_BYTES_MAX: Final = 32_768
# Connections wait in the kernel while the process is busy: half a second of them at full speed.
_BACKLOG: Final = 1_024
# A refused body is read and thrown away for so long, else the answer could be lost in a reset.
_LINGER_SECONDS: Final = 2.0
_HANDSHAKE_SECONDS: Final = 10.0
# A caller who sends and never reads would keep its connection for ever.
_UNREAD_MILLISECONDS: Final = 20_000
_FINISH_SECONDS: Final = 0.02  # how often a stopping process looks for connections to close
_OTHER_FILES: Final = 256  # Kafka, the management port, secrets


class Server(web.Server):
    """aiohttp's server with a bound on connections; each of them is a `Connection`."""

    def __init__(
        self, handle: Handle, *, settings: IngressSettings, count_refusal: CountRefusal
    ) -> None:
        """Serve every request by `handle`; what never becomes a request goes to `count_refusal`."""
        super().__init__(handle)
        self._settings = settings
        self._count_refusal = count_refusal
        self._finishing = False

    @property
    def is_closed(self) -> bool:
        """Tell whether a new connection is one too many."""
        return self._finishing or len(self._connections) > self._settings.connections_max

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(self, self._settings, self._count_refusal)

    async def finish(self, *, end: float) -> None:
        """Close each connection once nothing is under way on it, and all that are left at `end`.

        aiohttp's own shutdown is not used: it tells a connection once to close, so one that was
        accepted in the same moment begins to wait for a request afterwards, and is waited for to
        the end; and what still comes of a body under way it throws away.
        """
        loop = asyncio.get_running_loop()
        self._finishing = True
        while True:
            connections = [one for one in self._connections if isinstance(one, Connection)]
            for one in connections:
                one.close_if_idle()
            busy = [one for one in connections if one.is_busy]
            if not busy or loop.time() >= end:
                break
            await asyncio.sleep(_FINISH_SECONDS)
        for one in busy:
            one.break_off()
        # What was told to end does so before the process takes away what it stands on.
        await asyncio.sleep(0)


class Connection(RequestHandler):
    """One connection: bounds a head's bytes, and answers non-HTTP without the parser's words."""

    __slots__ = ("_body", "_count_refusal", "_head_bytes", "_requests_seen", "_server")

    def __init__(
        self, server: Server, settings: IngressSettings, count_refusal: CountRefusal
    ) -> None:
        """Begin with an empty head."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # as aiohttp itself does for "no log"
            # Also the time for a head: a connection without a whole head is idle to aiohttp.
            keepalive_timeout=settings.idle_seconds,
            # The parser's own limit comes later than ours, which answers 431 instead of 400.
            max_headers=settings.headers_max * 2,
            max_field_size=_FIELD_BYTES_MAX,
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,
        )
        self._server = server
        self._count_refusal = count_refusal
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head_bytes = 0
        self._requests_seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or break it off at once when it is one too many."""
        super().connection_made(transport)
        if self._server.is_closed:
            self.break_off()

    @property
    def is_busy(self) -> bool:
        """Tell whether a request is being handled, or the rest of a refused one thrown away."""
        serving = self._task_handler is not None and not self._force_close
        return serving or self._request_in_progress

    def close_if_idle(self) -> None:
        """Close the connection if it waits for a request, or for the rest of one's head."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            self.force_close()

    def break_off(self) -> None:
        """End the connection and what is under way on it."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        if self._task_handler is not None:
            self._task_handler.cancel()
        self.force_close()

    def data_received(self, data: bytes) -> None:
        """Parse what came; give up on a head that is larger than any honest one."""
        in_body = not self._body.is_eof()
        super().data_received(data)
        if self._request_count != self._requests_seen:
            self._requests_seen = self._request_count
            self._body = self._messages[-1][1]
            self._head_bytes = 0
        elif not in_body:
            # No request came out of it, and it is no body: it belongs to an unfinished head.
            self._head_bytes += len(data)
        transport = self.transport
        if self._head_bytes > HEAD_BYTES_MAX and transport is not None:
            self._count_refusal(RefusalCode.HEADERS_TOO_MANY)
            # An answer would be lost: more is on its way, and closing then resets the connection.
            self.force_close()
            transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP; neither the answer nor the log quotes it."""
        del status, exc, message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        self._count_refusal(RefusalCode.REQUEST_MALFORMED)
        answer = problem(HTTPStatus.BAD_REQUEST, retry_after_seconds=1)
        answer.force_close()
        return answer


def certificate_of_connection(request: web.BaseRequest) -> Certificate:
    """Return the certificate that the caller showed in our own TLS handshake.

    Raises:
        Refused: `credentials_missing`, or `credentials_wrong` for an absurdly large one.
    """
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    der = tls.getpeercert(binary_form=True) if tls else None
    if not der:
        raise Refused(RefusalCode.CREDENTIALS_MISSING)
    return read_der(der)


def peer_of(request: web.BaseRequest) -> object:
    """Return the caller's address as the socket knows it, whatever headers say."""
    return request.transport.get_extra_info("peername") if request.transport else None


async def listen(
    server: Server,
    settings: IngressSettings,
    *,
    reuse_port: bool,
    client_certificates: ssl.VerifyMode = ssl.CERT_REQUIRED,
) -> asyncio.Server:
    """Return the open listener; `client_certificates` says how `client_ca_file` is meant.

    Raises:
        Broken: the port is taken, or a TLS file cannot be used.
    """
    context = _tls(settings.tls, client_certificates)
    try:
        listener = await asyncio.get_running_loop().create_server(
            server,
            settings.host,
            settings.port,
            ssl=context,
            # Without it a caller who connects and never begins TLS is counted nowhere for a minute.
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None,
            reuse_port=reuse_port or None,
            backlog=_BACKLOG,
        )
    except OSError as error:
        raise Broken(f"ingress port {settings.host}:{settings.port}: {error.strerror}") from None
    for one in listener.sockets:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
    return listener


def allow_files(connections: int) -> None:
    """Raise the process's limit of open files, often 1,024, to what its connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _tls(tls: Tls | None, client_certificates: ssl.VerifyMode) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
        if tls.client_ca_file:
            context.load_verify_locations(tls.client_ca_file)
            context.verify_mode = client_certificates
    except (OSError, ssl.SSLError) as error:
        raise Broken(f"ingress.tls: {error.strerror or error}") from None
    return context
