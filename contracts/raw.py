"""Describe a raw record: the body, byte for byte, and in headers what the ingress knows of it.

Metadata lives in headers because a body may be any bytes: a Latin-1 body survives no JSON envelope.
Credentials never appear: `esito-principal` names the credentials that authenticated, not their
secrets. A client certificate is none: it is public, and evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import Instant, read_instant

Headers = Sequence[tuple[str, bytes]]

CALLBACK_ID: Final = "esito-callback-id"
ENDPOINT: Final = "esito-endpoint"
SOURCE: Final = "esito-source"
RECEIVED_AT: Final = "esito-received-at"
METHOD: Final = "esito-method"
TARGET_URI: Final = "esito-target-uri"
PRINCIPAL: Final = "esito-principal"
CLIENT_CERTIFICATE: Final = "esito-client-certificate"
TRANSACTION_ID: Final = "esito-transaction-id"
CUT_FROM: Final = "esito-cut-from-bytes"
CONTENT_TYPE: Final = "content-type"
TRACEPARENT: Final = "traceparent"
HTTP_PREFIX: Final = "http-"


class Source(StrEnum):
    """Where a raw record came from."""

    CALLBACK = "callback"
    EXPECTATION = "expectation"
    POLL = "poll"
    REQUEST = "request"  # a client of ours asks for something: the intake stored it


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCallback:
    """One stored callback, nothing about it proven yet.

    `http` holds the provider's allow-listed header fields, names in lower case, values as received.
    `received_at` is RFC 3339 in UTC with microseconds; it is "now" for every later decision.
    `principal` is a list of `scheme:key id`, separated by spaces: every credential by which the
    ingress knew the caller, and nothing where a signature alone will tell. `client_certificate` is
    the base64 of the DER certificate that the caller's TLS connection was made with, if any.
    `transaction_id` is given where we chose it when the record was stored. `cut_from` is how many
    bytes there were, where `body` is but the first of them: it becomes a dead letter.
    """

    body: bytes
    callback_id: str
    endpoint: str
    source: Source
    received_at: Instant
    method: str
    target_uri: str
    principal: str
    content_type: str = ""
    traceparent: str = ""
    client_certificate: bytes = b""
    transaction_id: str = ""
    cut_from: int = 0
    http: Mapping[str, bytes] = field(default_factory=dict)

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the record's headers."""
        pairs = [
            (CALLBACK_ID, self.callback_id.encode()),
            (ENDPOINT, self.endpoint.encode()),
            (SOURCE, self.source.value.encode()),
            (RECEIVED_AT, self.received_at.encode()),
            (METHOD, self.method.encode()),
            (TARGET_URI, self.target_uri.encode()),
            (PRINCIPAL, self.principal.encode()),
        ]
        if self.content_type:
            pairs.append((CONTENT_TYPE, self.content_type.encode("utf-8", "surrogateescape")))
        if self.traceparent:
            pairs.append((TRACEPARENT, self.traceparent.encode()))
        if self.client_certificate:
            pairs.append((CLIENT_CERTIFICATE, self.client_certificate))
        if self.transaction_id:
            pairs.append((TRANSACTION_ID, self.transaction_id.encode()))
        if self.cut_from:
            pairs.append((CUT_FROM, str(self.cut_from).encode()))
        pairs.extend((HTTP_PREFIX + name, value) for name, value in self.http.items())
        return pairs

    @classmethod
    def from_record(cls, body: bytes | None, headers: Headers) -> Self:
        """Read a record of the raw topic.

        Raises:
            Rejected: `record_malformed` when a header is absent or not as the ingress writes it.
        """
        found = dict(headers)
        try:
            received_at = found[RECEIVED_AT].decode("ascii")
            read_instant(received_at)
            return cls(
                body=body or b"",
                callback_id=found[CALLBACK_ID].decode(),
                endpoint=found[ENDPOINT].decode(),
                source=Source(found.get(SOURCE, b"callback").decode()),
                received_at=received_at,
                method=found[METHOD].decode(),
                target_uri=found[TARGET_URI].decode(),
                principal=found.get(PRINCIPAL, b"").decode(),
                content_type=found.get(CONTENT_TYPE, b"").decode("utf-8", "surrogateescape"),
                traceparent=found.get(TRACEPARENT, b"").decode("ascii"),
                client_certificate=found.get(CLIENT_CERTIFICATE, b""),
                transaction_id=found.get(TRANSACTION_ID, b"").decode("ascii"),
                cut_from=int(found.get(CUT_FROM, b"0")),
                http={
                    name[len(HTTP_PREFIX) :]: value
                    for name, value in headers
                    if name.startswith(HTTP_PREFIX)
                },
            )
        except KeyError as error:
            raise Rejected(RejectionCode.RECORD_MALFORMED, f"no header {error.args[0]}") from error
        except ValueError as error:
            raise Rejected(
                RejectionCode.RECORD_MALFORMED, "a header is not what the ingress writes"
            ) from error
