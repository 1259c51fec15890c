"""Write a raw record's headers for one endpoint, with everything that never changes encoded once.

`contracts.raw.RawCallback.headers` is the reference; a test compares the two.
"""

from collections.abc import Mapping
from functools import lru_cache

from contracts import raw


class RecordHeaders:
    """The headers of one endpoint's raw records."""

    def __init__(self, *, endpoint: str, source: raw.Source, method: str, public_url: str) -> None:
        """Encode what is the same for every callback of the endpoint."""
        self._fixed = [
            (raw.ENDPOINT, endpoint.encode()),
            (raw.SOURCE, source.value.encode()),
            (raw.METHOD, method.encode()),
        ]
        self._public_url = public_url.rstrip("/")
        # Media types, paths, key ids and certificates are few; the bound is against varied ones.
        self._pair = lru_cache(maxsize=256)(_encoded)

    def build(
        self,
        *,
        callback_id: str,
        received_at: str,
        path: str,
        principal: str,
        content_type: str,
        traceparent: str,
        stored: Mapping[str, bytes],
        client_certificate: str = "",
    ) -> list[tuple[str, bytes]]:
        """Return the headers of one record."""
        pairs = [
            (raw.CALLBACK_ID, callback_id.encode()),
            *self._fixed,
            (raw.RECEIVED_AT, received_at.encode()),
            self._pair(raw.TARGET_URI, self.target_uri(path)),
            self._pair(raw.PRINCIPAL, principal),
        ]
        if content_type:
            pairs.append(self._pair(raw.CONTENT_TYPE, content_type))
        if traceparent:
            pairs.append((raw.TRACEPARENT, traceparent.encode()))
        if client_certificate:
            pairs.append(self._pair(raw.CLIENT_CERTIFICATE, client_certificate))
        pairs.extend((raw.HTTP_PREFIX + name, value) for name, value in stored.items())
        return pairs

    def target_uri(self, path: str) -> str:
        """Return the URI as the provider called it: public address, path and query as sent."""
        return self._public_url + path


def _encoded(name: str, value: str) -> tuple[str, bytes]:
    return name, value.encode("utf-8", "surrogateescape")
