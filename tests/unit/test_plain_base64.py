"""One text for each sequence of bytes."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.plain_base64 import decode_base64


@given(st.binary())
def test_what_was_written_is_read(raw: bytes) -> None:
    assert decode_base64(b64encode(raw)) == raw


@pytest.mark.parametrize(
    "text",
    [
        b"QQ",
        b"QQ=",
        b"QQ===",
        b"QUE==",
        b"QR==",
        b"QUF=",
        b"QUFB=",
        b"=",
        b"Q",
        b"QQ==\n",
        b" QQ==",
        b"QUFB QUFB",
        b"QQ==QQ==",
        b"__-_",
        "QUF\u00e8".encode(),
    ],
)
def test_every_other_text_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"base64|[Pp]adding|characters"):
        decode_base64(text)
