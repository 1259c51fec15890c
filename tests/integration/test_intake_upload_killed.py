"""A process that is killed in the middle of an upload leaves nothing that anybody sees."""

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from runtime.object_store import ObjectStore as Store
from runtime.service_configuration import ObjectStore
from tests.faults.processes import until
from tests.integration.upload_site import Slot, digest, head

CONTENT = b"%PDF-1.7\n" + bytes(20_000_000)


async def test_killed_upload_is_not_there_and_is_cleaned_away(tmp_path: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.uploads", "--serve", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        slot = await _slot(port)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(slot, f"content-length: {len(CONTENT)}") + CONTENT[:10_000_000])
        await writer.drain()
        await until(lambda: bool(_half_written(tmp_path)), "a block is written")
    finally:
        server.send_signal(signal.SIGKILL)
        await server.wait()
    writer.transport.abort()

    store = Store(ObjectStore(url=tmp_path.as_uri()))
    seen = [page async for page in store.pages("send")]
    removed = await store.remove_staged(before=datetime.now(UTC) + timedelta(days=1))

    assert seen == []
    assert removed == 1
    assert _half_written(tmp_path) == []


def _half_written(directory: Path) -> list[Path]:
    return [one for one in directory.glob(".staging/*") if one.stat().st_size]


async def _slot(port: int) -> Slot:
    item = {"contentType": "application/pdf", "sha256": digest(CONTENT)}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://127.0.0.1:{port}/", data=json.dumps([item])) as answer,
    ):
        (given,) = json.loads(await answer.read())
    path = urlsplit(given["url"]).path
    return Slot(given["key"], given["secret"], path, CONTENT, "application/pdf")
