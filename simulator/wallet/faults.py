"""Tell what goes wrong with wallet callbacks, and what must come out of it all the same.

The path is checked at the door (404), the token by the verifier (a dead letter), the terms of the
announcement by the state machine (an anomaly, and nothing moves).
"""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from hmac import digest
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.codes import AnomalyCode, RejectionCode
from simulator.pki import ec_key
from simulator.plan import Callback, Fault, Step, Story
from simulator.sign_jws import encode, encode_json
from simulator.wallet.cast import Interaction, WalletCast
from simulator.wallet.files import named
from simulator.wallet.stories import Tell, Teller, step, verified

_STRANGER: Final = 404
_TOO_LARGE: Final = 413


def faulty_story(fault: Fault, rng: Random, cast: WalletCast) -> Story:
    """Return a story about `fault` (KeyError: not the wallet's)."""
    return Teller(rng, cast).story(FAULTS[fault], fault)


def _duplicates(teller: Teller) -> tuple[Step, ...]:
    announced, said = verified(teller)
    return (announced, replace(said, callbacks=said.callbacks * 3), Step(said.callbacks))


def _contradiction(teller: Teller) -> tuple[Step, ...]:
    """Tell of a FAILED after VERIFIED: nobody signs a failure, so it is not believed."""
    begun, announced = teller.begin("7")
    done = step(teller.verified(begun, {"7": teller.token()}), begun, "VERIFIED")
    failed = teller.verified(begun, {"7": None})
    return (announced, done, Step((failed,), anomalies=((begun.id, AnomalyCode.CONFLICT),)))


def _early(teller: Teller) -> tuple[Step, ...]:
    """Tell of a callback that is faster than its own announcement."""
    begun, announced = teller.begin("7")
    callback = teller.verified(begun, {"7": teller.token()})
    return (Step((callback,)), replace(announced, statuses=((begun.id, "VERIFIED"),)))


def _wrong_path(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin("7")
    token = teller.token()
    members = {"tokens": {"7": {"token": token, "status": "COMPLETED"}}}
    forged = teller.cast.callback(
        begun, members, segment=f"{begun.id}.{'0' * len(begun.id)}", answer=_STRANGER
    )
    return (
        announced,
        Step((forged,)),
        step(teller.verified(begun, {"7": token}), begun, "VERIFIED"),
    )


def _wrong_code(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin("7")
    token = teller.token()
    guessed = replace(begun, code=begun.code[::-1])
    return (
        announced,
        _broken(begun, teller.verified(guessed, {"7": token})),
        step(teller.verified(begun, {"7": token}), begun, "VERIFIED"),
    )


def _missing_template(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin("7", "12")
    return (announced, step(teller.verified(begun, {"7": teller.token()}), begun, "FAILED"))


def _extra_template(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin("7")
    both = teller.verified(begun, {"7": teller.token(), "12": teller.token()})
    return (announced, _broken(begun, both))


def _failed_entry(teller: Teller) -> tuple[Step, ...]:
    """Tell of one failed template beside a completed one: the verification has failed."""
    begun, announced = teller.begin("7", "12")
    callback = teller.verified(begun, {"7": teller.token(), "12": None})
    return (announced, step(callback, begun, "FAILED"))


def _foreign_token(teller: Teller) -> tuple[Step, ...]:
    """Tell of another transaction's token under this one, whose verification id is registered."""
    begun, announced = teller.begin("7", verification_ids=["another one"])
    return (announced, _broken(begun, teller.verified(begun, {"7": teller.token()})))


def _reused_id(teller: Teller) -> tuple[Step, ...]:
    """Tell of one verification under two transactions: the second is told nothing of."""
    first, announced_first = teller.begin("7")
    second, announced_second = teller.begin("7")
    claims = teller.claims()
    token = teller.sign(claims)
    used = sha256(f"{claims['iss']}\n{claims['verification_id']}".encode()).hexdigest()
    reused = (f"witness:verification:{used}", AnomalyCode.ID_REUSED)
    return (
        announced_first,
        step(teller.verified(first, {"7": token}), first, "VERIFIED"),
        announced_second,
        Step((teller.verified(second, {"7": token}),), anomalies=(reused,)),
    )


def _tampered(teller: Teller) -> tuple[Step, ...]:
    """Tell of claims that somebody wrote over, keeping the signature, and of the true ones."""
    claims = teller.claims()
    token = teller.sign(claims)
    head, _, signature = token.split(".")
    forged = f"{head}.{encode_json({**claims, 'over_18': True})}.{signature}"
    return _rejected(teller, forged, RejectionCode.SIGNATURE_MISMATCH, then=token)


def _wrong_key(teller: Teller) -> tuple[Step, ...]:
    """Tell of a token signed by a stranger under the gateway's key id."""
    stranger = replace(teller.cast.keys.gateway, key=ec_key())
    forged = teller.cast.sign(teller.claims(), stranger)
    return _rejected(teller, forged, RejectionCode.SIGNATURE_MISMATCH)


def _unknown_key(teller: Teller) -> tuple[Step, ...]:
    forged = teller.cast.sign(teller.claims(), named(ec_key()))
    return _rejected(teller, forged, RejectionCode.TOKEN_KEY_UNKNOWN)


def _key_rotation(teller: Teller) -> tuple[Step, ...]:
    """Tell of a token signed with a key that the gateway publishes in that moment: none is lost."""
    begun, announced = teller.begin("7")
    token = teller.cast.sign(teller.claims(), teller.cast.next_key)
    done = step(teller.verified(begun, {"7": token}), begun, "VERIFIED")
    return (announced, replace(done, cue=teller.cast.next_key_set))


def _expired_token(teller: Teller) -> tuple[Step, ...]:
    ended = teller.cast.scene.now - timedelta(hours=1)
    expired = teller.token(exp=int(ended.timestamp()))
    return _rejected(teller, expired, RejectionCode.TOKEN_EXPIRED)


def _hmac_forgery(teller: Teller) -> tuple[Step, ...]:
    """Tell of HS256 with the public key as its secret: what a verifier that trusts alg takes."""
    gateway = teller.cast.keys.gateway
    secret = gateway.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = _unsigned(teller, {"alg": "HS256", "typ": "JWT", "kid": gateway.kid})
    forged = f"{unsigned}.{encode(digest(secret, unsigned.encode(), 'sha256'))}"
    return _rejected(teller, forged, RejectionCode.ALGORITHM_FORBIDDEN)


def _no_algorithm(teller: Teller) -> tuple[Step, ...]:
    forged = f"{_unsigned(teller, {'alg': 'none', 'typ': 'JWT'})}."
    return _rejected(teller, forged, RejectionCode.ALGORITHM_FORBIDDEN)


def _oversize(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin("7")
    padding = "x" * teller.cast.endpoint.limits.body_bytes_max
    callback = teller.cast.callback(begun, {"tokens": {}, "padding": padding}, answer=_TOO_LARGE)
    return (announced, Step((callback,)))


def _unsigned(teller: Teller, header: dict[str, Any]) -> str:
    return f"{encode_json(header)}.{encode_json(teller.claims())}"


def _rejected(
    teller: Teller, token: str, code: RejectionCode, *, then: str | None = None
) -> tuple[Step, ...]:
    """Return a story in which `token` becomes a dead letter, and a good one comes after it."""
    begun, announced = teller.begin("7")
    good = teller.verified(begun, {"7": then or teller.token()})
    return (
        announced,
        Step((teller.verified(begun, {"7": token}),), rejection=code),
        step(good, begun, "VERIFIED"),
    )


def _broken(begun: Interaction, callback: Callback) -> Step:
    return Step((callback,), anomalies=((begun.id, AnomalyCode.TERMS_BROKEN),))


FAULTS: Final[dict[Fault, Tell]] = {
    Fault.DUPLICATES: _duplicates,
    Fault.CONTRADICTION: _contradiction,
    Fault.BURST: verified,
    Fault.OVERSIZE: _oversize,
    Fault.EARLY: _early,
    Fault.WRONG_PATH: _wrong_path,
    Fault.WRONG_CODE: _wrong_code,
    Fault.MISSING_TEMPLATE: _missing_template,
    Fault.EXTRA_TEMPLATE: _extra_template,
    Fault.FAILED_ENTRY: _failed_entry,
    Fault.FOREIGN_TOKEN: _foreign_token,
    Fault.REUSED_ID: _reused_id,
    Fault.TAMPERED_BODY: _tampered,
    Fault.WRONG_KEY: _wrong_key,
    Fault.UNKNOWN_KEY: _unknown_key,
    Fault.KEY_ROTATION: _key_rotation,
    Fault.EXPIRED_TOKEN: _expired_token,
    Fault.HMAC_FORGERY: _hmac_forgery,
    Fault.NO_ALGORITHM: _no_algorithm,
}
