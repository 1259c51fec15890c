"""Keep the connections of one who calls Esito, as many as are wanted at once."""

from types import TracebackType
from typing import Final, Self

import aiohttp

_ANSWER_SECONDS_MAX: Final = 60.0  # Pivot's own API gives up after 60 s


class Connections:
    """A caller, with connections while it is entered."""

    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connections' pool; a burst may open as many as it has stories."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS_MAX),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
