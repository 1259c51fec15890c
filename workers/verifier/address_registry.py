"""Say what a registry of addresses is to the verifier: where there is one, and whether it exists.

Two keep to it: `local`, which knows rules of ours alone, and `http`, a service.
"""

from typing import Protocol

from contracts.needs import AddressFound, AddressNeed


class AddressRegistry(Protocol):
    """Normalises addresses, and finds those of recipients who have none in the request."""

    async def find(self, need: AddressNeed) -> AddressFound:
        """Return what the registry says: `found`, `not_found` or `not_valid`.

        Raises:
            Unavailable: it says nothing now.
        """

    async def close(self) -> None:
        """Give back connections."""
