"""Start one judging process and speak with it: files in, what they are out."""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

from contracts.errors import Unavailable
from workers.verifier.judging import LENGTH_BYTES, READY, Job, Settings, framed

_MODULE: Final = "workers.verifier.judge_process"
_ROOT: Final = Path(__file__).parents[2]
_START_SECONDS_MAX: Final = 60.0  # a second on an idle machine


class ProcessEnded(Exception):
    """The process ended by itself; `status` is its exit code, negative for a signal."""

    def __init__(self, status: int) -> None:
        """Keep the exit code."""
        super().__init__(status)
        self.status = status


class JudgingProcess:
    """One process and our end of its socket; it ends when that end is closed."""

    def __init__(self, process: Process, connection: socket.socket) -> None:
        """Take over a process that was started; `start` does."""
        self._process = process
        self._connection = connection

    @classmethod
    async def start(cls, settings: Settings) -> Self:
        """Return a process that waits for its first file.

        Raises:
            Unavailable: it does not start.
        """
        ours, its = socket.socketpair()
        with its, ExitStack() as unless_started:
            unless_started.callback(ours.close)
            ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
            # No environment: no credential, no proxy, nothing that could change what it does.
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _MODULE),
                stdin=its.fileno(),
                stdout=DEVNULL,
                stderr=DEVNULL,  # what a crash prints may quote the file
                env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            )
            unless_started.pop_all()
        process = cls(child, ours)
        try:
            async with asyncio.timeout(_START_SECONDS_MAX):
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(ours, framed(settings.model_dump_json().encode()))
                if await process.receive() == READY:
                    return process
        except (TimeoutError, ProcessEnded, OSError):
            await process.end()
            raise Unavailable("the process that judges files does not start") from None
        except BaseException:
            await process.end()
            raise
        await process.end()
        raise Unavailable("the process that judges files says something else than ready")

    def send(self, job: Job, descriptor: int) -> None:
        """Give it a file to judge: a few hundred bytes, which a socket takes at once."""
        message = framed(job.model_dump_json().encode())
        # A process that has ended is noticed by whoever waits for its answer.
        with suppress(OSError):
            socket.send_fds(self._connection, [message], [descriptor])

    async def receive(self) -> bytes:
        """Return its next message.

        Raises:
            ProcessEnded: there will be none.
        """
        return await self._exactly(int.from_bytes(await self._exactly(LENGTH_BYTES)))

    async def end(self) -> None:
        """End it now, whatever it does, and wait until it has ended."""
        self._connection.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _exactly(self, length: int) -> bytes:
        loop, received = asyncio.get_running_loop(), bytearray()
        while len(received) < length:
            try:
                block = await loop.sock_recv(self._connection, length - len(received))
            except ConnectionError:
                block = b""
            if not block:
                raise ProcessEnded(await self._process.wait())
            received += block
        return bytes(received)
