"""Make the calls that are measured: whole verdicts, proofs alone, and the libraries below them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from aiokafka import ConsumerRecord
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import Certificate
from signxml.verifier import XMLVerifier

from benchmarks.turns import Call
from contracts.errors import Rejected
from contracts.json_object import read_json
from contracts.providers import provider_named
from contracts.raw import RawCallback
from contracts.topics import Topics
from runtime.configuration import Configuration
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from simulator.pki import Identity
from workers.processor import InputRecord
from workers.verifier.jwks_source import JwksSource
from workers.verifier.policies import Sources, endpoint_policies
from workers.verifier.policy import Policy
from workers.verifier.processor import VerifierProcessor
from workers.verifier.prove import prove
from workers.verifier.trust_source import TrustSource

_SIGNED_BYTES: Final = b"s" * 600  # about a canonical SignedInfo
_OTHER_DIGIT: Final = bytes.maketrans(b"0123456789", b"1234567890")


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the table: what is called in turns, and how large the first body is."""

    calls: Sequence[Call]
    body_bytes: int


class Verifier:
    """The verifier of one provider without Kafka around it."""

    def __init__(self, configuration: Configuration, name: str) -> None:
        """Read the endpoints' keys, certificates and key sets, as the worker does."""
        provider, endpoints = provider_named(name), configuration.endpoints_of(name)
        issuers = [one for each in endpoints.values() if each.tokens for one in each.tokens.issuers]
        sources = Sources(
            keys=KeySource(endpoints, lambda *_: None),
            trust=TrustSource(endpoints, lambda *_: None),
            key_of=JwksSource(issuers, lambda *_: None).key,
        )
        self._policies = endpoint_policies(provider, endpoints, sources)
        self._processor = VerifierProcessor(provider, self._policies, Topics.of(name), Metrics())

    def verdicts(self, callbacks: Sequence[RawCallback]) -> Subject:
        """Return the calls that turn each raw record into written verified updates.

        Raises:
            RuntimeError: one is not accepted, or is with another body.
        """
        for one in callbacks:
            self._check(one)
        calls = [partial(self._processor.process, _record(one)) for one in callbacks]
        return Subject(calls, len(callbacks[0].body))

    def proofs(self, callbacks: Sequence[RawCallback]) -> Subject:
        """Return the calls that only prove who signed each callback."""
        calls = [partial(prove, one, self._policies[one.endpoint]) for one in callbacks]
        return Subject(calls, len(callbacks[0].body))

    def tokens(self, callbacks: Sequence[RawCallback]) -> Subject:
        """Return the calls that only verify the first token of each callback."""
        calls = [_token(one, self._policies[one.endpoint]) for one in callbacks]
        return Subject(calls, len(callbacks[0].body))

    def _check(self, callback: RawCallback) -> None:
        if not self._processor.process(_record(callback)):
            raise RuntimeError(f"{callback.endpoint}: no verified update")
        if callback.endpoint == "pivot":
            return  # an API key covers no body
        changed = replace(callback, body=callback.body.translate(_OTHER_DIGIT))
        try:
            self._processor.process(_record(changed))
        except Rejected:
            return
        raise RuntimeError(f"{callback.endpoint}: accepted with another body")


def signature_alone(signer: Identity) -> Subject:
    """Return the call that verifies one signature with a key that is at hand."""
    public, digest = signer.certificate.public_key(), hashes.SHA256()
    if isinstance(signer.key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
        padded = padding.PKCS1v15()
        value = signer.key.sign(_SIGNED_BYTES, padded, digest)
        call: Call = partial(public.verify, value, _SIGNED_BYTES, padded, digest)
    elif isinstance(signer.key, ec.EllipticCurvePrivateKey) and isinstance(
        public, ec.EllipticCurvePublicKey
    ):
        method = ec.ECDSA(digest)
        value = signer.key.sign(_SIGNED_BYTES, method)
        call = partial(public.verify, value, _SIGNED_BYTES, method)
    else:
        raise TypeError("a signer with neither an RSA nor an EC key")
    return Subject([call], len(_SIGNED_BYTES))


def signxml_alone(callbacks: Sequence[RawCallback], signer: Identity) -> Subject:
    """Return the calls that verify each body by signxml with its defaults and one certificate."""
    calls = [partial(_signxml, one.body, signer.certificate) for one in callbacks]
    return Subject(calls, len(callbacks[0].body))


def _signxml(document: bytes, certificate: Certificate) -> None:
    XMLVerifier().verify(document, x509_cert=certificate)


def _token(callback: RawCallback, policy: Policy) -> Call:
    if policy.verify_token is None:
        raise RuntimeError(f"{callback.endpoint}: takes no tokens")
    first, *_ = read_json(callback.body)["tokens"].values()
    at = datetime.fromisoformat(callback.received_at)
    return partial(policy.verify_token, first["token"], at, str)


def _record(callback: RawCallback) -> InputRecord:
    body, headers = callback.body, callback.headers()
    return ConsumerRecord("raw", 0, 7, 0, 0, None, body, None, -1, len(body), headers)
