"""Tell what happens to requests to pay, step by step, and what must come out of each step.

One story is one request (or a batch of them) at one endpoint, answered by one bank in every carrier
and scheme that the endpoint takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from contracts.codes import AnomalyCode
from runtime.endpoint_configuration import Endpoint
from simulator.pki_files import BANK_A, BANKS, Bank
from simulator.plan import Callback, Fault, Step, Story
from simulator.srtp.cast import Act, Cast
from simulator.srtp.messages import (
    Message,
    Request,
    cancellation,
    new_message,
    new_request,
    private_texts,
    report,
    report_of_group,
    report_of_many,
    written,
)

# EPC133-22 v3.1: the reasons of DS04b and of DS08N that the other does not have.
PROVIDER_REASONS: Final = ("AC02", "ATNS", "BE16", "RR04", "SPII")
PAYER_REASONS: Final = ("AM09", "IEDT", "MS02", "NOAR", "UCRD")
REPORTS: Final = ("ALAC", "ARFR", "ARJR", "AEXR", "IRNR", "REPR")


@dataclass(slots=True)
class Teller:
    """One story in the making: its bank, its endpoint, the requests in it so far."""

    rng: Random
    cast: Cast
    endpoint: Endpoint
    bank: Bank = BANK_A
    requests: list[Request] = field(default_factory=list)

    def request(self) -> Request:
        """Return a new request to pay."""
        made = new_request(self.rng)
        self.requests.append(made)
        return made

    def message(self) -> Message:
        """Return a new message of the story's bank."""
        return new_message(self.rng, speaker=self.bank)

    def said(
        self, request: Request, status: str | None, reason: str | None = None, **more: object
    ) -> Step:
        """Return the step in which the bank says so, and the status event that follows."""
        message = self.message()
        if status == "RJCT" and reason in PAYER_REASONS:
            more = {"DbtrDcsnDtTm": written(message.created), **more}
        content = report(message, request, status=status, reason=reason, **more)
        native = status or reason or ""
        return self.step(message, content, statuses=((request.id, native),))

    def step(
        self,
        message: Message,
        content: dict[str, Any],
        *,
        statuses: tuple[tuple[str, str], ...] = (),
        anomalies: tuple[tuple[str, AnomalyCode], ...] = (),
    ) -> Step:
        """Return a step of one callback that is right in every way."""
        return Step(
            (self.callback(Act(message=message, content=content)),),
            statuses=statuses,
            anomalies=anomalies,
        )

    def callback(self, act: Act) -> Callback:
        """Return the callback as the story's endpoint takes it."""
        return self.cast.callback(self.rng, self.endpoint, act)

    def story(self, tell: "Tell", fault: Fault | None = None) -> Story:
        """Return the whole story."""
        return Story(tell(self), fault, private_texts(self.requests))


Tell = Callable[[Teller], tuple[Step, ...]]


def ordinary_story(rng: Random, cast: Cast) -> Story:
    """Return a story without a fault, of any bank at any endpoint."""
    tell = rng.choices(_ORDINARY, weights=_WEIGHTS)[0]
    teller = Teller(rng, cast, rng.choice(cast.endpoints()), rng.choice(BANKS))
    return teller.story(tell)


def accepted(teller: Teller) -> tuple[Step, ...]:
    """Tell of a request that the payer's bank takes and the payer accepts."""
    request = teller.request()
    return (teller.said(request, "ACTC"), teller.said(request, "ACCP"))


def _accepted_at_once(teller: Teller) -> tuple[Step, ...]:
    return (teller.said(teller.request(), "ACCP"),)


def _changed(teller: Teller) -> tuple[Step, ...]:
    request = teller.request()
    condition = {"AccptdAmt": (request.cents - 50) / 100, "GrntedPmt": False, "EarlyPmt": True}
    return (
        teller.said(request, "ACTC"),
        teller.said(request, "ACWC", PmtCondSts=condition),
    )


def _paid(teller: Teller) -> tuple[Step, ...]:
    request = teller.request()
    return (
        teller.said(request, "ACTC"),
        teller.said(request, "ACCP"),
        teller.said(request, "ACSC"),
    )


def _refused_by_the_payer(teller: Teller) -> tuple[Step, ...]:
    request = teller.request()
    refused = teller.said(request, "RJCT", teller.rng.choice(PAYER_REASONS))
    return (teller.said(request, "ACTC"), refused)


def _rejected_by_the_provider(teller: Teller) -> tuple[Step, ...]:
    return (teller.said(teller.request(), "RJCT", teller.rng.choice(PROVIDER_REASONS)),)


def _reported(teller: Teller) -> tuple[Step, ...]:
    """Tell of a status response (DS-16), whose only word is its reason."""
    return (teller.said(teller.request(), None, teller.rng.choice(REPORTS)),)


def _cancelled(teller: Teller) -> tuple[Step, ...]:
    request, message = teller.request(), teller.message()
    content = cancellation(message, request, confirmation="CNCL")
    return (
        teller.said(request, "ACTC"),
        teller.step(message, content, statuses=((request.id, "CNCL"),)),
    )


def _cancellation_refused(teller: Teller) -> tuple[Step, ...]:
    request, message = teller.request(), teller.message()
    content = cancellation(message, request, confirmation="RJCR")
    return (
        teller.said(request, "ACTC"),
        teller.step(message, content, statuses=((request.id, "RJCR"),)),
        teller.said(request, "ACCP"),
    )


def _many(teller: Teller) -> tuple[Step, ...]:
    """Tell of a message about three parts of one pain.013: each is a transaction of its own.

    A part is known by the batch's id and its own: the OrgnlInstrId, unless that is the batch's.
    """
    first, second, third = (teller.request() for _ in range(3))
    message = teller.message()
    content = report_of_many(
        message,
        [(first, "ACTC", None), (second, "RJCT", "AC02"), (third, "ACCP", None)],
    )
    statuses = (
        (f"{first.id}/{first.notice}", "ACTC"),
        (f"{first.id}/{second.id}", "RJCT"),
        (f"{first.id}/{third.id}", "ACCP"),
    )
    return (teller.step(message, content, statuses=statuses),)


def _whole_group(teller: Teller) -> tuple[Step, ...]:
    """Tell of a message that speaks of the group alone (GrpSts)."""
    request, message = teller.request(), teller.message()
    content = report_of_group(message, request, status="ACTC")
    return (
        teller.step(message, content, statuses=((request.id, "ACTC"),)),
        teller.said(request, "ACCP"),
    )


_ORDINARY: Final[tuple[Tell, ...]] = (
    accepted,
    _accepted_at_once,
    _changed,
    _paid,
    _refused_by_the_payer,
    _rejected_by_the_provider,
    _reported,
    _cancelled,
    _cancellation_refused,
    _many,
    _whole_group,
)
_WEIGHTS: Final = (5, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1)
