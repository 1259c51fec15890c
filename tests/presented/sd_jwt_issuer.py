"""SD-JWT presentations whose algorithm, signature or issuer is wrong, or unusual: by name."""

import json

from cryptography.hazmat.primitives.asymmetric import ec

from simulator.pki import Life, new_seal
from simulator.sign_jws import encode, encode_json, key_set, new_token_key
from tests.presented.issuers import (
    ALGORITHM,
    DAY,
    ISSUER,
    MALFORMED,
    MISSING,
    NOW,
    PINNED,
    UNTRUSTED,
    Named,
    Variant,
    credential,
    decoded,
    header_of,
    issuer_of,
    issuers,
)


def algorithms() -> Named:
    compact = credential().compact.split(".")
    payload = compact[1]
    for curve in (ec.SECP384R1(), ec.SECP521R1()):
        key = ec.generate_private_key(curve)
        signer = issuer_of(issuers().authority, uris=[ISSUER], key=key)
        yield f"on {curve.name}", Variant(credential(signer).present())
    seal = new_seal(
        issuers().authority, "RSA", organization="VATIT-1", life=Life(NOW - DAY, NOW + DAY)
    )
    yield "PS256, no iss", Variant(credential(seal, iss=None).present())
    yield (
        "none",
        Variant(f"{encode_json({'alg': 'none', 'typ': 'dc+sd-jwt'})}.{payload}.~", ALGORITHM),
    )
    hmac = encode_json({"alg": "HS256", "typ": "dc+sd-jwt"})
    yield "HMAC", Variant(f"{hmac}.{payload}.{compact[2]}~", ALGORITHM)
    other = encode_json({**header_of(compact[0]), "alg": "ES384"})
    yield "one of another curve", Variant(f"{other}.{payload}.{compact[2]}~", ALGORITHM)
    yield (
        "pinned key, HMAC",
        Variant(
            f"{hmac}.{credential(issuers().pinned, iss=PINNED).compact.split('.')[1]}.AAAA~",
            ALGORITHM,
        ),
    )


def signatures() -> Named:
    issued = credential()
    head, payload, signature = issued.compact.split(".")
    rest = issued.present().partition("~")[2]
    claims = json.loads(decoded(payload))
    tampered = encode_json({**claims, "age_over_18": False})
    yield "another payload", Variant(f"{head}.{tampered}.{signature}~{rest}", UNTRUSTED)
    yield (
        "another header",
        Variant(
            f"{encode_json({**header_of(head), 'x': 1})}.{payload}.{signature}~{rest}", UNTRUSTED
        ),
    )
    yield "no signature", Variant(f"{head}.{payload}.~{rest}", UNTRUSTED)
    yield "zero signature", Variant(f"{head}.{payload}.{encode(bytes(64))}~{rest}", UNTRUSTED)
    yield "too long signature", Variant(f"{head}.{payload}.{signature}AAAA~{rest}", UNTRUSTED)
    yield "junk in the signature", Variant(f"{head}.{payload}.{signature}==~{rest}", MALFORMED)
    impostor = new_token_key("pinned-1")
    yield (
        "another key under the pinned kid",
        Variant(credential(impostor, iss=PINNED).present(), UNTRUSTED),
    )


def issuer_keys() -> Named:
    known = issuers()
    yield "pinned key", Variant(credential(known.pinned, iss=PINNED).present())
    bare = credential(known.pinned, iss=PINNED, header={"kid": None})
    yield "pinned key without kid", Variant(bare.present())
    host = issuer_of(known.authority, hosts=["ISSUER.example.org"])
    yield "its host in the certificate", Variant(credential(host).present())
    yield "no iss, and a certificate", Variant(credential(iss=None).present())
    yield (
        "unknown kid",
        Variant(credential(known.pinned, iss=PINNED, header={"kid": "other"}).present(), UNTRUSTED),
    )
    yield "unknown iss without certificate", Variant(credential(known.pinned).present(), UNTRUSTED)
    yield (
        "certificate for a pinned iss",
        Variant(
            credential(issuer_of(known.authority, uris=[PINNED]), iss=PINNED).present(), UNTRUSTED
        ),
    )
    yield from _issuer_certificates()
    yield from _issuer_headers()
    yield "iss is no text", Variant(credential(iss=1).present(), MISSING)
    for name, iss in (("a tab", "https://issuer.exam\tple.org"), ("a line", f"{ISSUER}\n")):
        yield f"iss with {name} in it", Variant(credential(iss=iss).present(), MISSING)


def _issuer_certificates() -> Named:
    known = issuers()
    host = issuer_of(known.authority, hosts=["ISSUER.example.org"])
    yield "another root of the same name", Variant(credential(known.stranger).present(), UNTRUSTED)
    for name, life in (
        ("expired", Life(NOW - 9 * DAY, NOW - DAY)),
        ("future", Life(NOW + DAY, NOW + 9 * DAY)),
    ):
        leaf = issuer_of(known.authority, uris=[ISSUER], life=life)
        yield f"{name} certificate", Variant(credential(leaf).present(), UNTRUSTED)
    for name, leaf in (
        ("for another issuer", issuer_of(known.authority, uris=["https://other.example.org"])),
        ("for a wildcard", issuer_of(known.authority, hosts=["*.example.org"])),
        ("without names", issuer_of(known.authority)),
        ("of a CA", known.authority),
    ):
        yield f"certificate {name}", Variant(credential(leaf).present(), UNTRUSTED)
    wild = issuer_of(known.authority, hosts=["*.example.org"])
    of_wild = credential(wild, iss="https://*.example.org")
    yield "a wildcard as iss", Variant(of_wild.present(), UNTRUSTED)
    yield (
        "plain http",
        Variant(credential(host, iss="http://issuer.example.org").present(), UNTRUSTED),
    )
    posing = credential(host, iss="https://bank.example.com@issuer.example.org/")
    yield "a user before the host", Variant(posing.present(), UNTRUSTED)
    yield (
        "chain without its CA",
        Variant(
            credential(header={"x5c": header_of(credential().compact)["x5c"][:1]}).present(),
            UNTRUSTED,
        ),
    )


def _issuer_headers() -> Named:
    for name, code, chain in (
        ("no list", MALFORMED, "AAAA"),
        ("empty", UNTRUSTED, []),
        ("no certificate", UNTRUSTED, ["AAAA"]),
        ("no base64", UNTRUSTED, ["-"]),
        ("no text", MALFORMED, [1]),
    ):
        yield f"x5c: {name}", Variant(credential(header={"x5c": chain}).present(), code)
    own = json.loads(key_set([issuers().holder.key]))["keys"][0]
    for name, value in (("jwk", own), ("jku", ISSUER), ("x5u", ISSUER), ("crit", ["exp"])):
        yield (
            f"{name} in the header",
            Variant(credential(header={name: value}).present(), MALFORMED),
        )
