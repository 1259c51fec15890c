"""Tell what happens to wallet interactions, step by step, and what must come out of each step.

Our own side begins an interaction and announces it; then the gateway calls the path made for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from contracts.codes import AnomalyCode
from simulator.people import Person
from simulator.plan import Callback, Fault, Step, Story
from simulator.wallet.cast import Interaction, WalletCast

COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"


@dataclass(slots=True)
class Teller:
    """One story in the making, and the texts about people in it."""

    rng: Random
    cast: WalletCast
    private: set[str] = field(default_factory=set)

    def begin(
        self, *templates: str | int, interaction: str = "verification", **terms: object
    ) -> tuple[Interaction, Step]:
        """Return a new interaction, and the step in which our own side announces it."""
        begun = self.cast.begin(self.rng)
        self.private |= {begun.state, begun.code}
        terms = {"interaction": interaction, **terms}
        return begun, Step((self.cast.announcement(begun, list(templates), **terms),))

    def claims(self, **changes: object) -> dict[str, Any]:
        """Return the claims of a new token, which presents somebody new."""
        presentation, who = self.cast.presentation(self.rng)
        self.private |= {presentation, *_texts(who)}
        return self.cast.claims(self.rng, presentation, **changes)

    def token(self, **changes: object) -> str:
        """Return a token of the gateway."""
        return self.sign(self.claims(**changes))

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the gateway's token with these claims."""
        signed = self.cast.sign(claims)
        self.private.add(signed)
        return signed

    def verified(self, begun: Interaction, tokens: dict[str, str | None]) -> Callback:
        """Return the callback of a verification; a template without a token has failed."""
        entries = {
            template: {"token": token or "", "status": COMPLETED if token else FAILED}
            for template, token in tokens.items()
        }
        return self.cast.callback(begun, {"tokens": entries})

    def issued(
        self, begun: Interaction, template: int, status: str, *, completed: bool
    ) -> Callback:
        """Return the callback of a credential."""
        members = {"template_id": template, "status": status, "completed": completed}
        return self.cast.callback(begun, members)

    def story(self, tell: "Tell", fault: Fault | None = None) -> Story:
        """Return the whole story."""
        return Story(tell(self), fault, frozenset(self.private))


Tell = Callable[[Teller], tuple[Step, ...]]


def ordinary_story(rng: Random, cast: WalletCast) -> Story:
    """Return a story without a fault."""
    tell = rng.choices(_ORDINARY, weights=_WEIGHTS)[0]
    return Teller(rng, cast).story(tell)


def step(
    callback: Callback, begun: Interaction, native: str, *anomalies: tuple[str, AnomalyCode]
) -> Step:
    """Return the step of one callback that leads to one status event."""
    return Step((callback,), statuses=((begun.id, native),), anomalies=anomalies)


def verified(teller: Teller) -> tuple[Step, ...]:
    """Tell of a verification of one template."""
    begun, announced = teller.begin("7")
    return (announced, step(teller.verified(begun, {"7": teller.token()}), begun, "VERIFIED"))


def _verified_twice(teller: Teller) -> tuple[Step, ...]:
    """Tell of a verification of two templates, answered in one callback under one id."""
    first = teller.claims()
    identifier = first["verification_id"]
    begun, announced = teller.begin("7", "12", verification_ids=[identifier])
    second = teller.token(verification_id=identifier)
    callback = teller.verified(begun, {"7": teller.sign(first), "12": second})
    return (announced, step(callback, begun, "VERIFIED"))


def _failed(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin("7")
    return (announced, step(teller.verified(begun, {"7": None}), begun, "FAILED"))


def _issued(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin(31, interaction="issuance")
    callback = teller.issued(begun, 31, "Issued", completed=True)
    return (announced, step(callback, begun, "ISSUED"))


def _issued_one_after_the_other(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin(31, 32, interaction="issuance")
    pending = teller.issued(begun, 31, "Offered", completed=False)
    first = teller.issued(begun, 31, "Issued", completed=False)
    second = teller.issued(begun, 32, "Issued", completed=True)
    return (
        announced,
        step(pending, begun, "PENDING"),
        step(first, begun, "ISSUED_OPEN"),
        step(second, begun, "ISSUED"),
    )


def _not_issued(teller: Teller) -> tuple[Step, ...]:
    begun, announced = teller.begin(31, interaction="issuance")
    callback = teller.issued(begun, 31, "Rejected", completed=True)
    return (announced, step(callback, begun, "NOT_ISSUED"))


_ORDINARY: Final[tuple[Tell, ...]] = (
    verified,
    _verified_twice,
    _failed,
    _issued,
    _issued_one_after_the_other,
    _not_issued,
)
_WEIGHTS: Final = (6, 2, 1, 2, 1, 1)


def _texts(who: Person) -> set[str]:
    return {who.given_name, who.surname, who.email, who.phone}
