"""aws-chunked: what is in it, however the packets fall, and what is none."""

import asyncio
from itertools import pairwise

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from intake.aws_chunked import AwsChunked, ChunkError
from intake.upload_body import UploadBody

SIGNATURE = b";chunk-signature=" + b"0" * 64
BODY = (
    b"5" + SIGNATURE + b"\r\n0\r\n\r\n\r\n"  # the bytes of the file look like the end
    b"A\r\n0123456789\r\n"
    b"0" + SIGNATURE + b"\r\nX-Amz-Checksum-Sha256: abc=\r\nx-other:1\r\n\r\n"
)


def read(*blocks: bytes) -> tuple[bytes, dict[str, str]]:
    reader = AwsChunked()
    content = b"".join(piece for block in blocks for piece in reader.feed(block))
    reader.finish()
    return content, reader.trailers


@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_packets_may_fall_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    blocks = [BODY[begin:end] for begin, end in pairwise(places)]

    content, trailers = read(*blocks)

    assert content == b"0\r\n\r\n0123456789"
    assert trailers == {"x-amz-checksum-sha256": "abc=", "x-other": "1"}


def test_the_empty_line_at_the_end_may_be_missing() -> None:
    assert read(b"1\r\na\r\n0\r\n") == (b"a", {})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1\r\na\r\n",
        b"1\r\nab\r\n0\r\n\r\n",
        b"1\na\r\n0\r\n\r\n",
        b"-1\r\na\r\n0\r\n\r\n",
        b"+1\r\na\r\n0\r\n\r\n",
        b" 1\r\na\r\n0\r\n\r\n",
        b"0x1\r\na\r\n0\r\n\r\n",
        b"1\r\na\r\n0\r\nno trailer\r\n\r\n",
        b"0\r\na:1\r\nA:2\r\n\r\n",
        b"0\r\na:\x00\r\n\r\n",
        b"0\r\nunfinished",
        b"1" * 600,
        b"f" * 13 + b"\r\n",
        b"0\r\n" + b"".join(b"a%d:1\r\n" % number for number in range(9)),
    ],
)
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(ChunkError):
        read(body)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_fail_in_the_declared_way_alone(body: bytes) -> None:
    try:
        content, _ = read(body)
    except ChunkError:
        return
    assert len(content) < len(body)


async def test_tiny_chunks_are_no_more_blocks_than_came() -> None:
    content = b"a" * 10_000
    sent = b"1\r\na\r\n" * len(content) + b"0\r\n\r\n"
    loop = asyncio.get_running_loop()
    payload = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    payload.feed_data(sent)
    payload.feed_eof()
    headers = {
        "Content-Encoding": "aws-chunked",
        "Content-Length": str(len(sent)),
        "x-amz-decoded-content-length": str(len(content)),
    }
    request = make_mocked_request("PUT", "/", headers=headers, payload=payload)

    body = UploadBody(request, bytes_max=len(content), idle_seconds=1)
    blocks = [block async for block in body.blocks()]

    assert blocks == [content]


def test_a_body_that_does_not_end_is_none() -> None:
    with pytest.raises(ChunkError, match="does not end"):
        read(b"1\r\na\r\n0\r\n" + b"\r\n" * 3)
