"""Check a physical address as SEND prints it: rows, characters, province, foreign states.

https://github.com/pagopa/pn-delivery (NotificationReceiverValidator); an envelope has five rows
beside the recipient's name, of 44 characters each.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

ROW_CHARACTERS_MAX: Final = 44
_PRINTED: Final = re.compile(r"[0-9a-zA-Z./ '-]*")
# What stands on one row together, by the name of what it begins with.
_ROWS: Final = (
    ("at", ("at", "municipalityDetails")),
    ("addressDetails", ("addressDetails",)),
    ("address", ("address",)),
    ("zip", ("zip", "municipality", "province")),
    ("foreignState", ("foreignState",)),
)
_HOME: Final = "ITAL"  # ITALIA, ITALY, Italie …
Fault = tuple[str, str]


def is_italian(address: Mapping[str, Any]) -> bool:
    """Tell whether an address is Italian: it names no state, or Italy."""
    state = _text(address, "foreignState").strip().upper()
    return not state or state.startswith(_HOME)


def place_faults(address: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what an Italian address lacks, as member and rule."""
    if is_italian(address) and not _text(address, "province").strip():
        yield "province", "an Italian address needs it"


def row_faults(address: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what cannot be printed on an envelope, as member and rule.

    The members may be of any type: what is no text has been told already.
    """
    for first, names in _ROWS:
        texts = [_text(address, name) for name in names]
        for name, text in zip(names, texts, strict=True):
            if not _PRINTED.fullmatch(text):
                yield name, "a character that is not printed on envelopes"
        if len(" ".join(text for text in texts if text)) > ROW_CHARACTERS_MAX:
            yield first, f"the row {'+'.join(names)} has more than {ROW_CHARACTERS_MAX} characters"


def _text(address: Mapping[str, Any], name: str) -> str:
    value = address.get(name)
    return value if isinstance(value, str) else ""
