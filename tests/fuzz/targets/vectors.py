"""Give the recorded vectors as seeds, and what their endpoints trust: recorded keys as well."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final

from contracts.provider import Form, SignedBytes
from contracts.raw import RawCallback
from ingress.authenticate import Refused
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import Endpoint
from tests.certificates import load_trust
from tests.conformance.road import Road
from tests.conformance.vector import VECTORS, Vector, vectors_of
from tests.updates import said
from workers.processor import InputRecord
from workers.verifier.certificates import Trust

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)  # when the signed vectors were received
# What the codes of a proof that does not hold begin with; other faults of a token are behind it.
_FAULTS_OF_PROOF: Final = (
    "algorithm_",
    "certificate_",
    "credentials_",
    "signature_",
    "token_header_",
    "token_key_unknown",
    "token_malformed",
    "xml_",
)
_STRICTER_THAN_OTHERS: Final = "certificate_status_unknown"  # an endpoint may do without lists


@cache
def road(provider: str) -> Road:
    """Return the verifier of the provider's vectors."""
    return Road(provider)


def bodies(provider: str) -> Iterator[bytes]:
    """Yield the body of every vector."""
    return (vector.body for vector in vectors_of(provider))


def records(provider: str, *, genuine: bool = False) -> Iterator[InputRecord]:
    """Yield the raw record of every vector, also where the ingress would have stored none.

    With `genuine`, only of those whose folder finds no fault with who signed them: the verifier's
    own word is not taken for it.
    """
    for vector in vectors_of(provider):
        faulty = vector.code.startswith(_FAULTS_OF_PROOF) and vector.code != _STRICTER_THAN_OTHERS
        if not (genuine and faulty):
            yield _record(road(provider), vector)


@cache
def callbacks(
    provider: str, section: str = "", *, genuine: bool = False
) -> tuple[RawCallback, ...]:
    """Return the vectors' callbacks to endpoints that have this section; default: to any."""
    found = (road(provider).callback(record) for record in records(provider, genuine=genuine))
    named = endpoints_with(provider, section)
    return tuple(one for one in found if not section or one.endpoint in named)


@cache
def endpoints_with(provider: str, section: str) -> tuple[str, ...]:
    """Return the names of the provider's endpoints that have this section."""
    endpoints = _endpoints(provider).items()
    return tuple(name for name, one in endpoints if getattr(one, section, None) is not None)


@cache
def trust_of(endpoint: str) -> Trust:
    """Return whom an endpoint of SRTP trusts."""
    certificates = endpoint_of("srtp", endpoint).certificates
    assert certificates is not None
    return load_trust(certificates)


def endpoint_of(provider: str, name: str) -> Endpoint:
    """Return an endpoint of the vectors."""
    return _endpoints(provider)[name]


def as_signed(body: bytes, callback: RawCallback, form: Form = Form.JSON) -> SignedBytes:
    """Return bytes as if their origin were proven."""
    return SignedBytes(body, "ab" * 32, said("PAID").proof, callback, form)


@cache
def _endpoints(provider: str) -> Mapping[str, Endpoint]:
    file = VECTORS / provider / "endpoint.yaml"
    return load_configuration(file, environ={}).endpoints_of(provider)


def _record(way: Road, vector: Vector) -> InputRecord:
    try:
        return way.raw_record(vector)
    except Refused:
        return way.stored_anyway(vector)
