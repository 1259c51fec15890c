"""Tell what goes wrong with SRTP callbacks, and what must come out of it all the same.

What a signature or a certificate is at fault for becomes a dead letter: the door cannot know. What
the head of a request already shows is refused with 403; with the header Version, 400.
"""

from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Final

from contracts.codes import AnomalyCode, RejectionCode
from contracts.errors import Broken
from simulator.plan import Fault, Step, Story
from simulator.srtp.bodies import REPORT
from simulator.srtp.cast import SIGNATURES, Act, Cast
from simulator.srtp.messages import Message, Request, report
from simulator.srtp.stories import PROVIDER_REASONS, Tell, Teller, accepted

_REFUSED: Final = 400
_FORBIDDEN: Final = 403
_TOO_LARGE: Final = 413
_SIGNED: Final = (*SIGNATURES, "client_certificate")


def faulty_story(fault: Fault, rng: Random, cast: Cast) -> Story:
    """Return a story about `fault`, at an endpoint where it can happen (KeyError: not SRTP's).

    Raises:
        Broken: no endpoint of the scene can show it.
    """
    tell, schemes = FAULTS[fault]
    endpoints = cast.endpoints(*schemes)
    if not endpoints:
        raise Broken(f"no srtp endpoint has {' or '.join(schemes)}: none can show {fault}")
    return Teller(rng, cast, rng.choice(endpoints)).story(tell, fault)


def _duplicates(teller: Teller) -> tuple[Step, ...]:
    """Tell of callbacks sent several times at once, and of an old one sent again later."""
    taken, agreed = accepted(teller)
    return (
        replace(taken, callbacks=taken.callbacks * 3),
        replace(agreed, callbacks=agreed.callbacks * 2),
        Step(taken.callbacks),
    )


def _reordering(teller: Teller) -> tuple[Step, ...]:
    taken, agreed = accepted(teller)
    # Older news moves nothing, and nothing is wrong.
    return (agreed, Step(taken.callbacks))


def _contradiction(teller: Teller) -> tuple[Step, ...]:
    request = teller.request()
    refused = teller.said(request, "RJCT", teller.rng.choice(PROVIDER_REASONS))
    conflict = ((request.id, AnomalyCode.CONFLICT),)
    return (teller.said(request, "ACCP"), Step(refused.callbacks, anomalies=conflict))


def _late_paid(teller: Teller) -> tuple[Step, ...]:
    """Tell of money that comes after a refusal: it wins, and a person is told."""
    request = teller.request()
    paid = teller.said(request, "ACSC")
    late = replace(paid, anomalies=((request.id, AnomalyCode.LATE),))
    return (teller.said(request, "RJCT", teller.rng.choice(PROVIDER_REASONS)), late)


def _unknown_status(teller: Teller) -> tuple[Step, ...]:
    request = teller.request()
    unknown = teller.said(request, "ZZZZ")
    noted = ((request.id, AnomalyCode.UNKNOWN_STATUS),)
    return (teller.said(request, "ACTC"), Step(unknown.callbacks, anomalies=noted))


def _reused_id(teller: Teller) -> tuple[Step, ...]:
    """Tell of one message id under two messages: both are heard, and the second is noticed."""
    first, second, message = teller.request(), teller.request(), teller.message()
    used = sha256(f"{message.speaker.bic}\n{message.id}".encode()).hexdigest()
    reused = ((f"witness:message:{used}", AnomalyCode.ID_REUSED),)
    return (
        teller.step(message, _taken(message, first), statuses=((first.id, "ACTC"),)),
        teller.step(
            message, _taken(message, second), statuses=((second.id, "ACTC"),), anomalies=reused
        ),
    )


def _oversize(teller: Teller) -> tuple[Step, ...]:
    request, message = teller.request(), teller.message()
    content = _taken(message, request)
    padding = "x" * teller.endpoint.limits.body_bytes_max
    content[REPORT]["SplmtryData"] = [{"PlcAndNm": padding}]
    return (Step((teller.callback(Act(message=message, content=content, answer=_TOO_LARGE)),)),)


def _version_header(teller: Teller) -> tuple[Step, ...]:
    act = replace(_act(teller), headers=(("Version", "1.0"),), answer=_REFUSED)
    return (Step((teller.callback(act),)),)


def _unsigned(teller: Teller) -> tuple[Step, ...]:
    """Tell of a callback that proves nothing; only inside a document the door cannot see it."""
    act = replace(_act(teller), signed=False)
    endpoint = teller.endpoint
    sections = ("detached_signature", "detached_jws", "client_certificate")
    if any(getattr(endpoint, one) is not None for one in sections):
        return (Step((teller.callback(replace(act, answer=_FORBIDDEN)),)),)
    return (Step((teller.callback(act),), rejection=RejectionCode.SIGNATURE_MISSING),)


def _tampered(teller: Teller) -> tuple[Step, ...]:
    """Tell of an ACCP that somebody wrote over an ACTC, and of the true one after it."""
    request, message = teller.request(), teller.message()
    act = Act(message=message, content=_taken(message, request))
    forged = teller.callback(replace(act, edit=_accept))
    return (
        Step((forged,), rejection=RejectionCode.SIGNATURE_MISMATCH),
        Step((teller.callback(act),), statuses=((request.id, "ACTC"),)),
    )


def _wrapped(teller: Teller) -> tuple[Step, ...]:
    """Tell of a signed ACTC carried inside a forged ACCP: who looks anywhere finds a signature."""
    request, message = teller.request(), teller.message()
    act = Act(message=message, content=_taken(message, request), edit=_wrap)
    return (Step((teller.callback(act),), rejection=RejectionCode.SIGNATURE_MISPLACED),)


def _by(signer: str, code: RejectionCode) -> Tell:
    """Return a story in which `signer` signs in bank A's name, and then bank A itself."""

    def tell(teller: Teller) -> tuple[Step, ...]:
        request, message = teller.request(), teller.message()
        act = Act(message=message, content=_taken(message, request), signer=signer)
        return (
            Step((teller.callback(act),), rejection=code),
            teller.said(request, "ACTC"),
        )

    return tell


def _act(teller: Teller) -> Act:
    message = teller.message()
    return Act(message=message, content=_taken(message, teller.request()))


def _taken(message: Message, request: Request) -> dict[str, dict[str, object]]:
    return report(message, request, status="ACTC")


def _accept(signed: bytes) -> bytes:
    return signed.replace(b"ACTC", b"ACCP", 1)


def _wrap(signed: bytes) -> bytes:
    """Return a forged document with the whole signed message below it, at the end."""
    start = signed.index(b"?>") + 2
    inner = signed[start:].strip()
    namespace = b"urn:iso:std:iso:20022:tech:xsd:pain.014.001.07"
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="%b">'
        b"<CdtrPmtActvtnReqStsRpt/>%b</Document>"
    ) % (namespace, inner)


Faulty = tuple[Tell, tuple[str, ...]]
"""How the fault is told, and the sections of which an endpoint needs one to show it."""

FAULTS: Final[dict[Fault, Faulty]] = {
    Fault.DUPLICATES: (_duplicates, _SIGNED),
    Fault.REORDERING: (_reordering, _SIGNED),
    Fault.LATE_PAID: (_late_paid, _SIGNED),
    Fault.CONTRADICTION: (_contradiction, _SIGNED),
    Fault.BURST: (accepted, _SIGNED),
    Fault.UNKNOWN_EVENT: (_unknown_status, _SIGNED),
    Fault.OVERSIZE: (_oversize, _SIGNED),
    Fault.VERSION_HEADER: (_version_header, _SIGNED),
    Fault.REUSED_ID: (_reused_id, _SIGNED),
    Fault.UNSIGNED: (_unsigned, _SIGNED),
    Fault.TAMPERED_BODY: (_tampered, SIGNATURES),
    Fault.WRAPPED_SIGNATURE: (_wrapped, ("xmldsig",)),
    Fault.OTHER_SIGNER: (_by("bank-b", RejectionCode.SIGNER_MISMATCH), _SIGNED),
    Fault.OTHER_ROOT: (
        _by("bank-a-other-root", RejectionCode.CERTIFICATE_UNTRUSTED),
        SIGNATURES,
    ),
    Fault.EXPIRED_CERTIFICATE: (
        _by("bank-a-expired", RejectionCode.CERTIFICATE_EXPIRED),
        SIGNATURES,
    ),
    Fault.REVOKED_CERTIFICATE: (
        _by("bank-a-revoked", RejectionCode.CERTIFICATE_REVOKED),
        SIGNATURES,
    ),
}
