"""Measure uploads on loopback: `python -m benchmarks.uploads [--directory PLACE]`."""

import argparse
import asyncio
import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import structlog
from aiohttp import web

from benchmarks.installation import cpu_seconds
from intake.preload import UPLOADS, EndpointSlots, Preload
from intake.trailers import UploadServer
from intake.upload import Uploads
from runtime.endpoint_keys import KeyFile
from runtime.http_server import Limits, listen
from runtime.key_ring import Key, KeyRing
from runtime.metrics import Metrics
from runtime.notification_configuration import Attachments
from runtime.object_store import ObjectStore as Store
from runtime.process import event_loop_factory
from runtime.service_configuration import Intake, ObjectStore

FILE_BYTES = 50_000_000
FILES = 40
CONCURRENCIES = (1, 8, 50)
BLOCK_BYTES = 262_144
SAMPLE_SECONDS = 0.02
_HEAD = f"""## Uploads

{FILES} files of {FILE_BYTES / 1e6:.0f} MB for each row, over loopback into a store in a directory.
The server is a process of its own, whose CPU alone counts; growth is its highest resident memory
above that before. The floor is the same bytes hashed and written by a loop without HTTP. Target:
300 MB for a CPU second, and 64 MiB of growth at 50 at once.

| at once | MB/s | MB for a CPU second | growth MiB |
|---|---|---|---|"""


async def main(directory: Path) -> list[str]:
    """Measure and return a section of Markdown."""
    content = secrets.token_bytes(FILE_BYTES)
    rows = [_HEAD, _floor(directory, content)]
    for uploads in CONCURRENCIES:
        async with _server(directory) as (process, port):
            await _load(port, content, uploads=1, files=1)  # everything is imported and warm
            before, cpu = process.memory_info().rss, cpu_seconds(process)
            begin = time.perf_counter()
            sampling = asyncio.ensure_future(_highest(process))
            await _load(port, content, uploads=uploads, files=FILES)
            seconds = time.perf_counter() - begin
            sampling.cancel()
            peak = max(await asyncio.gather(sampling, return_exceptions=True), key=_number)
            megabytes = FILES * FILE_BYTES / 1e6
            used = cpu_seconds(process) - cpu
            growth = (_number(peak) - before) / 2**20
            figures = f"{megabytes / seconds:,.0f} | {megabytes / used:,.0f} | {growth:.0f}"
            rows.append(f"| {uploads} | {figures} |")
    return rows


async def serve(directory: Path) -> None:
    """Be the server: print the port, run until killed."""
    ring = KeyRing((Key("a", b"benchmark" * 4),))
    settings = Attachments(slot_keys=(KeyFile(id="a", file=Path("unused")),))
    slots = EndpointSlots(name="send", settings=settings, ring=lambda: ring)
    preload = Preload(
        public_url="http://x", clock=lambda: datetime.now(UTC), random_bytes=secrets.token_bytes
    )
    uploads = Uploads(
        Intake(),
        {"send": slots},
        Store(ObjectStore(url=directory.as_uri())),
        metrics=Metrics(),
        log=structlog.get_logger(),
        clock=lambda: datetime.now(UTC),
    )

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PUT":
            return await uploads.answer(request, request.path.removeprefix(UPLOADS))
        return preload.answer(slots, "body", await request.read())

    limits = Limits(host="127.0.0.1", port=0, connections_max=256)
    server = UploadServer(handle, limits=limits, malformed=lambda: web.Response(status=400))
    listener = await listen(server, limits, name="intake")
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


@asynccontextmanager
async def _server(directory: Path) -> AsyncIterator[tuple[psutil.Process, int]]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.uploads", "--serve", str(directory)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if child.stdout is None:
            raise RuntimeError("no pipe")
        yield psutil.Process(child.pid), int(await child.stdout.readline())
    finally:
        child.kill()
        await child.wait()


async def _load(port: int, content: bytes, *, uploads: int, files: int) -> None:
    waiting = iter(range(files))

    async def client() -> None:
        for _ in waiting:
            await _upload(port, content)

    await asyncio.gather(*(client() for _ in range(uploads)))


async def _upload(port: int, content: bytes) -> None:
    digest = b64encode(hashlib.sha256(content).digest()).decode()
    item = {"preloadIdx": "0", "contentType": "application/pdf", "sha256": digest}
    body = json.dumps([item]).encode()
    head = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
    answer = await _exchange(port, head, body)
    slot = json.loads(answer.partition(b"\r\n\r\n")[2])[0]
    head = (
        f"PUT {urlsplit(slot['url']).path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/pdf\r\n"
        f"x-amz-meta-secret: {slot['secret']}\r\ncontent-length: {len(content)}\r\n"
    )
    answer = await _exchange(port, head, content)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:500].decode())


async def _exchange(port: int, head: str, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}connection: close\r\n\r\n".encode())
    view = memoryview(body)
    for at in range(0, len(body), BLOCK_BYTES):
        writer.write(view[at : at + BLOCK_BYTES])
        await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


async def _highest(process: psutil.Process) -> int:
    peak = 0
    try:
        while True:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(SAMPLE_SECONDS)
    except asyncio.CancelledError:
        return peak


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _floor(directory: Path, content: bytes) -> str:
    """Hash and write the same bytes in one thread: what no server can be faster than."""
    before, begin = time.process_time(), time.perf_counter()
    view = memoryview(content)
    for number in range(FILES // 4):
        place = directory / f"floor-{number}"
        hashed = hashlib.sha256()
        with place.open("wb", buffering=0) as file:
            for at in range(0, FILE_BYTES, BLOCK_BYTES):
                hashed.update(view[at : at + BLOCK_BYTES])
                file.write(view[at : at + BLOCK_BYTES])
            os.fsync(file.fileno())
        place.unlink()
    megabytes = FILES // 4 * FILE_BYTES / 1e6
    seconds, cpu = time.perf_counter() - begin, time.process_time() - before
    return f"| floor | {megabytes / seconds:,.0f} | {megabytes / cpu:,.0f} | |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        if options.serve:
            runner.run(serve(options.serve.resolve()))
        else:
            with tempfile.TemporaryDirectory(dir=options.directory) as name:
                print("\n".join(runner.run(main(Path(name)))))
