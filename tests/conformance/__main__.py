"""List every folder of vectors with its verdict: `python -m tests.conformance`."""

import sys
from collections import Counter

from contracts.errors import Rejected
from contracts.providers import provider_names
from ingress.authenticate import Refused
from tests.conformance.road import Road
from tests.conformance.vector import Vector, vectors_of


def main() -> int:
    """Print the table; return 1 if a vector has another verdict than its folder says."""
    wrong = 0
    for provider in provider_names():
        road = Road(provider)
        folders: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for vector in vectors_of(provider):
            folder = vector.name.rpartition("/")[0]
            folders[folder] += 1
            failed[folder] += verdict(road, vector) != (vector.verdict, vector.code)
        for folder, count in folders.items():
            outcome = "as the folder says" if not failed[folder] else f"{failed[folder]} differ"
            sys.stdout.write(f"{folder:<48} {count:>4}  {outcome}\n")
        wrong += failed.total()
    return 1 if wrong else 0


def verdict(road: Road, vector: Vector) -> tuple[str, str]:
    """Return what became of a vector: the kind of verdict, and its code."""
    try:
        road.verify(road.raw_record(vector))
    except Refused as refusal:
        return "refused", refusal.code.value
    except Rejected as rejection:
        return "rejected", rejection.code.value
    return "accepted", ""


if __name__ == "__main__":
    sys.exit(main())
