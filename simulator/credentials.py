"""Write the header fields a provider authenticates with: correct ones, or wrong in one chosen way.

The keys are those of the endpoint's own configuration, so the simulator is whoever Esito trusts.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from contracts.errors import Broken
from contracts.provider import Door
from contracts.providers import provider_named
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import EndpointKeys, KeySource
from runtime.mac import MacInput, TimestampFormat, write_mac
from simulator.plan import Presents

_MEDIA_TYPE: Final = "application/JSON"  # as Pivot capitalises it
# No key of anybody: made anew for each run.
WRONG_KEY: Final = secrets.token_hex(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credentials of one endpoint and the address it is called at."""

    endpoint: Endpoint
    door: Door
    keys: EndpointKeys
    public_url: str

    def headers(self, body: bytes, presents: Presents, *, now: datetime) -> Mapping[str, str]:
        """Return the header fields of a callback with this body, sent at `now`."""
        fields = {"Content-Type": _MEDIA_TYPE, "Accept": _MEDIA_TYPE}
        if self.keys.api_key is not None:
            wrong = presents is Presents.WRONG_KEY
            fields[self.door.api_key_header] = (
                WRONG_KEY if wrong else _first_secret(self.keys.api_key.secrets(at=now)).decode()
            )
        if self.endpoint.hmac is None or self.keys.hmac is None:
            return fields
        secret = _first_secret(self.keys.hmac.secrets(at=now))
        moment, signed_body = now, body
        match presents:
            case Presents.CORRECT:
                pass
            case Presents.WRONG_KEY:
                secret = WRONG_KEY.encode()
            case Presents.STALE_TIMESTAMP:
                moment = now - 2 * timedelta(seconds=self.endpoint.hmac.tolerance_seconds)
            case Presents.TAMPERED:
                signed_body = body + b" "
            case unreachable:
                assert_never(unreachable)
        return {**fields, **self._signed(signed_body, moment, secret)}

    def _signed(self, body: bytes, moment: datetime, secret: bytes) -> Mapping[str, str]:
        hmac = self.endpoint.hmac
        if hmac is None:
            return {}
        timestamp = write_timestamp(hmac.timestamp_format, moment)
        signed = MacInput(
            timestamp=timestamp.encode(),
            method=self.door.methods[0],
            path=self.endpoint.path,
            target_uri=self.public_url.rstrip("/") + self.endpoint.path,
            body=body,
        )
        return {
            self.door.signature_header: write_mac(hmac.profile, signed, secret).decode(),
            self.door.timestamp_header: timestamp,
        }


def credentials_of(endpoint: Endpoint, *, public_url: str) -> Credentials:
    """Return the credentials of an endpoint, its keys read once.

    Raises:
        Broken: a key file cannot be used, or none of its keys is valid now.
    """
    door = provider_named(endpoint.provider).door
    if endpoint.api_key and endpoint.api_key.header:
        door = door.model_copy(update={"api_key_header": endpoint.api_key.header})
    source = KeySource({endpoint.name: endpoint}, lambda *_: None)
    found = Credentials(
        endpoint=endpoint, door=door, keys=source.of(endpoint.name), public_url=public_url
    )
    # An expired key is better found before the first callback.
    found.headers(b"", Presents.CORRECT, now=datetime.now(UTC))
    return found


def write_timestamp(form: TimestampFormat, moment: datetime) -> str:
    """Return `moment` as a timestamp header of this format."""
    match form:
        case TimestampFormat.EPOCH_SECONDS:
            return str(int(moment.timestamp()))
        case TimestampFormat.EPOCH_MILLISECONDS:
            return str(int(moment.timestamp() * 1000))
        case TimestampFormat.ISO8601:
            return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _first_secret(secrets_of_now: list[tuple[str, bytes]]) -> bytes:
    if not secrets_of_now:
        raise Broken("no key of the endpoint is valid now; see not_before and not_after")
    return secrets_of_now[0][1]
