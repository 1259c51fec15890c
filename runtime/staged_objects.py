"""Write a file where nobody sees it, hash it on the way, and make it visible as a whole.

Hashing and writing happen in threads, which the interpreter's lock does not stop, so that one large
upload holds up nobody else.
"""

import asyncio
import hashlib
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import obstore

from contracts.errors import Unavailable
from runtime.object_store_errors import translated

if TYPE_CHECKING:
    from obstore import PutResult
    from obstore.store import ObjectStore as Store

# S3 takes no smaller part, but the last. One is being filled while another one is on its way.
PART_BYTES: Final = 5_242_880
STAGING: Final = ".staging"
# Up to here one request writes the file; a multipart upload needs three.
_WHOLE_BYTES_MAX: Final = 1_048_576
# A thread costs 50 µs: less than this is hashed at once.
_THREAD_BYTES_MIN: Final = 16_384


class Staged(ABC):
    """A file that is being written; `sha256` and `bytes_total` are of what was written so far."""

    def __init__(self, url: str) -> None:
        """Begin with no bytes; `url` is the store's, for its errors."""
        self._url = url
        self._hash = hashlib.sha256()
        self.bytes_total = 0

    @property
    def sha256(self) -> bytes:
        """Return the digest of all that was written."""
        return self._hash.digest()

    async def write(self, block: bytes) -> None:
        """Append a block; return when there is room for the next one.

        Raises:
            Unavailable, Broken: the store does not take it.
        """
        with translated(self._url, "write"):
            await self._append(block)
        self.bytes_total += len(block)

    async def publish(self) -> None:
        """Make the file visible in one step, in the place of any former one.

        Raises:
            Unavailable: it may be visible or not.
            Broken: it is not.
        """
        with translated(self._url, "write"):
            await self._finish()

    @abstractmethod
    async def discard(self) -> None:
        """Leave nothing behind, unless it was published."""

    @abstractmethod
    async def _append(self, block: bytes) -> None:
        """Hash and write."""

    @abstractmethod
    async def _finish(self) -> None:
        """Make the file visible."""


class StagedFile(Staged):
    """A file of a directory: written apart, flushed to the disk, renamed into its place.

    Holds one block. A killed process leaves a file in the directory `.staging`.
    """

    def __init__(self, url: str, directory: Path, path: str) -> None:
        """Describe where the file will be; it is made by the first block."""
        super().__init__(url)
        self._place = directory / path
        self._staged = directory / STAGING / secrets.token_hex(16)
        self._descriptor = -1
        self._over = False
        # A cancelled request leaves its thread at work: nobody may close the file under it.
        self._lock = Lock()

    async def discard(self) -> None:
        """Close and remove the file."""
        await asyncio.to_thread(self._discard)

    async def _append(self, block: bytes) -> None:
        await asyncio.to_thread(self._write, block)

    async def _finish(self) -> None:
        await asyncio.to_thread(self._publish)

    def _write(self, block: bytes) -> None:
        with self._lock:
            self._open()
            self._hash.update(block)
            view = memoryview(block)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def _open(self) -> None:
        if self._over:
            raise Unavailable("the upload was given up")
        if self._descriptor < 0:
            self._staged.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            self._descriptor = os.open(self._staged, flags, 0o600)

    def _publish(self) -> None:
        with self._lock:
            self._open()
            os.fsync(self._descriptor)
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._staged.rename(self._place)
            # The name is on the disk only when the directory is.
            directory = os.open(self._place.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def _discard(self) -> None:
        with self._lock:
            self._over = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self._staged.unlink(missing_ok=True)

    @staticmethod
    def remove_all(directory: Path, before: datetime) -> int:
        """Remove what was last written before a moment, and return how many files that were."""
        removed = 0
        for file in (directory / STAGING).glob("*"):
            with suppress(FileNotFoundError):  # its own process has just removed it
                if file.stat().st_mtime < before.timestamp():
                    file.unlink()
                    removed += 1
        return removed


class StagedParts(Staged):
    """A file of a bucket: a multipart upload, completed or aborted; a small one is put at once.

    Holds up to two parts of `PART_BYTES`. A killed process leaves parts that no listing shows and
    that a lifecycle rule of the bucket removes.
    """

    def __init__(self, url: str, store: "Store", path: str) -> None:
        """Describe where the file will be."""
        super().__init__(url)
        self._store = store
        self._path = path
        self._first: list[bytes] = []
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._put: asyncio.Future[PutResult] | None = None
        self._over = False

    async def discard(self) -> None:
        """Abort the upload, and wait until that is done."""
        put = self._put
        if put is None or put.done():
            return
        # Cancelling `put` would leave its parts in the bucket; an error of its source aborts it.
        self._over = True
        if self._blocks.full():
            self._blocks.get_nowait()
        self._blocks.put_nowait(None)
        with suppress(Exception):
            await put

    async def _append(self, block: bytes) -> None:
        if len(block) < _THREAD_BYTES_MIN:
            self._hash.update(block)
        else:
            await asyncio.to_thread(self._hash.update, block)
        if self._put is None:
            self._first.append(block)
            if self.bytes_total + len(block) <= _WHOLE_BYTES_MAX:
                return
            block, self._first = b"".join(self._first), []
            self._put = self._begun()
        await self._hand_over(self._put, block)

    async def _finish(self) -> None:
        if self._put is None:
            await obstore.put_async(self._store, self._path, b"".join(self._first))
            return
        await self._hand_over(self._put, None)
        # Shielded: a cancelled request must not leave parts; what is complete may become visible.
        await asyncio.shield(self._put)

    def _begun(self) -> "asyncio.Future[PutResult]":
        return asyncio.ensure_future(
            obstore.put_async(
                self._store,
                self._path,
                self._source(),
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=1,
            )
        )

    async def _source(self) -> AsyncIterator[bytes]:
        while (block := await self._blocks.get()) is not None and not self._over:
            yield block
        if self._over:
            raise Unavailable("the upload was given up")

    async def _hand_over(self, put: "asyncio.Future[PutResult]", block: bytes | None) -> None:
        """Give a block to the upload, or learn that it has failed."""
        room = asyncio.ensure_future(self._blocks.put(block))
        either: set[asyncio.Future[Any]] = {room, put}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.cancel()
        if put.done():
            await put
