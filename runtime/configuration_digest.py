"""Show by which settings a process runs, so that another file than the one at hand is seen.

Left out is what differs from process to process and from machine to machine: addresses, how Kafka
is reached and as whom, how to log, and where files lie. What a file holds is not in it either.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from runtime.configuration import Configuration
from runtime.metrics import Metrics

METRIC: Final = "esito_process_configuration_info"
_PLACES: Final = frozenset({"ingress", "intake", "streams"})
_ADDRESS: Final = frozenset({"host", "port"})
_LEFT_OUT: Final = ("kafka_", "log_", "management_")
_DIGEST_CHARACTERS: Final = 12


def publish_configuration(metrics: Metrics, configuration: Configuration) -> None:
    """Show the digest of each section."""
    for section, digest in digests(configuration).items():
        metrics.gauge(METRIC, section, digest).set(1)


def digests(configuration: Configuration) -> dict[str, str]:
    """Return a digest for each key at the top of the configuration file."""
    return {
        name: _digest(_plain(getattr(configuration, name), _ADDRESS if name in _PLACES else ()))
        for name in Configuration.model_fields
        if not name.startswith(_LEFT_OUT)
    }


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def _plain(value: object, without: frozenset[str] | tuple[()] = ()) -> object:
    if isinstance(value, BaseModel):
        names = [name for name in type(value).model_fields if name not in without]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return "a file" if isinstance(value, Path) else value
