"""Keep files in the configured object store: a directory, S3, or whatever obstore speaks to.

- A file appears whole or not at all: it is staged, and published when its bytes have been checked.
- Nothing here holds a file in memory; how much an upload holds is said beside each kind of staging.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import from_url

from contracts.errors import Broken, why_unread
from runtime.object_store_errors import translated
from runtime.service_configuration import ObjectStore as Settings
from runtime.staged_objects import STAGING, Staged, StagedFile, StagedParts

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Store

# obstore's own, which it wants apart from those of the store.
_CLIENT_OPTIONS: Final = frozenset(
    {"allow_http", "connect_timeout", "pool_idle_timeout", "proxy_url", "timeout"}
)
# Less than a client waits for an answer: what is away for longer is for the caller to try again.
_RETRIES: Final = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
_READ_BYTES: Final = 1_048_576
_PAGE_OBJECTS: Final = 1_000  # S3 lists no more at once
_SELF_TEST: Final = "esito-self-test"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says of a file."""

    path: str
    bytes_total: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedObject:
    """A file that is being read: its blocks come one by one, as they are asked for."""

    stored: StoredObject
    blocks: AsyncIterator[bytes]


class ObjectStore:
    """One configured store; paths are relative to the configured URL and never from outside."""

    def __init__(self, settings: Settings) -> None:
        """Describe the store; nothing is asked of it yet.

        Raises:
            Broken: an option is unknown, or a secret file cannot be read.
        """
        self._url = settings.url
        with translated(settings.url, "open"):
            self._store = _opened(settings)
        self._directory = directory_of(settings.url)

    @asynccontextmanager
    async def staged(self, path: str) -> AsyncIterator[Staged]:
        """Give a place to write a file to; `publish` makes it visible, leaving the block does not.

        Raises:
            Unavailable, Broken: by what is done with the place.
        """
        if self._directory is not None:
            staged: Staged = StagedFile(self._url, self._directory, path)
        else:
            staged = StagedParts(self._url, self._store, path)
        try:
            yield staged
        finally:
            # What is under way ends before the block does, or it would outlive its request.
            await asyncio.shield(asyncio.ensure_future(staged.discard()))

    async def find(self, path: str) -> StoredObject | None:
        """Return what the store says of a file, or None when there is none."""
        with translated(self._url, "read"):
            try:
                return _stored(await obstore.head_async(self._store, path))
            except FileNotFoundError:
                return None

    async def open(self, path: str, *, block_bytes: int = _READ_BYTES) -> OpenedObject | None:
        """Return a file to be read block by block, or None when there is none.

        Raises:
            Unavailable, Broken: here and while blocks are read.
        """
        with translated(self._url, "read"):
            try:
                result = await obstore.get_async(self._store, path)
            except FileNotFoundError:
                return None
            blocks = self._blocks(result.stream(min_chunk_size=block_bytes))
            return OpenedObject(_stored(result.meta), blocks)

    async def delete(self, paths: Sequence[str]) -> None:
        """Remove files; one that is not there is no error."""
        with translated(self._url, "delete"):
            for path in paths:
                try:
                    await obstore.delete_async(self._store, path)
                except FileNotFoundError:
                    continue

    async def directories(self, prefix: str = "") -> list[str]:
        """Return the names directly under `prefix` that files lie under."""
        with translated(self._url, "list"):
            found = await obstore.list_with_delimiter_async(self._store, prefix or None)
            names = [one.rpartition("/")[2] for one in found["common_prefixes"]]
            return sorted(name for name in names if name != STAGING)

    async def pages(
        self, prefix: str, *, page_objects: int = _PAGE_OBJECTS
    ) -> AsyncIterator[list[StoredObject]]:
        """Yield all files under `prefix`, page by page."""
        with translated(self._url, "list"):
            async for page in obstore.list(self._store, prefix, chunk_size=page_objects):
                yield [_stored(one) for one in page]

    async def remove_staged(self, *, before: datetime) -> int:
        """Remove what killed processes left half written before a moment; return how many.

        A directory alone needs it: a bucket has a lifecycle rule for incomplete multipart uploads.
        """
        if self._directory is None:
            return 0
        with translated(self._url, "delete"):
            return await asyncio.to_thread(StagedFile.remove_all, self._directory, before)

    async def check(self) -> None:
        """Write, read and remove a small file.

        Raises:
            Unavailable, Broken: the store cannot be used as configured.
        """
        async with self.staged(_SELF_TEST) as staged:
            await staged.write(b"esito")
            await staged.publish()
        await self.find(_SELF_TEST)
        await self.delete([_SELF_TEST])

    async def _blocks(self, stream: AsyncIterator[Any]) -> AsyncIterator[bytes]:
        with translated(self._url, "read"):
            async for block in stream:
                yield bytes(block)


def directory_of(url: str) -> Path | None:
    """Return the directory of a `file://` URL; None: another kind of store."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _opened(settings: Settings) -> "Store":
    directory = directory_of(settings.url)
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        return from_url(directory.resolve().as_uri())
    options = {**settings.options, **_secrets(settings)}
    client = {name: options.pop(name) for name in _CLIENT_OPTIONS & options.keys()}
    # Which options a store has is known to obstore; an unknown one is its error.
    arguments: Any = {"config": options, "client_options": client, "retry_config": _RETRIES}
    opened: Callable[..., Store] = from_url
    return opened(settings.url, **arguments)


def _secrets(settings: Settings) -> dict[str, str]:
    secrets = {}
    for name, file in settings.secret_files.items():
        try:
            secrets[name] = file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise Broken(
                f"{file}: cannot be read ({why_unread(error)}); it is "
                f"object_store.secret_files.{name}"
            ) from None
    return secrets


def _stored(meta: Any) -> StoredObject:  # noqa: ANN401 - a mapping of obstore's
    return StoredObject(meta["path"], meta["size"], meta["last_modified"].astimezone(UTC))
