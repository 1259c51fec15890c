"""Examine what the configuration names on this machine: secret files, key lifetimes, ports."""

import errno
import http.client
import socket
import ssl
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ops.configuration.check import check
from ops.configuration.named_files import key_rings, secret_files
from ops.doctor.finding import Finding, bad, doubtful, good
from runtime.configuration import Configuration, Tls
from runtime.endpoint_keys import KeyFile

_EXPIRY_NOTICE: Final = timedelta(days=14)
_ANSWER_SECONDS: Final = 1.0


def configuration_findings(configuration: Configuration, *, now: datetime) -> Iterator[Finding]:
    """Yield what `esito config check` finds."""
    found = check(configuration, now=now)
    for fault in found.faults:
        yield bad(fault.name, fault.what, fault.fix)
    for warning in found.warnings:
        yield doubtful(warning.name, warning.what, warning.fix)
    if not found.faults:
        yield good("configuration", f"{len(configuration.endpoints)} endpoints, no fault")


def secret_findings(configuration: Configuration) -> Iterator[Finding]:
    """Yield which secret files people other than their owner and group may read or change."""
    files = secret_files(configuration)
    open_files = [file for file in sorted(files) if _is_open(file)]
    for file in open_files:
        yield doubtful(
            "secrets",
            f"{file} may be read or changed by anybody on this machine",
            f"chmod o-rwx {file} (Kubernetes: defaultMode 0440 on the volume)",
        )
    if not open_files:
        yield good("secrets", f"{len(files)} files, none open to everybody")


def lifetime_findings(configuration: Configuration, *, now: datetime) -> Iterator[Finding]:
    """Yield which keys are past, or soon past, their time; a ring without a valid key fails."""
    quiet = True
    for ring in key_rings(configuration):
        subject = f"{ring.owner}.{ring.purpose}"
        if not any(_valid(key, now) for key in ring.keys):
            quiet = False
            yield bad(subject, "no key is valid now", "add a key, or correct not_before/after")
        for key in ring.keys:
            ends = key.not_after
            if ends is None or ends > now + _EXPIRY_NOTICE:
                continue
            quiet = False
            word = "ended" if ends <= now else "ends"
            said = f"key {key.id} {word} on {ends.isoformat()}"
            yield doubtful(subject, said, "add its successor beside it, then take it away")
    if quiet:
        yield good("keys", f"every key is valid for {_EXPIRY_NOTICE.days} days or more")


def port_findings(configuration: Configuration) -> Iterator[Finding]:
    """Yield whether the ports are free, or are Esito's own already."""
    ingress = configuration.ingress
    ports = (
        ("ingress.port", ingress.host, ingress.port, "ESITO_INGRESS__PORT", ingress.tls),
        (
            "management_port",
            configuration.management_host,
            configuration.management_port,
            "ESITO_MANAGEMENT_PORT",
            None,
        ),
    )
    for subject, host, port, variable, tls in ports:
        refusal = _refusal(host, port)
        if refusal is None:
            yield good(subject, f"{host}:{port} is free" if port else "any free port")
        elif refusal == errno.EADDRINUSE and is_esito(host, port, tls=tls):
            yield good(subject, f"{host}:{port} is in use by Esito itself")
        elif refusal == errno.EADDRINUSE:
            said = f"{host}:{port} is in use by another program"
            yield bad(subject, said, f"stop it, or set {variable}")
        else:
            said = f"{host}:{port} cannot be listened on ({errno.errorcode.get(refusal, '?')})"
            yield bad(subject, said, f"set another host, or {variable}")


def _is_open(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False  # a missing file is a fault of the configuration already


def _valid(key: KeyFile, now: datetime) -> bool:
    return (key.not_before is None or key.not_before <= now) and (
        key.not_after is None or now < key.not_after
    )


def _refusal(host: str, port: int) -> int | None:
    """Return why nothing can listen there now (an errno), or None."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error.errno or errno.EINVAL
    return None


def is_esito(host: str, port: int, *, tls: Tls | None = None) -> bool:
    """Tell whether a process of Esito answers there, by HTTPS where `tls` is given."""
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    if tls is not None:
        connection = http.client.HTTPSConnection(
            host, port, timeout=_ANSWER_SECONDS, context=_unverified()
        )
    speaks = False
    try:
        connection.connect()
        # Who has no certificate gets through the handshake of TLS 1.3, and then no answer.
        speaks = tls is not None and tls.client_ca_file is not None
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        # The management port answers ok; the ingress refuses, and names the program.
        return answer.read(16) == b"ok\n" or answer.headers.get("Server") == "esito"
    except (OSError, http.client.HTTPException):
        return speaks
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    # Nothing is sent that anybody may not know, and the name is seldom that of this machine.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
