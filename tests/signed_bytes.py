"""Make what decoders are given: bytes that a scheme has proven, and the callback they are of."""

import hashlib

from contracts.provider import Form, SignedBytes
from contracts.raw import RawCallback, Source
from contracts.update import Proof, Scheme
from tests.updates import at


def signed(body: bytes, form: Form = Form.JSON, *, signer: str = "bank") -> SignedBytes:
    """Return `body` as if the certificate of `signer` had signed it."""
    callback = RawCallback(
        body=body,
        callback_id="c",
        endpoint="bank",
        source=Source.CALLBACK,
        received_at=at(),
        method="POST",
        target_uri="https://example.org/",
        principal="",
    )
    proof = Proof(scheme=Scheme.XMLDSIG, algorithm="rsa-sha256", key_id="00" * 32, signer=signer)
    return SignedBytes(body, hashlib.sha256(body).hexdigest(), proof, callback, form)
