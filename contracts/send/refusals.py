"""Name why a request that was taken is refused after all: SEND's codes, and what leads to each.

https://github.com/pagopa/pn-delivery-push-validator (PnDeliveryPushValidatorExceptionCodes). SEND
has more codes, which we never give: RECIPIENT_ID_NOT_VALID is reserved, SERVICE_UNAVAILABLE is a
request that waits here, and MESSAGE_… and CAMPAIGN_… are of another product.
"""

import re
from enum import StrEnum
from typing import Final

from contracts.update import Reason

_TEXT_CHARACTERS_MAX: Final = 500  # of a reason; SEND's own bound for `detail` is 2,048
_RECIPIENT: Final = re.compile(r"recipients\[([0-9]{1,9})\]")


class Refusal(StrEnum):
    """Why a request is refused."""

    PAYMENT_NOT_VALID = "PAYMENT_NOT_VALID"
    FILE_NOTFOUND = "FILE_NOTFOUND"
    FILE_GONE = "FILE_GONE"
    FILE_SHA_ERROR = "FILE_SHA_ERROR"
    FILE_PDF_TOOBIG_ERROR = "FILE_PDF_TOOBIG_ERROR"
    FILE_PDF_INVALID_ERROR = "FILE_PDF_INVALID_ERROR"
    TAXID_NOT_VALID = "TAXID_NOT_VALID"
    SENDER_DISABLED_MORE_THAN_20_GRAMS = "SENDER_DISABLED_MORE_THAN_20_GRAMS"
    F24_METADATA_NOT_VALID = "F24_METADATA_NOT_VALID"
    ADDRESS_NOT_FOUND = "ADDRESS_NOT_FOUND"
    ADDRESS_SEARCH_FAILED = "ADDRESS_SEARCH_FAILED"
    NOT_VALID_ADDRESS = "NOT_VALID_ADDRESS"


def refusal(code: Refusal, text: str, where: str) -> Reason:
    """Return one finding against a request: code, rule, and the part of the request (`where`)."""
    return Reason(code=code.value, text=text[:_TEXT_CHARACTERS_MAX], where=where)


def recipient_index(where: str) -> int | None:
    """Return which recipient a finding is about (0 is the first), if it is about one."""
    found = _RECIPIENT.match(where)
    return int(found[1]) if found else None
