"""Name what is wrong with a request before it is taken: SEND's codes for a 400, one for each error.

https://github.com/pagopa/pn-commons (PnExceptionsCodes) and https://github.com/pagopa/pn-delivery
(PnDeliveryExceptionCodes).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ELEMENT_CHARACTERS_MAX: Final = 512
DETAIL_CHARACTERS_MAX: Final = 1_024  # of SEND's ProblemError


class ProblemCode(StrEnum):
    """Why a request is answered 400."""

    INVALID = "PN_GENERIC_INVALIDPARAMETER"
    REQUIRED = "PN_GENERIC_INVALIDPARAMETER_REQUIRED"
    PATTERN = "PN_GENERIC_INVALIDPARAMETER_PATTERN"
    SIZE = "PN_GENERIC_INVALIDPARAMETER_SIZE"
    MINIMUM = "PN_GENERIC_INVALIDPARAMETER_MIN"
    MAXIMUM = "PN_GENERIC_INVALIDPARAMETER_MAX"
    DUPLICATED = "PN_GENERIC_INVALIDPARAMETER_DUPLICATED"
    GROUP = "PN_DELIVERY_INVALIDPARAMETER_GROUP"
    LANGUAGES = "PN_DELIVERY_INVALIDADDITIONALLANGS"
    SENDER_TAX_ID = "PN_DELIVERY_INVALID_SENDER_TAX_ID"


@dataclass(frozen=True, slots=True)
class ProblemError:
    """One error: its code, the path of the part it is about (`recipients[0].taxId`), and a rule.

    Neither `element` nor `detail` ever has a value of the request.
    """

    code: ProblemCode
    element: str
    detail: str


class Invalid(Exception):
    """A request that cannot be taken, with all its errors."""

    def __init__(self, errors: Sequence[ProblemError]) -> None:
        """Keep the errors, of which there is at least one."""
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)
