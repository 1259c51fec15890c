"""Say what of an endpoint's configuration the rules of SEND depend on.

`SignedFields.settings` of a request is a `SendRules`. contracts/ imports no configuration, so
runtime/notification_rules.py makes it from the section `notifications`: for the verifier with the
ring of `iun_keys`, for the intake (which makes no IUN) without.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from contracts.errors import Broken
from contracts.instants import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRules:
    """What holds for one public body."""

    id: str
    tax_id: str
    pades: Literal["required", "if_present", "off"] = "if_present"
    addresses_looked_up: bool = False
    sheets_max: int | None = None


def _no_keys(received_at: Instant) -> bytes:
    raise Broken(f"no key makes IUNs at {received_at}: give the endpoint's iun_keys one")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRules:
    """What holds for all requests of one endpoint; `bodies` by their ids.

    `iun_key_of` returns the key of the month that an instant lies in: the same for the whole month.
    """

    bodies: Mapping[str, BodyRules]
    pdf_bytes_max: int
    recipients_max: int | None = None
    documents_max: int | None = None
    payments_max: int | None = None
    tax_ids_accepted: frozenset[str] = frozenset()
    tax_ids_refused: frozenset[str] = frozenset()
    tax_ids_checked: bool = True
    address_rows_checked: bool = True
    iun_half: int = 0
    iun_key_of: Callable[[Instant], bytes] = field(default=_no_keys, repr=False)
