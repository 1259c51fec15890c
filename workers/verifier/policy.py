"""Hold what one endpoint's callbacks must prove, and the keys to prove it with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.presented import Digest
from contracts.provider import Door, VerifiedToken
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import EndpointKeys
from workers.verifier.certificates import Trust
from workers.verifier.registry import Registry
from workers.verifier.xml_schema import Schemas

VerifyToken = Callable[[str, datetime, Digest], VerifiedToken]


@dataclass(frozen=True, slots=True)
class Policy:
    """What one endpoint's callbacks must prove.

    `keys` and `trust` are functions because files change. `document` is the provider's: it finds
    the XML document in a JSON envelope. `settings` returns what the provider's own section of the
    endpoint amounts to, if it has one.
    """

    endpoint: Endpoint
    door: Door
    keys: Callable[[], EndpointKeys]
    trust: Callable[[], Trust | None] = lambda: None
    registry: Registry | None = None
    schemas: Schemas | None = None
    document: Callable[[Mapping[str, Any]], str | None] | None = None
    verify_token: VerifyToken | None = None
    settings: Callable[[], Any] = lambda: None
