"""Digest what is said, so that a snapshot can tell the same again from something else. Pure."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from contracts.update import Statement


def statement_digest(what: Statement) -> str:
    """Return a short digest of what must be the same when a fact is said again."""
    # 10001 and "10001.00" are one amount in two of Pivot's encodings, and no contradiction.
    amount = (
        f"{Decimal(what.amount.value).normalize():f} {what.amount.currency}" if what.amount else ""
    )
    reason = what.reason.code if what.reason else ""
    decisive = f"{what.native_status}\n{amount}\n{reason}"
    if what.terms:
        decisive += f"\n{terms_digest(what.terms)}"
    return hashlib.sha256(decisive.encode()).hexdigest()[:16]


def terms_digest(terms: Mapping[str, str]) -> str:
    """Return a short digest of terms, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(terms.items())).encode()).hexdigest()[:16]
