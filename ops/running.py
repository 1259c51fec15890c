"""Ask a running process, on its management port, which keys and settings it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from contracts.errors import Unavailable
from runtime.configuration_digest import METRIC
from runtime.key_source import CREDENTIALS

_ANSWER_SECONDS: Final = 3.0
_KEYS: Final = "esito_keys_expiry_timestamp_seconds"
_REFUSED: Final = "esito_keys_refused"
_INGRESS: Final = "esito_ingress_"


@dataclass(frozen=True, slots=True)
class Running:
    """What one process says of itself: the endpoints' keys by credential, and what it refuses."""

    address: str
    keys: Mapping[tuple[str, str], frozenset[str]]
    refused: frozenset[str]  # whose changed file it refuses
    is_ingress: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)  # the digest of each section

    @property
    def endpoints(self) -> frozenset[str]:
        """Return the endpoints of which it holds keys."""
        return frozenset(endpoint for endpoint, _ in self.keys)


async def running_process(address: str) -> Running:
    """Return what the process with this management address (HOST:PORT) says of itself.

    Raises:
        Unavailable: nobody answers there, or nobody of ours.
    """
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{address}/metrics") as response,
        ):
            response.raise_for_status()
            text = await response.text()
        return _read(address, text)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Unavailable(
            f"no process of Esito answers at {address} ({type(error).__name__}); is it its "
            "management port (management_port, ESITO_MANAGEMENT_PORT)?"
        ) from None


def _read(address: str, text: str) -> Running:
    keys: dict[tuple[str, str], set[str]] = {}
    refused = set()
    is_ingress = False
    settings: dict[str, str] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            is_ingress |= sample.name.startswith(_INGRESS)
            if sample.name == _KEYS and labels["credential"] in CREDENTIALS:
                named = keys.setdefault((labels["endpoint"], labels["credential"]), set())
                named.add(labels["key_id"])
            elif sample.name == METRIC:
                settings[labels["section"]] = labels["digest"]
            elif sample.name == _REFUSED and sample.value:
                refused.add(labels["endpoint"])
    return Running(
        address,
        {place: frozenset(names) for place, names in keys.items()},
        frozenset(refused),
        is_ingress,
        settings,
    )
