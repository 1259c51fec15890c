"""Preload: what is asked for, all that is wrong with it, and the slots that are given."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.send.problems import Invalid
from intake.preload import EndpointSlots, Preload
from runtime.endpoint_keys import KeyFile
from runtime.key_ring import Key, KeyRing
from runtime.notification_configuration import Attachments
from runtime.slots import open_slot, secret_fits

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RING = KeyRing((Key("a", b"a" * 32),))
SECTION = Attachments(slot_keys=(KeyFile(id="a", file=Path("unused")),))
SLOTS = EndpointSlots(name="send", settings=SECTION, ring=lambda: RING)
SHA256 = b64encode(bytes(range(32))).decode()
ITEM = {"preloadIdx": "1", "contentType": "application/pdf", "sha256": SHA256}


def given(items: Any) -> list[dict[str, str]]:  # noqa: ANN401 - any JSON
    numbers = iter(range(256))
    draw: Callable[[int], bytes] = lambda count: bytes([next(numbers)]) * count  # noqa: E731 - short
    preload = Preload(public_url="https://esito.example/", clock=lambda: NOW, random_bytes=draw)
    body = items if isinstance(items, bytes) else json.dumps(items).encode()
    answer = preload.answer(SLOTS, "comune-x", body)
    assert isinstance(answer.body, bytes)
    assert answer.headers["Cache-Control"] == "no-store"
    found: list[dict[str, str]] = json.loads(answer.body)
    return found


def errors(items: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    with pytest.raises(Invalid) as caught:
        given(items)
    return [
        (one.code.value.removeprefix("PN_GENERIC_"), one.element) for one in caught.value.errors
    ]


def test_each_item_gets_a_slot_of_its_own() -> None:
    metadata = {**ITEM, "preloadIdx": "2", "contentType": "application/json"}

    first, second = given([ITEM, metadata])

    assert first["preloadIdx"] == "1"
    assert first["httpMethod"] == "PUT"
    assert first["key"] == f"PN_NOTIFICATION_ATTACHMENTS-{'00' * 16}.pdf"
    assert second["key"] == f"PN_F24_META-{'01' * 16}.json"
    assert first["secret"] != second["secret"]


def test_url_opens_what_was_declared() -> None:
    (slot,) = given([ITEM])

    url, _, token = slot["url"].rpartition("/")
    sealed = open_slot(token, RING, endpoint="send", at=NOW)

    assert url == "https://esito.example/attachments"
    assert sealed is not None
    assert secret_fits(sealed, slot["secret"].encode())
    assert sealed.slot.body == "comune-x"
    assert sealed.slot.sha256 == bytes(range(32))
    assert sealed.slot.media_type == "application/pdf"
    assert slot["secret"] not in slot["url"]


def test_members_that_send_leaves_optional_may_be_missing() -> None:
    (slot,) = given([{"sha256": SHA256, "unknown": 1}])

    assert "preloadIdx" not in slot
    assert slot["key"].endswith(".pdf")


def test_fifteen_items_are_taken_and_no_more() -> None:
    items = [{**ITEM, "preloadIdx": str(number)} for number in range(16)]

    assert len(given(items[:15])) == 15
    assert errors(items) == [("INVALIDPARAMETER_SIZE", "")]
    assert errors([]) == [("INVALIDPARAMETER_SIZE", "")]


def test_every_error_is_told_at_once() -> None:
    items = [
        {**ITEM, "sha256": SHA256[:-1]},
        {**ITEM, "contentType": "text/html"},
        {"preloadIdx": "a/b"},
    ]

    assert errors(items) == [
        ("INVALIDPARAMETER_PATTERN", "[0].sha256"),
        ("INVALIDPARAMETER_PATTERN", "[1].contentType"),
        ("INVALIDPARAMETER_REQUIRED", "[2].sha256"),
        ("INVALIDPARAMETER_PATTERN", "[2].preloadIdx"),
        ("INVALIDPARAMETER_DUPLICATED", "[1].preloadIdx"),
    ]


@pytest.mark.parametrize(
    "sha256",
    ["A" * 44, "A" * 42 + "B=", "A" * 43 + "=\n", "-" * 43 + "=", "A" * 44 + "=", 1, None],
)
def test_digest_is_written_in_one_way(sha256: object) -> None:
    assert [element for _, element in errors([{**ITEM, "sha256": sha256}])] == ["[0].sha256"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[",
        b"\xff",
        b'[{"sha256":1,"sha256":2}]',
        b"[" * 10_000,
        b"[1]",
        b"[null]",
    ],
)
def test_what_is_no_list_of_items_is_invalid(body: bytes) -> None:
    assert errors(body)


def test_errors_have_no_value_of_the_request() -> None:
    with pytest.raises(Invalid) as caught:
        given([{**ITEM, "sha256": "a-secret-thing", "preloadIdx": "a secret thing"}])

    assert "secret" not in repr(caught.value.errors)
