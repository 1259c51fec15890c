"""Cut a page of a stream into its elements, each as its bytes were. Pure.

Only what the next reading needs is looked at here: an element that makes no sense beyond that
becomes a raw record all the same, and the verifier's dead letter; of one that is too large, the
first bytes do.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from contracts.update import TRANSACTION_ID_CHARACTERS_MAX

# pn-stream-api-external.yaml: `eventId`, which `lastEventId` repeats.
_EVENT_ID: Final = re.compile(r"0[0-9]{37}")
_REQUEST_ID: Final = re.compile(rf"[!-~]{{1,{TRANSACTION_ID_CHARACTERS_MAX}}}")
_BLANK: Final = re.compile(r"[ \t\r\n]*")


class PageError(Exception):
    """The answer is no page that could be stored and acknowledged; the text says why."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a page: its bytes, its number in the stream, the notification it is about."""

    body: bytes = field(repr=False)
    event_id: str
    request_id: str
    cut_from: int = 0

    def cut(self, bytes_max: int) -> "Element":
        """Return it with no more than `bytes_max` bytes, and how many there were."""
        if len(self.body) <= bytes_max:
            return self
        whole = self.cut_from or len(self.body)
        return replace(self, body=self.body[:bytes_max], cut_from=whole)


def read_page(body: bytes, *, element_bytes_max: int) -> tuple[Element, ...]:
    """Return the elements of a page in its order; those above `element_bytes_max` are cut.

    Raises:
        PageError: it is no array of objects with ascending event ids.
    """
    try:
        text = body.decode("utf-8")
        elements = tuple(_elements(text))
    except (ValueError, RecursionError):
        raise PageError("not an array of elements with event ids") from None
    ids = [one.event_id for one in elements]
    if any(later <= earlier for earlier, later in pairwise(ids)):
        raise PageError("event ids do not ascend")
    return tuple(one.cut(element_bytes_max) for one in elements)


def _elements(text: str) -> Iterator[Element]:
    at = _expected(text, 0, "[")
    if text[at : at + 1] == "]":
        _end(text, at + 1)
        return
    while True:
        value, end = _DECODER.raw_decode(text, at)
        yield _element(value, text[at:end])
        end = _after_blanks(text, end)
        if text[end : end + 1] == "]":
            _end(text, end + 1)
            return
        at = _expected(text, end, ",")


def _element(value: Any, text: str) -> Element:  # noqa: ANN401 - JSON holds any value
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what is wrong is the text
    event_id, request_id = value.get("eventId"), value.get("notificationRequestId")
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise ValueError("no event id")
    known = isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id)
    return Element(text.encode(), event_id, str(request_id) if known else "")


def _expected(text: str, at: int, sign: str) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"no {sign}")
    return _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _end(text: str, at: int) -> None:
    if _after_blanks(text, at) != len(text):
        raise ValueError("something follows the array")


def _passed_over(_: str) -> None:
    """Take no number for anything: one of ten thousand digits is not to be computed."""


_DECODER: Final = json.JSONDecoder(
    parse_int=_passed_over, parse_float=_passed_over, parse_constant=_passed_over
)
