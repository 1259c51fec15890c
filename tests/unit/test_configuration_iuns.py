"""Endpoints that share a raw topic must never give one IUN twice."""

from typing import Any

import pytest
from pydantic import ValidationError

from runtime.configuration import Configuration


def endpoint(name: str, key: str, half: int) -> dict[str, Any]:
    def keys(file: str) -> list[dict[str, str]]:
        return [{"id": "a", "file": file}]

    return {
        "name": name,
        "provider": "send",
        "path": f"/{name}",
        "api_key": {"keys": keys("caller.key")},
        "notifications": {
            "bodies": [{"id": "comune", "tax_id": "77777777777", "keys": keys("body.key")}],
            "attachments": {"slot_keys": keys("slots.key")},
            "iun_keys": {"keys": keys(key)},
            "iun_half": half,
        },
    }


def configured(*given: tuple[str, int]) -> Configuration:
    endpoints = [endpoint(f"send-{at}", *one) for at, one in enumerate(given)]
    return Configuration.model_validate({"endpoints": endpoints})


@pytest.mark.parametrize(
    "given", [[("one.key", 0), ("one.key", 0)], [("one.key", 0), ("two.key", 1)], [("one.key", 1)]]
)
def test_one_permutation_or_two_halves_are_taken(given: list[tuple[str, int]]) -> None:
    assert len(configured(*given).endpoints) == len(given)


def test_two_permutations_of_one_half_are_refused() -> None:
    with pytest.raises(ValidationError, match="send-0 and send-2 could give one IUN twice"):
        configured(("one.key", 0), ("two.key", 1), ("two.key", 0))
