"""What a head must bring: a sealed path, the traces of a signature, nothing twice."""

from datetime import UTC, datetime
from typing import Final

import pytest
from multidict import CIMultiDict

from contracts.codes import RefusalCode
from ingress.authenticate import Refused, authenticate_path, demand_signature, kept_fields
from runtime.key_ring import Key, KeyRing
from runtime.path_token import mint

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
SECRET: Final = b"a-secret-of-the-unit-tests"
TOKEN: Final = mint(SECRET, endpoint="wallet", state="abc")
SETS: Final = (("a", "b"), ("c",))


def opened(segment: str) -> tuple[str, str]:
    ring = KeyRing((Key("k1", SECRET),))
    return authenticate_path(segment, ring, endpoint="wallet", at=NOW)


def test_path_names_its_key_and_its_transaction() -> None:
    assert opened(TOKEN.segment) == ("k1", TOKEN.transaction_id)


@pytest.mark.parametrize(
    ("segment", "code"),
    [("", RefusalCode.CREDENTIALS_MISSING), ("x", RefusalCode.CREDENTIALS_WRONG)],
)
def test_path_that_is_not_sealed_is_refused(segment: str, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refusal:
        opened(segment)

    assert refusal.value.code == code


@pytest.mark.parametrize("names", [["a", "b"], ["c"], ["A", "B", "C"], ["c", "a"]])
def test_signature_all_of_whose_headers_came_is_taken(names: list[str]) -> None:
    demand_signature(CIMultiDict((name, "v") for name in names), SETS)


@pytest.mark.parametrize(
    "fields", [[], [("a", "v")], [("a", "v"), ("b", "")], [("c", "")], [("d", "v")]]
)
def test_signature_without_all_its_headers_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as refusal:
        demand_signature(CIMultiDict(fields), SETS)

    assert refusal.value.code == RefusalCode.CREDENTIALS_MISSING


def test_signature_inside_the_document_demands_no_header() -> None:
    demand_signature(CIMultiDict(), ())


def test_kept_fields_are_bytes_as_they_came_under_lower_case_names() -> None:
    fields = CIMultiDict([("X-A", " v\udcff"), ("x-b", ""), ("x-c", "not kept")])

    assert kept_fields(fields, ("x-a", "x-b", "x-d")) == {"x-a": b" v\xff", "x-b": b""}


@pytest.mark.parametrize("name", ["X-A", "x-a"])
def test_kept_field_that_came_twice_is_refused(name: str) -> None:
    fields = CIMultiDict([("x-a", "1"), (name, "1")])

    with pytest.raises(Refused) as refusal:
        kept_fields(fields, ("x-a",))

    assert refusal.value.code == RefusalCode.CREDENTIALS_AMBIGUOUS
