"""Key binding JWTs, one for each line of the checklist (RFC 9901 §7.3), by name."""

from collections.abc import Iterator
from typing import Any

from contracts.codes import RejectionCode
from simulator.sd_jwt import Hidden, Holder, digest
from simulator.sign_jws import encode_json, new_token_key, public_jwk
from tests.presented.issuers import (
    AUDIENCE,
    LEEWAY,
    NONCE,
    NOW,
    SECOND,
    Named,
    Variant,
    credential,
    issuers,
    seconds,
)

MISSING = RejectionCode.PRESENTATION_BINDING_MISSING
INVALID = RejectionCode.PRESENTATION_BINDING_INVALID
OLDEST = -600 - LEEWAY / SECOND


def key_binding_variants() -> Named:
    """Yield every variant, under the policy that demands a holder and the one that does not."""
    for name, variant in _demanded():
        yield f"sd-jwt 10: {name}", variant._replace(demanded=True)
    for name, vp_token in _faults():
        yield f"sd-jwt 11: {name}", Variant(vp_token, INVALID, demanded=True)
        if name not in {"older than allowed", "another aud", "another nonce"}:
            yield f"sd-jwt 11: {name}, attested", Variant(vp_token, INVALID)
    for name, variant in _attested():
        yield f"sd-jwt 11: {name}, attested", variant


def bound(presentation: str | None = None, **options: Any) -> str:  # noqa: ANN401 - as Holder.bind
    """Return a presentation with a key binding; `options` come over the right ones."""
    right = {"audience": AUDIENCE, "nonce": NONCE, "now": NOW}
    presentation = presentation or credential().present(["birthdate"])
    return issuers().holder.bind(presentation, **{**right, **options})


def _demanded() -> Named:
    yield "bound", Variant(bound(), binding="verified")
    sha_512 = credential(hash_name="sha-512").present()
    yield "bound by sha-512", Variant(bound(sha_512, hash_name="sha-512"), binding="verified")
    yield "oldest", Variant(bound(claims={"iat": seconds(OLDEST)}), binding="verified")
    yield "newest", Variant(bound(claims={"iat": seconds(60)}), binding="verified")
    twice = f"{bound()}~{bound().rpartition('~')[2]}"
    yield "two key bindings", Variant(twice, RejectionCode.PRESENTATION_DISCLOSURE_INVALID)
    yield "no key binding", Variant(credential().present(), MISSING)
    yield "no cnf", Variant(bound(credential(cnf=None).present()), MISSING)
    yield "cnf without jwk", Variant(bound(credential(cnf={"kid": "a"}).present()), MISSING)
    key = Hidden(issuers().holder.confirmation["jwk"])
    yield "jwk withheld in cnf", Variant(bound(credential(cnf={"jwk": key}).present()), MISSING)
    yield "no nonce in the token", Variant(bound(), MISSING, nonce=None)
    yield "an empty nonce in the token", Variant(bound(claims={"nonce": ""}), MISSING, nonce="")


def _faults() -> Iterator[tuple[str, str]]:
    issued = credential()
    shown = issued.present(["birthdate"])
    more = issued.present(["birthdate", "given_name"])
    whole = bound(shown)
    covered, _, compact = whole.rpartition("~")
    head, payload, signature = compact.split(".")
    impostor = Holder(new_token_key("holder"))
    yield "signed by another", impostor.bind(shown, audience=AUDIENCE, nonce=NONCE, now=NOW)
    yield "no signature", f"{covered}~{head}.{payload}."
    yield "alg none", f"{covered}~{encode_json({'alg': 'none', 'typ': 'kb+jwt'})}.{payload}."
    hmac = encode_json({"alg": "HS256", "typ": "kb+jwt"})
    yield "alg HMAC", f"{covered}~{hmac}.{payload}.{signature}"
    yield "its own key in the header", bound(shown, header={"jwk": public_jwk(impostor.key)})
    yield "of more disclosures", f"{shown}{bound(more).rpartition('~')[2]}"
    yield "of fewer disclosures", f"{more}{compact}"
    yield (
        "in another order",
        (f"{issued.present(['given_name', 'birthdate'])}{bound(more).rpartition('~')[2]}"),
    )
    yield "of another credential", f"{credential().present(['birthdate'])}{compact}"
    yield (
        "sd_hash without the last tilde",
        bound(shown, claims={"sd_hash": digest(shown[:-1], "sha-256")}),
    )
    yield "sd_hash by another algorithm", bound(shown, hash_name="sha-512")
    yield from _wrong_claims(shown)
    secret = {**issuers().holder.confirmation["jwk"], "d": "AAAA"}
    yield "a private key in cnf", bound(credential(cnf={"jwk": secret}).present())
    yield "no key in cnf", bound(credential(cnf={"jwk": {"kty": "EC"}}).present())
    yield "no claims", f"{covered}~{head}.{encode_json({})}.{signature}"


def _wrong_claims(shown: str) -> Iterator[tuple[str, str]]:
    for typ in ("JWT", "KB+JWT", None):
        yield f"typ {typ}", bound(shown, header={"typ": typ})
    for name in ("iat", "aud", "nonce", "sd_hash"):
        yield f"no {name}", bound(shown, claims={name: None})
    for name in ("iat", "aud", "nonce", "sd_hash"):
        yield f"{name} of another type", bound(shown, claims={name: ["a"]})
    yield "another aud", bound(shown, audience="x509_hash:other")
    yield "another nonce", bound(shown, nonce="other")
    yield "older than allowed", bound(shown, claims={"iat": seconds(OLDEST - 1)})
    yield "from the future", bound(shown, claims={"iat": seconds(61)})
    yield "expired", bound(shown, claims={"exp": seconds(-60)})
    yield "not yet valid", bound(shown, claims={"nbf": seconds(61)})


def _attested() -> Named:
    yield "bound", Variant(bound(), binding="gateway-attested")
    old = bound(claims={"iat": seconds(-86_400)})
    yield "bound a day ago", Variant(old, binding="gateway-attested")
    yield (
        "bound for the gateway",
        Variant(bound(audience="the gateway"), binding="gateway-attested"),
    )
    yield "not bound", Variant(credential().present(), binding="none")
    yield "not bound, no cnf", Variant(credential(cnf=None).present(), binding="none")
    yield "bound, no cnf", Variant(bound(credential(cnf=None).present()), MISSING)
