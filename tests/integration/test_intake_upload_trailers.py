"""Checksums that follow the body: HTTP trailers, and aws-chunked as AWS's own clients send it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.service_configuration import ObjectStore
from tests.integration.upload_site import (
    Site,
    Slot,
    code_of,
    digest,
    head,
    read_answer,
    upload_site,
)

PDF = b"%PDF-1.7\n0\r\nx-amz-checksum-sha256: fake\r\n\r\n" + secrets.token_bytes(200_000)
NAME = "x-amz-checksum-sha256"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with upload_site(ObjectStore(url=(tmp_path / "store").as_uri())) as running:
        yield running


def chunked(content: bytes, *trailers: str, extension: bytes = b"", size: int = 65_536) -> bytes:
    body = b""
    for at in range(0, len(content), size):
        piece = content[at : at + size]
        body += b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
    last = "".join(f"{one}\r\n" for one in trailers)
    return body + b"0" + extension + b"\r\n" + last.encode() + b"\r\n"


@pytest.mark.parametrize(
    ("trailers", "announced", "code"),
    [
        ((f"{NAME}: {digest(PDF)}",), f"trailer: {NAME}", ""),
        ((f"X-Amz-Checksum-Sha256:{digest(PDF)}",), "x: y", ""),
        ((f"{NAME}: {digest(b'other')}",), f"Trailer: x-other, {NAME.upper()}", "BadDigest"),
        ((f"{NAME}: no base64!",), f"trailer: {NAME}", "InvalidRequest"),
        (("x-other: 1",), f"trailer: {NAME}", "MalformedTrailerError"),
        ((), f"trailer: {NAME}", "MalformedTrailerError"),
        ((), "x: y", ""),
    ],
)
@pytest.mark.parametrize("size", [1_000, 65_536])
async def test_http_trailer_is_compared(
    site: Site, trailers: tuple[str, ...], announced: str, code: str, size: int
) -> None:
    slot = await site.slot(PDF)
    begin = head(slot, "transfer-encoding: chunked", announced)

    answer = await site.exchange(begin, chunked(PDF, *trailers, size=size))

    assert answer.startswith(b"HTTP/1.1 400" if code else b"HTTP/1.1 200")
    assert code_of(answer) == code


async def test_trailer_is_read_whatever_packets_it_comes_in(site: Site) -> None:
    """The head too: the parser is chosen by the first bytes of the request."""
    slot = await site.slot(PDF)
    begin = head(slot, "transfer-encoding: chunked", f"trailer: {NAME}")
    body = chunked(PDF, f"{NAME}: {digest(b'other')}")

    answer = await site.exchange(
        b"PU", b"T /attach", begin[11:], body[:-60], body[-60:], pause_seconds=0.05
    )

    assert code_of(answer) == "BadDigest"


async def test_trailer_is_read_of_the_second_request_of_a_connection(site: Site) -> None:
    slot = await site.slot(PDF)
    begin = head(slot, "transfer-encoding: chunked", f"trailer: {NAME}")
    first = begin.replace(b"connection: close\r\n", b"")

    answer = await site.exchange(
        first + chunked(PDF, f"{NAME}: {digest(PDF)}"),
        begin + chunked(PDF, f"{NAME}: {digest(b'other')}"),
    )

    assert answer.startswith(b"HTTP/1.1 200")
    assert code_of(answer) == "BadDigest"


async def test_upload_after_a_preload_on_one_connection_has_its_trailer_read(site: Site) -> None:
    slot = await site.slot(PDF)
    preload = b"POST /delivery/attachments/preload HTTP/1.1\r\nhost: x\r\nx-body: comune-x\r\n"
    begin = head(slot, "transfer-encoding: chunked", f"trailer: {NAME}")
    reader_writer = await _open(site)
    reader, writer = reader_writer
    writer.write(preload + b"content-length: 2\r\n\r\n[]")
    first = await reader.readuntil(b"}]}")

    writer.write(begin + chunked(PDF, f"{NAME}: {digest(b'other')}"))
    second = await read_answer(reader)
    writer.close()

    assert first.startswith(b"HTTP/1.1 400")
    assert code_of(second) == "BadDigest"


def aws(slot: Slot, length: int, *, decoded: int | None = None, announced: bool = True) -> bytes:
    fields = [
        "content-encoding: aws-chunked",
        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        f"content-length: {length}",
        f"x-amz-decoded-content-length: {len(slot.content) if decoded is None else decoded}",
    ]
    return head(slot, *fields, *([f"x-amz-trailer: {NAME}"] if announced else []))


@pytest.mark.parametrize("extension", [b"", b";chunk-signature=" + b"0" * 64])
@pytest.mark.parametrize(
    ("trailers", "status", "code"),
    [
        ((f"{NAME}:{digest(PDF)}",), 200, ""),
        ((f"{NAME}:{digest(PDF)}", "x-amz-trailer-signature:" + "0" * 64), 200, ""),
        ((f"{NAME}:{digest(b'other')}",), 400, "BadDigest"),
        ((), 400, "MalformedTrailerError"),
    ],
)
async def test_aws_trailer_is_compared(
    site: Site, extension: bytes, trailers: tuple[str, ...], status: int, code: str
) -> None:
    slot = await site.slot(PDF)
    body = chunked(PDF, *trailers, extension=extension)

    answer = await site.exchange(aws(slot, len(body)), body)

    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert code_of(answer) == code


@pytest.mark.parametrize("decoded", [len(PDF) - 1, len(PDF) + 1])
async def test_aws_length_must_be_true(site: Site, decoded: int) -> None:
    slot = await site.slot(PDF)
    body = chunked(PDF)

    answer = await site.exchange(aws(slot, len(body), decoded=decoded, announced=False), body)

    assert code_of(answer) == "IncompleteBody"
    assert await site.stored() == []


async def test_aws_body_without_its_last_chunk_is_incomplete(site: Site) -> None:
    slot = await site.slot(PDF)
    body = chunked(PDF).removesuffix(b"0\r\n\r\n")

    answer = await site.exchange(aws(slot, len(body), announced=False), body)

    assert code_of(answer) == "IncompleteBody"


async def _open(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", site.port)
