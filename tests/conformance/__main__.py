"""Print the corpus and its verdicts: `python -m tests.conformance`, with `--json` for a program."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from contracts.errors import Rejected
from contracts.providers import provider_names
from ingress.authenticate import Refused
from tests.conformance.families import FAMILIES, family_of
from tests.conformance.road import Road
from tests.conformance.vector import Vector, vectors_of
from tests.presented.issuers import NOW, Variant
from tests.presented.variants import variants
from workers.verifier.presentations import verify_presentations


def main() -> int:
    """Print the table; return 1 if a vector has another verdict than its folder says."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    as_json = parser.parse_args().json
    corpus = read_corpus()
    text = json.dumps(corpus, indent=2, ensure_ascii=False) if as_json else "\n".join(table(corpus))
    sys.stdout.write(f"{text}\n")
    return 1 if corpus["wrong"] else 0


def read_corpus() -> dict[str, Any]:
    """Return attacks and accepted vectors by provider, totals, and the vectors judged wrongly."""
    attacks: Counter[tuple[str, str, str, str]] = Counter()
    accepted: dict[str, list[str]] = {}
    wrong = []
    for provider in provider_names():
        road = Road(provider)
        for vector in vectors_of(provider):
            if verdict(road, vector) != (vector.verdict, vector.code):
                wrong.append(vector.name)
            if vector.verdict == "accepted":
                accepted.setdefault(provider, []).append(vector.name.rpartition("/")[2])
            else:
                attacks[provider, family_of(vector)[0], vector.verdict, vector.code] += 1
    for name, variant in variants().items():
        kind = f"{name.split()[0]} in a vp_token"
        if _code(variant) != variant.code:
            wrong.append(name)
        if variant.code is None:
            accepted.setdefault(kind, []).append(name)
        else:
            attacks[
                kind,
                "each variant by name: python -m tests.presented",
                "rejected",
                variant.code,
            ] += 1
    return {
        "attacks": [
            {"provider": provider, "attack": family, "verdict": what, "code": code, "count": count}
            for (provider, family, what, code), count in sorted(attacks.items(), key=_place)
        ],
        "accepted": accepted,
        "totals": {**_totals(attacks), "accepted": sum(map(len, accepted.values()))},
        "wrong": wrong,
    }


def table(corpus: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that show `corpus`."""
    yield f"{'provider':<20} {'attack':<56} {'verdict':<9} {'code':<32} {'count':>5}"
    for row in corpus["attacks"]:
        yield (
            f"{row['provider']:<20} {row['attack']:<56} {row['verdict']:<9} {row['code']:<32}"
            f" {row['count']:>5}"
        )
    yield ""
    for provider, names in corpus["accepted"].items():
        yield f"{provider:<20} {'accepted':<99} {len(names):>5}"
        yield from (f"{'':<20} {name}" for name in names)
    yield ""
    totals = ", ".join(f"{count} {what}" for what, count in corpus["totals"].items())
    yield f"{totals}; {len(corpus['wrong']) or 'none'} with another verdict than its folder says"
    yield from corpus["wrong"]


def verdict(road: Road, vector: Vector) -> tuple[str, str]:
    """Return what became of a vector: the kind of verdict, and its code."""
    try:
        road.verify(road.raw_record(vector))
    except Refused as refusal:
        return "refused", refusal.code.value
    except Rejected as rejection:
        return "rejected", rejection.code.value
    return "accepted", ""


def _code(variant: Variant) -> str | None:
    try:
        verify_presentations(variant.claims, variant.policy, at=NOW, digest=lambda _: "digest")
    except Rejected as rejection:
        return rejection.code
    return None


def _place(item: tuple[tuple[str, str, str, str], int]) -> tuple[str, int, str]:
    provider, family, _, code = item[0]
    return provider, [*FAMILIES, family].index(family), code


def _totals(attacks: Counter[tuple[str, str, str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, _, what, _), count in attacks.items():
        found[what] += count
    return found


if __name__ == "__main__":
    sys.exit(main())
