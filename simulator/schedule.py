"""Declare when each provider sends a callback again, and when it never does. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

# What a provider does in minutes or days; longer than a busy machine answers 503.
RETRY_SECONDS: Final = 20.0
_SERVER_ERRORS: Final = frozenset(range(500, 600))


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """A provider's own rules: `retried` answers and broken connections come again after each delay.

    Any other answer than `success` ends the matter: the provider counts the callback as failed, and
    it is lost until a person sends it again.
    """

    success: frozenset[int]
    retried: frozenset[int]
    delays_seconds: tuple[float, ...]

    def retries(self, answer: int | None) -> bool:
        """Tell whether the provider tries again after this HTTP status (None: no answer)."""
        return answer is None or answer in self.retried

    def within(self, seconds: float) -> Iterator[float]:
        """Return the delays so compressed that they last `seconds` together."""
        whole = sum(self.delays_seconds)
        return (delay / whole * seconds for delay in self.delays_seconds)


# https://pivot-payment.gitbook.io/ (api-references/api-information/callback), read 2026-11: retried
# on 5xx, 408, 429 and Pivot's own errors, after 5 min, 15 min, 1 h, 3 h, 6 h and 12 h. Every other
# 4xx loses the callback until somebody presses a button in the dashboard.
PIVOT: Final = RetrySchedule(
    success=frozenset({HTTPStatus.OK}),
    retried=_SERVER_ERRORS | {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS},
    delays_seconds=(300, 900, 3_600, 10_800, 21_600, 43_200),
)

# UAE PASS documents "an automatic retry mechanism" and 200, 401 and 409 as answers; how often and
# when it retries stands only in images. Assumed here: the same answers as Pivot, four times in an
# hour.
UAEPASS: Final = RetrySchedule(
    success=frozenset({HTTPStatus.OK}),
    retried=_SERVER_ERRORS | {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS},
    delays_seconds=(60, 300, 900, 2_400),
)

# EPC133-22 says nothing of retries of a callback, and pagoPA's own receiver answers 400 to a
# duplicate. Assumed here: the same answers as Pivot, four times in an hour.
SRTP: Final = RetrySchedule(
    success=frozenset({HTTPStatus.OK}),
    retried=_SERVER_ERRORS | {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS},
    delays_seconds=(60, 300, 900, 2_400),
)

# https://docs.namirial.app/products/wallet/api-guide/callback, read 2026-11, documents no retry.
# Assumed for a gateway that is played well: twice when there is no answer or a 503.
WALLET: Final = RetrySchedule(
    success=frozenset({HTTPStatus.OK}),
    retried=_SERVER_ERRORS | {HTTPStatus.TOO_MANY_REQUESTS},
    delays_seconds=(60, 300),
)

# SEND documents no retry of its callers. Assumed here, for a public body and a delivery system that
# are written well: twice when there is no answer, 429 or 5xx; a request is the same to the byte.
SEND: Final = RetrySchedule(
    success=frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED}),
    retried=_SERVER_ERRORS | {HTTPStatus.TOO_MANY_REQUESTS},
    delays_seconds=(10, 60, 300),
)
