"""mdoc presentations whose signer or issuerAuth is wrong, or unusual: by name."""

from cbor2 import CBORTag
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulator.mdoc import device_response, validity
from simulator.pki import Life
from tests.presented.issuers import (
    ALGORITHM,
    DAY,
    MALFORMED,
    NOW,
    UNTRUSTED,
    Named,
    Variant,
    document,
    issuer_of,
    issuers,
    life_of_a_month,
    mdoc,
    response,
    signer_of,
)

X5CHAIN = 33


def signers() -> Named:
    known = issuers()
    for curve in (ec.SECP384R1(), ec.SECP521R1()):
        signer = signer_of(known.authority, key=ec.generate_private_key(curve))
        yield f"on {curve.name}", Variant(response(mdoc(signer)))
    yield "below the root itself", Variant(response(mdoc(signer_of(known.root))))
    yield "certificate without purposes", Variant(response(mdoc(issuer_of(known.authority))))
    yield "another root of the same name", Variant(response(mdoc(known.stranger)), UNTRUSTED)
    signed_before = {"validityInfo": validity(life_of_a_month(), signed=NOW - 5 * DAY)}
    for name, life in (
        ("expired", Life(NOW - 9 * DAY, NOW - DAY)),
        ("future", Life(NOW + DAY, NOW + 9 * DAY)),
    ):
        signer = signer_of(known.authority, life=life)
        issued = mdoc(signer, security_object=signed_before)
        yield f"{name} certificate", Variant(response(issued), UNTRUSTED)
    purpose = signer_of(known.authority, purposes=[ExtendedKeyUsageOID.SERVER_AUTH])
    yield "certificate for TLS", Variant(response(mdoc(purpose)), UNTRUSTED)
    yield "certificate of a CA", Variant(response(mdoc(known.authority)), UNTRUSTED)
    rsa_key = rsa.generate_private_key(65_537, 2048)
    yield "RSA", Variant(response(mdoc(signer_of(known.authority, key=rsa_key))), ALGORITHM)
    before = mdoc(
        security_object={"validityInfo": validity(life_of_a_month(), signed=NOW - 5 * DAY)}
    )
    yield "signed before its certificate began", Variant(response(before), UNTRUSTED)
    impostor = signer_of(known.authority)
    swapped = document()
    chain = [one.public_bytes(Encoding.DER) for one in impostor.chain]
    swapped["issuerSigned"]["issuerAuth"][1] = {X5CHAIN: chain}
    yield "certificate of another signer", Variant(device_response([swapped]), UNTRUSTED)


def headers() -> Named:
    for name, code, edited in (
        ("alg of another curve", ALGORITHM, {1: -35}),
        ("alg RSA-PSS", ALGORITHM, {1: -37}),
        ("alg HMAC", ALGORITHM, {1: 5}),
        ("alg is text", ALGORITHM, {1: "ES256"}),
        ("no alg", ALGORITHM, {1: None}),
        ("critical", MALFORMED, {2: [1]}),
        ("x5chain in both", MALFORMED, {X5CHAIN: b"x"}),
    ):
        yield f"headers: {name}", Variant(response(mdoc(headers=edited)), code)
    auth = mdoc().issuer_auth
    protected, unprotected, payload, signature = auth
    for name, code, parts in (
        ("alg unprotected too", MALFORMED, [protected, {**unprotected, 1: -7}, payload, signature]),
        (
            "critical, unprotected",
            MALFORMED,
            [protected, {**unprotected, 2: [1]}, payload, signature],
        ),
        ("alg unprotected only", ALGORITHM, [b"\xa0", {**unprotected, 1: -7}, payload, signature]),
        ("no protected", MALFORMED, [b"", unprotected, payload, signature]),
        ("no payload", MALFORMED, [protected, unprotected, None, signature]),
        ("no signature", UNTRUSTED, [protected, unprotected, payload, b""]),
        ("zero signature", UNTRUSTED, [protected, unprotected, payload, bytes(64)]),
        ("another signature", UNTRUSTED, [protected, unprotected, payload, signature[::-1]]),
        ("another payload", UNTRUSTED, [protected, unprotected, payload[:-1] + b"x", signature]),
        ("no chain", UNTRUSTED, [protected, {}, payload, signature]),
        ("an empty chain", UNTRUSTED, [protected, {X5CHAIN: []}, payload, signature]),
        ("a chain of text", MALFORMED, [protected, {X5CHAIN: ["a"]}, payload, signature]),
        ("a chain of no certificates", UNTRUSTED, [protected, {X5CHAIN: b"a"}, payload, signature]),
        ("a long chain", UNTRUSTED, [protected, {X5CHAIN: [b"a"] * 6}, payload, signature]),
        ("three parts", MALFORMED, auth[:3]),
        ("tagged", MALFORMED, CBORTag(18, auth)),
        ("absent", MALFORMED, None),
    ):
        edited_document = document()
        edited_document["issuerSigned"]["issuerAuth"] = parts
        yield f"issuerAuth: {name}", Variant(device_response([edited_document]), code)
