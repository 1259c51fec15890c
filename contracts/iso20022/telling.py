"""Say what a message tells of each transaction, whichever message it is, and which one it means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.update import Amount

TRANSACTIONS_MAX: Final = 500  # the EPC's messages have one or two; a batch of invoices has more

_UUID: Final = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_IDENTIFIER: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one message says of one transaction.

    `original_id` is the id of the message that asked for it. `status` is the provider's word; empty
    where it was sent empty, None where there is none. `annotated`: a text stands beside the reason;
    `reasons_differ`: another reason does.
    """

    original_id: str
    original_name: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    status_id: str | None = None
    status: str | None = None
    reason: str | None = None
    annotated: bool = False
    reasons_differ: bool = False
    decided_by_payer: bool = False
    amount: Amount | None = None
    occurred_at: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its own id, and what it tells; `several` where it answers a batch of many."""

    identifier: str
    tellings: tuple[Telling, ...]
    several: bool = False


Members = Mapping[str, Any]


def transaction_ids(message: Message) -> tuple[str, ...]:
    """Return the id of each telling's transaction, in their order.

    1. A message about one transaction means the one that the original message asked for: its id.
       The ids inside are not asked: providers make them up, leave them out, or echo ours.
    2. A message about several means parts of the original message: its id, `/`, and the part's
       OrgnlInstrId, or OrgnlEndToEndId where the former is absent or is the message's id again.
    3. A status report that answers a status request (pacs.028, DS-16 of V4.0) names that as the
       original message; the request to pay is then known by OrgnlInstrId alone.

    A UUID is written in lower case without dashes, as pagoPA sends it in pain.013.

    Raises:
        Rejected: `payload_invalid` when a part has no id, or there are more than TRANSACTIONS_MAX.
    """
    if len(message.tellings) > TRANSACTIONS_MAX:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, f"more than {TRANSACTIONS_MAX} transactions")
    parts: dict[str, set[tuple[str | None, str | None]]] = {}
    for one in message.tellings:
        named = (one.instruction_id, one.end_to_end_id)
        parts.setdefault(normal_id(one.original_id), set()).add(named)
    return tuple(
        _transaction_id(one, part=message.several or len(parts[normal_id(one.original_id)]) > 1)
        for one in message.tellings
    )


def normal_id(identifier: str) -> str:
    """Return an id as pagoPA writes it: a UUID in lower case without dashes, others as given."""
    lowered = identifier.lower()
    return lowered.replace("-", "") if _UUID.fullmatch(lowered) else identifier


def first_word(words: Sequence[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    """Return status and reason of the nearest level that has a status.

    `words` are status and reason of the transaction, then of what it stands in. A reason of a
    level above that of the status speaks of others.
    """
    reason = None
    for status, why in words:
        reason = reason or why
        if status:
            return status, reason
    empty = any(status == "" for status, _ in words)
    return ("" if empty else None), reason


def _transaction_id(one: Telling, *, part: bool) -> str:
    original = normal_id(one.original_id)
    instruction = normal_id(one.instruction_id) if one.instruction_id else None
    if (one.original_name or "").startswith("pacs.028"):  # 3
        return _printable(instruction, "OrgnlInstrId")
    if not part:  # 1
        return original
    own = instruction if instruction not in {None, original} else one.end_to_end_id  # 2
    return f"{original}/{_printable(own, 'OrgnlInstrId, OrgnlEndToEndId')}"


def _printable(identifier: str | None, names: str) -> str:
    if identifier is None or not _IDENTIFIER.fullmatch(identifier):
        raise Rejected(
            RejectionCode.PAYLOAD_INVALID, f"{names}: needed to tell which transaction, and no id"
        )
    return identifier
