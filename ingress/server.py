"""Be the server of the ingress: its limits, its refusals, and TLS where it ends that itself."""

import ssl
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from contracts.codes import RefusalCode
from contracts.errors import Broken
from ingress.answers import problem
from ingress.authenticate import Refused
from ingress.client_certificate import Certificate, read_der
from runtime.configuration import Ingress as IngressSettings
from runtime.configuration import Tls
from runtime.http_server import Handle, Limits, Server

CountRefusal = Callable[[RefusalCode], None]

# A chain of three certificates, PEM in base64 in one field, is 14 kB; nginx's 8 KiB would cut it.
_FIELD_BYTES_MAX: Final = 32_768


def ingress_server(
    handle: Handle, *, settings: IngressSettings, count_refusal: CountRefusal
) -> Server:
    """Serve every request by `handle`; what never becomes a request goes to `count_refusal`."""

    def malformed() -> web.Response:
        count_refusal(RefusalCode.REQUEST_MALFORMED)
        return problem(HTTPStatus.BAD_REQUEST, retry_after_seconds=1)

    return Server(
        handle,
        limits=limits_of(settings),
        malformed=malformed,
        head_too_large=partial(count_refusal, RefusalCode.HEADERS_TOO_MANY),
    )


def limits_of(settings: IngressSettings) -> Limits:
    """Return where the ingress listens, and what one caller may take of it."""
    return Limits(
        host=settings.host,
        port=settings.port,
        connections_max=settings.connections_max,
        # The parser's own limit comes later than ours, which answers 431 instead of 400.
        headers_max=settings.headers_max * 2,
        idle_seconds=settings.idle_seconds,
        field_bytes_max=_FIELD_BYTES_MAX,
    )


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


def tls_context(tls: Tls | None, client_certificates: ssl.VerifyMode) -> ssl.SSLContext | None:
    """Return how TLS is ended, if it is; `client_certificates` says how `client_ca_file` is meant.

    Raises:
        Broken: a file cannot be used.
    """
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
