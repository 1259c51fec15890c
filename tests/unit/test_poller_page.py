"""A page of a remote stream: cut into elements whose bytes are as they were, or refused whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.poller.page import PageError, read_page

BYTES_MAX = 1_000


def element(number: int, **members: object) -> dict[str, object]:
    given = {"eventId": f"{number:038}", "notificationRequestId": "r" * 36, "iun": "é"}
    return {**given, **members}


def page(*elements: object) -> bytes:
    return json.dumps(elements, ensure_ascii=False).encode()


def test_page_is_cut_into_the_bytes_of_its_elements() -> None:
    first = f'{{"eventId": "{7:038}",  "n": 1.50, "iun": "é"}}'
    second = f'{{"eventId":"{9:038}","notificationRequestId":"abc"}}'

    found = read_page(f" [\n{first} ,\t{second}\r\n] ".encode(), element_bytes_max=BYTES_MAX)

    assert [one.body for one in found] == [first.encode(), second.encode()]
    assert [one.event_id for one in found] == [f"{7:038}", f"{9:038}"]
    assert [one.request_id for one in found] == ["", "abc"]


@pytest.mark.parametrize("body", [b"[]", b" [ ] \n"])
def test_page_without_elements_has_none(body: bytes) -> None:
    assert read_page(body, element_bytes_max=BYTES_MAX) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"\xff",
        b"[",
        b"[{}]",
        b"[1]",
        b"[] []",
        b"[,]",
        page(element(1))[:-1],
        page(element(1)) + b"x",
        page(element(1), element(1)),
        page(element(2), element(1)),
        page(element(1, eventId="1")),
        page(element(1, eventId=1)),
        b"[" * 100_000,
    ],
)
def test_what_could_not_be_acknowledged_or_stored_is_no_page(body: bytes) -> None:
    with pytest.raises(PageError):
        read_page(body, element_bytes_max=BYTES_MAX)


@pytest.mark.parametrize("request_id", [None, 5, "", "two words", "x" * 201, "é"])
def test_element_of_no_known_notification_is_kept_all_the_same(request_id: object) -> None:
    (found,) = read_page(
        page(element(1, notificationRequestId=request_id)), element_bytes_max=BYTES_MAX
    )

    assert found.request_id == ""


def test_element_that_is_too_large_is_cut_and_the_others_are_not() -> None:
    body = page(element(1), element(2, text="x" * BYTES_MAX), element(3))
    whole = len(page(element(2, text="x" * BYTES_MAX))) - len("[]")

    first, large, last = read_page(body, element_bytes_max=BYTES_MAX)

    assert (first.cut_from, last.cut_from) == (0, 0)
    assert (len(large.body), large.event_id, large.request_id) == (BYTES_MAX, f"{2:038}", "r" * 36)
    assert large.cut_from == whole


def test_number_with_ten_thousand_digits_is_kept_as_it_is() -> None:
    digits = b"9" * 10_000
    body = b'[{"eventId": "%038d", "n": %s}]' % (1, digits)

    (found,) = read_page(body, element_bytes_max=20_000)

    assert digits in found.body


@given(st.binary())
def test_arbitrary_bytes_are_a_page_or_refused(body: bytes) -> None:
    try:
        found = read_page(body, element_bytes_max=BYTES_MAX)
    except PageError:
        return
    assert all(one.body in body for one in found)
