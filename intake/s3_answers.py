"""Answer an upload as S3 does, since that is what clients of a presigned URL expect.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: codes and statuses are S3's.
"""

import secrets
from base64 import b64encode
from enum import StrEnum
from typing import Final

from aiohttp import web

from runtime.http_server import SERVER
from runtime.slots import Slot

_RETRY_SECONDS: Final = "5"


class UploadCode(StrEnum):
    """What became of an upload: S3's codes, and one for success."""

    STORED = "Stored"
    ACCESS_DENIED = "AccessDenied"
    SIGNATURE_WRONG = "SignatureDoesNotMatch"
    REQUEST_INVALID = "InvalidRequest"
    LENGTH_MISSING = "MissingContentLength"
    TOO_LARGE = "EntityTooLarge"
    DIGEST_WRONG = "BadDigest"
    INCOMPLETE = "IncompleteBody"
    TRAILER_MALFORMED = "MalformedTrailerError"
    TOO_SLOW = "RequestTimeout"
    TOO_MANY = "SlowDown"
    UNAVAILABLE = "ServiceUnavailable"


_STATUSES: Final = {
    UploadCode.ACCESS_DENIED: 403,
    UploadCode.SIGNATURE_WRONG: 403,
    UploadCode.LENGTH_MISSING: 411,
    UploadCode.TOO_MANY: 503,
    UploadCode.UNAVAILABLE: 503,
}


class UploadRefused(Exception):
    """An upload that is not stored; `message` is a sentence of ours and has no value of it."""

    def __init__(self, code: UploadCode, message: str) -> None:
        """Keep both."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def refusal(refused: UploadRefused) -> web.Response:
    """Return S3's error document, and close the connection: more of the body may be on its way."""
    status = _STATUSES.get(refused.code, 400)
    headers = dict(SERVER)
    if status == 503:  # noqa: PLR2004 - the status itself
        headers["Retry-After"] = _RETRY_SECONDS
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{refused.code}</Code><Message>{refused.message}</Message>"
        f"<RequestId>{secrets.token_hex(8)}</RequestId></Error>"
    )
    answer = web.Response(
        status=status, body=text.encode(), content_type="application/xml", headers=headers
    )
    answer.force_close()
    return answer


def stored(*, version: str, slot: Slot) -> web.Response:
    """Return the answer to an upload that is stored: an empty 200 whose header is the version."""
    sha256 = b64encode(slot.sha256).decode()
    fields = {"x-amz-version-id": version, "x-amz-checksum-sha256": sha256}
    return web.Response(headers={**SERVER, **fields, "ETag": f'"{slot.sha256.hex()}"'})
