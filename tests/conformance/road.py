"""Send a vector down the road of a callback as far as it is pure: ingress, raw record, verifier."""

from dataclasses import replace
from datetime import datetime

from aiokafka import ConsumerRecord
from multidict import CIMultiDict

from contracts.codes import RefusalCode
from contracts.provider import Door
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from contracts.topics import Topics
from ingress.authenticate import (
    Refused,
    authenticate_api_key,
    authenticate_hmac,
    authenticate_path,
    demand_signature,
    kept_fields,
    single_field,
)
from ingress.client_certificate import Certificate, Edges
from ingress.doors import door_of, load_doors, signature_headers
from ingress.record_headers import RecordHeaders
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import KeySource
from runtime.mac import MacInput
from runtime.metrics import Metrics
from tests.conformance.vector import VECTORS, Vector
from tests.sources import sources
from workers.processor import InputRecord, Output
from workers.verifier.policies import endpoint_policies
from workers.verifier.processor import VerifierProcessor

CALLBACK_ID = "019a0000-0000-7000-8000-000000000000"
WALLET_KEYS = "https://wallet.example.org/jwks.json"


class Road:
    """The ingress and the verifier of one provider, under the endpoints beside its vectors."""

    def __init__(self, provider: str) -> None:
        self.provider = provider_named(provider)
        self.topics = Topics.of(provider)
        self._configuration = load_configuration(VECTORS / provider / "endpoint.yaml", environ={})
        self._endpoints = self._configuration.endpoints_of(provider)
        self._keys = KeySource(self._endpoints, lambda *_: None)
        found = sources(
            self._keys, self._endpoints, key_sets={WALLET_KEYS: VECTORS / "wallet" / "jwks.json"}
        )
        policies = endpoint_policies(self.provider, self._endpoints, found)
        self._verifier = VerifierProcessor(self.provider, policies, self.topics, Metrics())

    def endpoint(self, vector: Vector) -> Endpoint:
        """Return the endpoint that the vector was sent to."""
        return self._endpoints[vector.endpoint]

    def raw_record(self, vector: Vector) -> InputRecord:
        """Return the record that the ingress stores.

        Raises:
            Refused: it stores none.
        """
        if not vector.target.isascii():
            raise Refused(RefusalCode.REQUEST_MALFORMED)
        endpoint = self._endpoints[vector.endpoint]
        door = door_of(endpoint, load_doors())
        if len(vector.body) > endpoint.limits.body_bytes_max:
            raise Refused(RefusalCode.BODY_TOO_LARGE)
        fields = CIMultiDict(
            (name, value.decode("utf-8", "surrogateescape")) for name, value in vector.fields
        )
        if any(name in fields for name in door.forbidden_headers):
            raise Refused(RefusalCode.HEADER_FORBIDDEN)
        at = datetime.fromisoformat(vector.received_at)
        opened, target = self._opened(endpoint, vector.target, at)
        principal = [*self._api_key(endpoint, door, fields, at), *opened]
        certificate = _certificate(endpoint, fields, vector.peer)
        if certificate is not None:
            principal.append(f"client_certificate:{certificate.fingerprint}")
        demand_signature(fields, signature_headers(endpoint))
        stored = {name: single_field(fields, name) for name in door.stored_headers}
        callback = replace(
            self._callback(vector, door, target),
            principal=" ".join(principal),
            http={**stored, **kept_fields(fields, door.kept_headers)},
            client_certificate=certificate.base64.encode() if certificate else b"",
        )
        self._authenticate_hmac(callback, door, at)
        return self.record(callback)

    def _opened(self, endpoint: Endpoint, target: str, at: datetime) -> tuple[list[str], str]:
        ring = self._keys.of(endpoint.name).path_token
        if ring is None:
            return [], target
        prefix, _, segment = target.rpartition("/")
        key_id, transaction_id = authenticate_path(segment, ring, endpoint=endpoint.name, at=at)
        return [f"path_token:{key_id}"], f"{prefix}/{transaction_id}"

    def _api_key(
        self, endpoint: Endpoint, door: Door, fields: CIMultiDict[str], at: datetime
    ) -> list[str]:
        ring = self._keys.of(endpoint.name).api_key
        if ring is None:
            return []
        return [f"api_key:{authenticate_api_key(fields, ring, header=door.api_key_header, at=at)}"]

    def stored_anyway(self, vector: Vector) -> InputRecord:
        """Return the record of a refused request, as if the ingress had not looked at it."""
        door = self.provider.door
        stored = {
            name.lower(): value
            for name, value in vector.fields
            if name.lower() in (*door.stored_headers, *door.kept_headers)
        }
        principal = "api_key:anybody path_token:anybody"
        callback = self._callback(vector, door, vector.target)
        return self.record(replace(callback, principal=principal, http=stored))

    def callback(self, record: InputRecord) -> RawCallback:
        """Return what the verifier reads from a raw record."""
        return RawCallback.from_record(record.value, record.headers)

    def verify(self, record: InputRecord) -> list[Output]:
        """Return what the verifier makes of a raw record.

        Raises:
            Rejected: a dead letter.
        """
        return list(self._verifier.process(record))

    def is_stale(self, vector: Vector) -> bool:
        """Tell whether the ingress answers that the signed timestamp is outside the tolerance."""
        callback = self.callback(self.raw_record(vector))
        at = datetime.fromisoformat(vector.received_at)
        return self._authenticate_hmac(callback, self.provider.door, at)

    def _authenticate_hmac(self, callback: RawCallback, door: Door, at: datetime) -> bool:
        endpoint = self._endpoints[callback.endpoint]
        ring = self._keys.of(endpoint.name).hmac
        if endpoint.hmac is None or ring is None:
            return False
        signed = MacInput(
            timestamp=callback.http[door.timestamp_header],
            method=callback.method,
            path=callback.target_uri.removeprefix("https://callbacks.example.org"),
            target_uri=callback.target_uri,
            body=callback.body,
        )
        outcome = authenticate_hmac(
            callback.http, ring, door=door, hmac=endpoint.hmac, signed=signed, at=at
        )
        return outcome.stale

    def _callback(self, vector: Vector, door: Door, target: str) -> RawCallback:
        content_type = {name.lower(): value for name, value in vector.fields}
        return RawCallback(
            body=vector.body,
            callback_id=CALLBACK_ID,
            endpoint=vector.endpoint,
            source=Source.CALLBACK,
            received_at=vector.received_at,
            method=door.methods[0],
            target_uri=self._configuration.ingress.public_url + target,
            principal="",
            content_type=content_type.get("content-type", b"").decode("utf-8", "surrogateescape"),
        )

    def record(self, callback: RawCallback) -> InputRecord:
        """Return the record of a callback, as the ingress writes its headers."""
        public_url = self._configuration.ingress.public_url
        headers = RecordHeaders(
            endpoint=callback.endpoint,
            source=callback.source,
            method=callback.method,
            public_url=public_url,
        ).build(
            callback_id=callback.callback_id,
            received_at=callback.received_at,
            path=callback.target_uri.removeprefix(public_url),
            principal=callback.principal,
            content_type=callback.content_type,
            traceparent="",
            stored=callback.http,
            client_certificate=callback.client_certificate.decode(),
        )
        return ConsumerRecord(
            self.topics.raw, 0, 7, 0, 0, None, callback.body, None, -1, len(callback.body), headers
        )


def _certificate(endpoint: Endpoint, fields: CIMultiDict[str], peer: str) -> Certificate | None:
    section = endpoint.client_certificate
    if section is None:
        return None
    return Edges(endpoint.name, section).certificate(fields, (peer, 40_000))
