"""What one record needs: found once, waited for, and given up in the end."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from contracts.errors import Unavailable
from contracts.needs import (
    CONTENTS_BYTES_MAX,
    AddressFound,
    AddressNeed,
    FileFacts,
    FileNeed,
    PdfFacts,
)
from contracts.raw import RawCallback, Source
from tests.updates import NOON, at
from workers.verifier.address_local import LocalAddresses, normalised
from workers.verifier.finder import Finder, Wanted
from workers.verifier.stored_files import StoredFiles

PDF = FileNeed("pdf", "a.pdf", "v", "s", "comune")
JSON = FileNeed("json", "a.json", "v", "s", "comune")
ROMA = {"address": "Via  Roma 1", "zip": "00184", "municipality": "Roma", "province": "rm"}
MINUTE = timedelta(seconds=60)


@dataclass
class Shelf:
    """Files that are what a test says."""

    facts: Mapping[str, FileFacts]
    asked: list[str] = field(default_factory=list)

    async def find(self, need: FileNeed, received_at: str, key: Hashable) -> FileFacts:
        del received_at, key
        self.asked.append(need.key)
        return self.facts[need.key]


@dataclass
class Case:
    """A finder over a shelf and the local registry, with a clock that a test moves."""

    facts: Mapping[str, FileFacts] = field(default_factory=dict)
    now: datetime = NOON
    counted: list[tuple[str, str]] = field(default_factory=list)
    shelf: Shelf = field(init=False)
    finder: Finder = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.facts)
        self.finder = Finder(
            cast("StoredFiles", self.shelf),
            LocalAddresses(),
            give_up_seconds=3_600,
            count=lambda what, outcome, _: self.counted.append((what, outcome)),
            now=lambda: self.now,
        )

    async def complete(self, wanted: Wanted) -> dict[str, Any]:
        await self.finder.complete(wanted, 0)
        return wanted.found


def wanted(**needs: object) -> Wanted:
    callback = RawCallback(
        body=b"",
        callback_id="c",
        endpoint="send-it",
        source=Source.REQUEST,
        received_at=at(),
        method="POST",
        target_uri="https://example.org",
        principal="",
    )
    return Wanted(callback, needs)


def person(tax_id: str, address: Mapping[str, str] | None = None) -> AddressNeed:
    return AddressNeed(0, tax_id, "PF", address)


async def test_every_need_is_found_under_its_name() -> None:
    case = Case({"a.pdf": FileFacts("found", "s", 9, PdfFacts("scripted"))})

    found = await case.complete(wanted(file=PDF, home=person("VRD", ROMA), far=person("X")))

    assert found["file"].pdf == PdfFacts("scripted")
    assert found["home"].address == {k: v.upper() for k, v in ROMA.items()} | {
        "address": "VIA ROMA 1"
    }
    assert found["far"] == AddressFound("not_found")
    assert case.counted == [("pdf", "scripted"), ("address", "found"), ("address", "not_found")]


async def test_what_was_found_is_not_looked_up_again_while_the_registry_is_away() -> None:
    case = Case({"a.pdf": FileFacts("found")})
    mine = wanted(file=PDF, away=person("W"), home=person("VRD"))

    for _ in range(3):
        with pytest.raises(Unavailable):
            await case.complete(mine)

    assert case.shelf.asked == ["a.pdf"]
    assert set(mine.found) == {"file", "home"}
    assert case.counted.count(("address", "found")) == 1
    assert case.counted.count(("address", "unavailable")) == 3


async def test_address_is_failed_once_the_time_from_receipt_is_over() -> None:
    case, mine = Case(), wanted(away=person("W"))

    case.now = NOON + timedelta(seconds=3_599)
    with pytest.raises(Unavailable):
        await case.complete(mine)
    case.now = NOON + timedelta(seconds=3_659)
    found = await case.complete(mine)

    assert found == {"away": AddressFound("failed")}


async def test_record_that_is_read_late_is_not_failed_for_one_moment() -> None:
    """A replay after a month, or a backlog: the registry has a minute all the same."""
    case, mine = Case(now=NOON + timedelta(days=30)), wanted(away=person("W"))

    for seconds in (0, 59):
        case.now = NOON + timedelta(days=30, seconds=seconds)
        with pytest.raises(Unavailable):
            await case.complete(mine)
    case.now += timedelta(seconds=1)

    assert await case.complete(mine) == {"away": AddressFound("failed")}


async def test_contents_of_one_request_are_bounded_together() -> None:
    half = b" " * (CONTENTS_BYTES_MAX // 2)
    facts = FileFacts("found", "s", len(half), content=half)
    case = Case({"a.json": facts})

    found = await case.complete(wanted(one=JSON, two=JSON, three=JSON))

    assert [len(found[name].content or b"") for name in ("one", "two", "three")] == [
        len(half),
        len(half),
        0,
    ]
    assert found["three"].sha256 == "s"


async def test_need_that_nobody_knows_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="phone"):
        await Case().complete(wanted(phone="+39"))


@pytest.mark.parametrize(
    ("tax_id", "outcome"),
    [
        ("XRD", "not_found"),
        ("9", "not_found"),
        ("Y", "not_valid"),
        ("8", "not_valid"),
        ("A", "found"),
    ],
)
async def test_local_registry_goes_by_the_tax_id_where_no_address_is_given(
    tax_id: str, outcome: str
) -> None:
    assert (await LocalAddresses().find(person(tax_id))).outcome == outcome


@pytest.mark.parametrize("tax_id", ["W", "w", "7"])
async def test_local_registry_is_away_for_some(tax_id: str) -> None:
    with pytest.raises(Unavailable):
        await LocalAddresses().find(person(tax_id))


@pytest.mark.parametrize(
    "changes",
    [
        {"zip": "0018"},
        {"zip": "001840"},
        {"zip": "\uff10" + "0184"},
        {"province": "XX"},
        {"province": ""},
        {"municipality": " "},
        {"address": ""},
    ],
)
def test_address_that_cannot_be_is_not_valid(changes: Mapping[str, str]) -> None:
    assert normalised({**ROMA, **changes}) == AddressFound("not_valid")


def test_address_abroad_needs_neither_province_nor_postal_code() -> None:
    abroad = {"address": "1 Main St", "municipality": "Paris", "foreignState": "Francia"}

    assert normalised(abroad).outcome == "found"


def test_addresses_of_pagopa_s_test_environment_exist() -> None:
    assert normalised({**ROMA, "address": "VIA @FAIL-IRREPERIBILE_AR"}).outcome == "found"
