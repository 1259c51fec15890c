"""Answer as a registry of addresses, by rules alone: where there is no service, demos and tests.

An address that is given is normalised: upper case, single blanks. It is not valid without a place,
or, in Italy, where its postal code has not five digits or its province is none.

For a recipient without an address, the first character of the tax id decides:

| it begins with | answer |
|---|---|
| X, 9 | not_found |
| Y, 8 | not_valid |
| W, 7 | the registry is away (a technical failure) |
| anything else | found: VIA ROMA 1, 00184 ROMA RM |

Everything else exists. The addresses of pagoPA's test environment that make a delivery fail
(`@FAIL-…`) exist as well: they fail when the letter is carried, which is not decided here.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from contracts.errors import Unavailable
from contracts.needs import AddressFound, AddressNeed
from contracts.send.addresses import is_italian

_POSTAL_CODE: Final = re.compile(r"[0-9]{5}")
# The sign of each province (https://www.istat.it, codes of municipalities and provinces, 2024),
# and the four Sardinian ones that were provinces until 2016: letters still bear them.
PROVINCES: Final = frozenset(
    """
    AG AL AN AO AP AQ AR AT AV BA BG BI BL BN BO BR BS BT BZ CA CB CE CH CL CN CO CR CS CT CZ EN FC
    FE FG FI FM FR GE GO GR IM IS KR LC LE LI LO LT LU MB MC ME MI MN MO MS MT NA NO NU OR PA PC PD
    PE PG PI PN PO PR PT PU PV PZ RA RC RE RG RI RM RN RO SA SI SO SP SR SS SU SV TA TE TN TO TP TR
    TS TV UD VA VB VC VE VI VR VT VV CI OG OT VS
    """.split()  # noqa: SIM905 - in this form one can read it
)
_FOUND: Final = MappingProxyType(
    {"address": "VIA ROMA 1", "zip": "00184", "municipality": "ROMA", "province": "RM"}
)
_NOT_FOUND: Final = frozenset("X9")
_NOT_VALID: Final = frozenset("Y8")
_AWAY: Final = frozenset("W7")


class LocalAddresses:
    """A registry that knows the rules above."""

    async def find(self, need: AddressNeed) -> AddressFound:
        """Return what the rules say.

        Raises:
            Unavailable: the rules say that the registry is away.
        """
        if need.address is not None:
            return normalised(need.address)
        first = need.tax_id[:1].upper()
        if first in _AWAY:
            raise Unavailable("the local registry of addresses is away, as its rules say")
        if first in _NOT_FOUND:
            return AddressFound("not_found")
        if first in _NOT_VALID:
            return AddressFound("not_valid")
        return AddressFound("found", _FOUND)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def normalised(address: Mapping[str, str]) -> AddressFound:
    """Return the address in its normal form, or that there can be none."""
    normal = {name: " ".join(text.upper().split()) for name, text in address.items()}
    if not normal.get("address") or not normal.get("municipality"):
        return AddressFound("not_valid")
    if is_italian(normal):
        postal_code, province = normal.get("zip", ""), normal.get("province", "")
        if not _POSTAL_CODE.fullmatch(postal_code) or province not in PROVINCES:
            return AddressFound("not_valid")
    return AddressFound("found", normal)
