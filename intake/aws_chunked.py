r"""Undo `Content-Encoding: aws-chunked`, in which AWS's clients send a checksum after the bytes.

Pure: bytes in, bytes out. The format, of which signatures and the empty line are optional, is of
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html:

    <size in hexadecimal>;chunk-signature=…\r\n <bytes> \r\n … 0\r\n <name>:<value>\r\n … \r\n

Signatures of chunks are not checked: the slot says who uploads, the digest says what.
"""

import re
from collections.abc import Iterator
from typing import Final

# A signature takes 85 characters, and a checksum of SHA-512 with its name 120.
_LINE_BYTES_MAX: Final = 512
_TRAILERS_MAX: Final = 8
# One ends the body; some clients send another one before the trailers.
_EMPTY_LINES_MAX: Final = 2
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})(?:;[ -~]*)?")
_TRAILER: Final = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([!-~]*)[ \t]*")


class ChunkError(Exception):
    """The body is not what its encoding promises."""


class AwsChunked:
    """The reader of one body; `trailers` are complete when `finish` has returned."""

    def __init__(self) -> None:
        """Begin before the first chunk."""
        self.trailers: dict[str, str] = {}
        self._line = b""
        self._left = 0
        self._after_bytes = False
        self._last = False
        self._empty_lines = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield the bytes of the file that `block` holds.

        Raises:
            ChunkError: there is no such body.
        """
        at = 0
        while at < len(block):
            if self._left:
                piece = block[at : at + self._left]
                self._left -= len(piece)
                self._after_bytes = self._left == 0
                at += len(piece)
                yield piece
                continue
            end = block.find(b"\n", at)
            self._line += block[at : end + 1 if end >= 0 else len(block)]
            if len(self._line) > _LINE_BYTES_MAX:
                raise ChunkError("a line is too long")
            if end < 0:
                return
            at = end + 1
            line, self._line = self._line, b""
            self._take(line)

    def finish(self) -> None:
        """Say that nothing more comes.

        Raises:
            ChunkError: the last chunk is missing.
        """
        if not self._last or self._line:
            raise ChunkError("the last chunk is missing")

    def _take(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise ChunkError("a line does not end with CR LF")
        text = line[:-2]
        if self._last:
            self._take_trailer(text)
        elif self._after_bytes:
            if text:
                raise ChunkError("a chunk is longer than it says")
            self._after_bytes = False
        else:
            size = _SIZE.fullmatch(text)
            if size is None:
                raise ChunkError("a chunk does not begin with its size")
            self._left = int(size[1], 16)
            self._last = self._left == 0

    def _take_trailer(self, text: bytes) -> None:
        if not text:
            self._empty_lines += 1
            if self._empty_lines > _EMPTY_LINES_MAX:
                raise ChunkError("the body does not end")
            return
        found = _TRAILER.fullmatch(text)
        if found is None or len(self.trailers) == _TRAILERS_MAX:
            raise ChunkError("what follows the last chunk is no trailer")
        name = found[1].decode().lower()
        if name in self.trailers:
            raise ChunkError("a trailer stands twice")
        self.trailers[name] = found[2].decode()
