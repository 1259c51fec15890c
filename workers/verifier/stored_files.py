"""Find the stored files that requests name, and have them judged.

A file goes from the store to the judging process through a file without a name, block by block: no
part of it stays in the worker's memory, and nothing is left behind by a worker that is killed.
"""

import asyncio
import os
from collections.abc import Callable, Hashable
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO

from contracts.errors import Unavailable
from contracts.instants import Instant
from contracts.needs import CONTENT_BYTES_MAX, FileFacts, FileNeed
from runtime.key_ring import KeyRing
from runtime.notification_configuration import Notifications
from runtime.object_store import ObjectStore, OpenedObject
from runtime.slots import StoredVersion, open_version
from workers.verifier.file_judge import FileJudge, Judged
from workers.verifier.judging import Job


class StoredFiles:
    """The files of one endpoint."""

    def __init__(
        self,
        endpoint: str,
        section: Notifications,
        *,
        store: ObjectStore,
        slot_keys: Callable[[], KeyRing],
        judge: FileJudge,
    ) -> None:
        """Read from `store` what the endpoint's public bodies uploaded to it."""
        self._endpoint = endpoint
        self._unused_days = section.attachments.unused_days
        self._pdf_bytes_max = section.pdf.bytes_max
        self._store = store
        self._slot_keys = slot_keys
        self._judge = judge

    async def find(self, need: FileNeed, received_at: Instant, key: Hashable) -> FileFacts:
        """Return what is stored under the key and version token of `need`.

        Files that wait to be judged do so by turns among the `key`s. Of a file beyond its limit
        the digest is that of the upload, which sealed it.

        Raises:
            Unavailable, Broken: the store, or the processes that judge files.
        """
        at = datetime.fromisoformat(received_at)
        version = open_version(
            need.version_token,
            self._slot_keys(),
            endpoint=self._endpoint,
            body=need.body,
            key=need.key,
            at=at,
        )
        if version is None:
            return FileFacts("absent")
        if version.over_at(at, unused_days=self._unused_days):
            return FileFacts("gone")
        async with self._judge.room(version.bytes_total, key):
            opened = await self._store.open(version.path)
            if opened is None:
                await self._demand_store()
                return FileFacts("gone")
            if opened.stored.bytes_total > self._bytes_max(need):
                return _too_large(version, opened)
            with TemporaryFile(buffering=0) as copy:
                await _copied(opened, copy)
                job = Job(kind=need.kind, signatures=need.pades != "off", at=received_at)
                judged = await self._judge.judge(copy.fileno(), job, version.bytes_total, key)
                return _facts(judged, copy, with_content=need.kind == "json")

    async def _demand_store(self) -> None:
        """Tell a file that is gone from a store that is: a volume not mounted, another bucket.

        Raises:
            Unavailable: the store holds nothing at all of the endpoint.
        """
        if not await self._store.directories(self._endpoint):
            raise Unavailable(f"the object store holds nothing of endpoint {self._endpoint}")

    def _bytes_max(self, need: FileNeed) -> int:
        return self._pdf_bytes_max if need.kind == "pdf" else CONTENT_BYTES_MAX


def _too_large(version: StoredVersion, opened: OpenedObject) -> FileFacts:
    return FileFacts("found", version.sha256, opened.stored.bytes_total)


def _facts(judged: Judged, copy: IO[bytes], *, with_content: bool) -> FileFacts:
    size = os.fstat(copy.fileno()).st_size
    if judged.digest.bytes_total != size:
        raise Unavailable("a file was not read to its end")
    content = os.pread(copy.fileno(), size, 0) if with_content else None
    return FileFacts("found", judged.digest.sha256, size, judged.pdf, content)


async def _copied(opened: OpenedObject, copy: IO[bytes]) -> None:
    """Write the file to `copy`.

    Raises:
        Unavailable: the store ended too early, or there is no room.
    """
    try:
        async for block in opened.blocks:
            await asyncio.to_thread(_write, copy, block)
    except OSError as error:
        raise Unavailable(f"no room to copy a file to ({type(error).__name__})") from None
    if copy.tell() != opened.stored.bytes_total:
        raise Unavailable("the object store ended in the middle of a file")


def _write(copy: IO[bytes], block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[copy.write(view) :]
