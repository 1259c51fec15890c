"""Read the bytes of an upload, block by block, whatever they are wrapped in.

- As they are, with a Content-Length or in chunks; or in `aws-chunked`, which AWS's clients use.
- Idle for too long, or slower than a modem for longer than that: the caller is cut off. What counts
  is the file's bytes; of what they are wrapped in, no more is taken than of them.
- The checksum that a client sends after the bytes, as a trailer of either kind, is compared too.
"""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError
from aiohttp.web_protocol import RequestPayloadError

from intake.aws_chunked import AwsChunked, ChunkError
from intake.s3_answers import UploadCode, UploadRefused
from intake.trailers import trailers_of

CHECKSUM: Final = "x-amz-checksum-sha256"
# Who is slower is no upload: 200 MB would take four hours.
_BYTES_A_SECOND_MIN: Final = 16_384
# Chunks of AWS's clients have 8 KiB at least, and 87 bytes beside them. One of a byte may have 500.
_WRAPPING_BYTES_MIN: Final = 65_536
_INCOMPLETE: Final = UploadRefused(UploadCode.INCOMPLETE, "The body ended before its end.")


class UploadBody:
    """The body of one upload; its head is checked when this is made."""

    def __init__(self, request: web.BaseRequest, *, bytes_max: int, idle_seconds: float) -> None:
        """Check what the head says.

        Raises:
            UploadRefused: InvalidRequest, MissingContentLength, EntityTooLarge.
        """
        self._request = request
        self._bytes_max = bytes_max
        self._wrapped_bytes_max = 2 * bytes_max + _WRAPPING_BYTES_MIN
        self._total = 0  # bytes of the file so far
        self._idle_seconds = idle_seconds
        self._aws = AwsChunked() if _encoding(request) == "aws-chunked" else None
        self._decoded = _decoded_length(request) if self._aws else None
        self._check_length()

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the file.

        Raises:
            UploadRefused: IncompleteBody, EntityTooLarge, RequestTimeout.
        """
        received = 0
        async for block in self._received():
            received += len(block)
            if received > self._wrapped_bytes_max:
                raise self._too_large()
            # One piece for each block: a write costs the same for a byte as for all of them.
            piece = block if self._aws is None else self._unwrapped(self._aws, block)
            self._total += len(piece)
            if self._total > self._bytes_max:
                raise self._too_large()
            if piece:
                yield piece
        if self._aws is not None:
            try:
                self._aws.finish()
            except ChunkError:
                raise _INCOMPLETE from None
            if self._decoded is not None and self._total != self._decoded:
                raise _INCOMPLETE

    def check_trailers(self, sha256: bytes) -> None:
        """Compare the checksum that came after the body.

        Raises:
            UploadRefused: MalformedTrailerError when it was announced and is not there; BadDigest.
        """
        known = self._aws.trailers if self._aws else trailers_of(self._request)
        given = known.get(CHECKSUM) if known is not None else None
        if given is not None:
            check_checksum(given, sha256)
        elif known is not None and self._is_announced():
            raise UploadRefused(
                UploadCode.TRAILER_MALFORMED, "The announced checksum did not follow the body."
            )

    def _is_announced(self) -> bool:
        names = self._request.headers.getall("x-amz-trailer" if self._aws else "Trailer", [])
        return CHECKSUM in {one.strip().lower() for text in names for one in text.split(",")}

    async def _received(self) -> AsyncIterator[bytes]:
        content = self._request.content
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            while True:
                async with asyncio.timeout(self._idle_seconds):
                    block = await content.readany()
                if not block:
                    return
                yield block
                seconds = loop.time() - begin - self._idle_seconds
                if seconds * _BYTES_A_SECOND_MIN > self._total:
                    raise TimeoutError
        except TimeoutError:
            raise UploadRefused(
                UploadCode.TOO_SLOW, "The body did not come within the time-out."
            ) from None
        except (RequestPayloadError, PayloadEncodingError, HttpProcessingError, ConnectionError):
            raise _INCOMPLETE from None
        except RuntimeError:
            # aiohttp's word for: the connection was gone before the first byte was asked for.
            if self._request.transport is None:
                raise _INCOMPLETE from None
            raise

    def _unwrapped(self, aws: AwsChunked, block: bytes) -> bytes:
        try:
            return b"".join(aws.feed(block))
        except ChunkError:
            raise UploadRefused(
                UploadCode.INCOMPLETE, "The body is not in the encoding that it names."
            ) from None

    def _check_length(self) -> None:
        request = self._request
        coding = request.headers.get("Transfer-Encoding", "").lower()
        if coding not in {"", "chunked"}:
            raise UploadRefused(UploadCode.REQUEST_INVALID, "This transfer coding is not taken.")
        length = request.content_length if self._decoded is None else self._decoded
        if length is None and not coding:
            raise UploadRefused(UploadCode.LENGTH_MISSING, "A Content-Length is needed.")
        if length is not None and length > self._bytes_max:
            raise self._too_large()
        if (request.content_length or 0) > self._wrapped_bytes_max:
            raise self._too_large()

    def _too_large(self) -> UploadRefused:
        message = f"The file has more than {self._bytes_max} bytes."
        return UploadRefused(UploadCode.TOO_LARGE, message)


def check_checksum(given: str, sha256: bytes) -> None:
    """Compare a checksum, written in base64, with a digest.

    Raises:
        UploadRefused: InvalidRequest, BadDigest.
    """
    try:
        presented = b64decode(given, validate=True)
    except ValueError:
        raise UploadRefused(
            UploadCode.REQUEST_INVALID, f"The value of {CHECKSUM} is not base64."
        ) from None
    if presented != sha256:
        raise UploadRefused(
            UploadCode.DIGEST_WRONG, "The SHA-256 given is not that of the upload slot."
        )


def _encoding(request: web.BaseRequest) -> str:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "aws-chunked"}:
        raise UploadRefused(UploadCode.REQUEST_INVALID, "This content encoding is not taken.")
    return encoding


def _decoded_length(request: web.BaseRequest) -> int | None:
    given = request.headers.get("x-amz-decoded-content-length")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 15):  # noqa: PLR2004 - a petabyte
        raise UploadRefused(
            UploadCode.REQUEST_INVALID, "x-amz-decoded-content-length is not a number."
        )
    return int(given)
