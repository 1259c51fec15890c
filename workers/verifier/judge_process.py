"""Judge files in a process that may die of them: `python -m workers.verifier.judge_process`.

Started by judging_process.py, with a socket as its standard input and no environment. It reads what
it is told there, opens no connection and no file, and holds nothing worth stealing. What bounds it:

- memory: RLIMIT_AS, which ends in MemoryError or in the end of the process
- CPU time: ITIMER_PROF ends the process, wherever it is; unlike RLIMIT_CPU it counts anew for each
  file, in fractions of a second
- time: ITIMER_REAL, so that nothing outlives a killed verifier for long
"""

import gc
import logging
import os
import resource
import signal
import socket
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest
from io import BufferedReader
from typing import Final

from asn1crypto.x509 import Certificate

from workers.verifier.judging import LENGTH_BYTES, READY, Digest, Found, Job, Settings, framed
from workers.verifier.pades import read_signatures
from workers.verifier.pdf import PdfLimits, read_structure

# A machine that is busy with other things gives a process a part of its time.
WALL_CLOCK_FACTOR: Final = 4
_DESCRIPTORS_MAX: Final = 64
_COLLECT_AFTER_OBJECTS: Final = 50_000
_FORBIDDEN: Final = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname"),
        *("socket.sendto", "subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system"),
    }
)


def main() -> int:
    """Judge file after file until the verifier closes the socket; return the exit code."""
    connection = socket.socket(fileno=os.dup(0))
    message, _ = _received(connection)
    settings = Settings.model_validate_json(message)
    roots = [Certificate.load(b64decode(root)) for root in settings.roots]
    _confine(settings)
    connection.sendall(framed(READY))
    while True:
        message, file = _received(connection)
        if file is None:
            return 0
        with file, _timed(settings.seconds_max):
            file.seek(0)  # shared with the worker, and with who tried before
            digest = b64encode(file_digest(file, "sha256").digest()).decode()
            _send(connection, Digest(sha256=digest, bytes_total=file.tell()))
            job = Job.model_validate_json(message)
            if job.kind == "json":
                continue
            found = _found(file, job, settings, roots)
        _send(connection, found)
        if found.fault == "too_much_memory":
            return 0  # what is left of its memory is in pieces


def forbid_connections() -> None:
    """Make every later attempt to reach the network or start a program fail, whoever makes it."""

    def refuse(event: str, _: object) -> None:
        if event in _FORBIDDEN:
            raise PermissionError(event)

    sys.addaudithook(refuse)


def _confine(settings: Settings) -> None:
    memory = settings.memory_bytes_max
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold somebody's file
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS_MAX, _DESCRIPTORS_MAX))
    logging.disable(logging.CRITICAL)  # the libraries quote the file
    forbid_connections()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 20)


@contextmanager
def _timed(seconds: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * WALL_CLOCK_FACTOR)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _found(file: BufferedReader, job: Job, settings: Settings, roots: list[Certificate]) -> Found:
    limits = PdfLimits(
        pages_max=settings.pages_max,
        objects_max=settings.objects_max,
        encrypted_taken=settings.encrypted_taken,
        scripts_taken=settings.scripts_taken,
    )
    try:
        file.seek(0)
        structure = read_structure(file, limits)
        if not job.signatures or structure.fault or not structure.signed:
            return Found(fault=structure.fault, pages=structure.pages)
        signatures = read_signatures(file, roots, datetime.fromisoformat(job.at))
        return Found(pages=structure.pages, signatures=signatures)
    except MemoryError:
        return Found(fault="too_much_memory")


def _send(connection: socket.socket, message: Digest | Found) -> None:
    connection.sendall(framed(message.model_dump_json().encode()))


def _received(connection: socket.socket) -> tuple[bytes, BufferedReader | None]:
    """Return a message and the file beside it; nothing when the socket is closed."""
    head, descriptors, _, _ = socket.recv_fds(connection, LENGTH_BYTES, 1)
    file = os.fdopen(descriptors[0], "rb") if descriptors else None
    head += _exactly(connection, LENGTH_BYTES - len(head)) if head else b""
    return _exactly(connection, int.from_bytes(head)), file


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        block = connection.recv(length - len(received))
        if not block:
            sys.exit(0)
        received += block
    return bytes(received)


if __name__ == "__main__":
    sys.exit(main())
