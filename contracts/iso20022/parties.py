"""Say what the names of parties look like, and which two are one party's."""

import re
from typing import Final

# ISO 9362 and ISO 17442, in upper case: BICFIDec2014Identifier and LEIIdentifier of ISO 20022.
BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
LEI: Final = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
# ISO 9362: the branch code of a head office, which an eight-character BIC leaves out.
_HEAD_OFFICE: Final = "XXX"
_BIC_WITH_BRANCH_CHARACTERS: Final = 11


def normal_party(text: str) -> str:
    """Return a BIC or LEI as it is compared: upper case, a head office's BIC in eight characters.

    ISO 9362 §5.5: the branch code XXX names the head office, as its absence does.
    """
    party = text.upper()
    if len(party) == _BIC_WITH_BRANCH_CHARACTERS:
        return party.removesuffix(_HEAD_OFFICE)
    return party
