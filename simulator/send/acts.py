"""Say what a public body and the delivery system do in a story of SEND, act by act. Pure.

Nobody knows a request's id or an IUN before the intake gives it; so a story names its notification
by its protocol number, and what was given later stands in its acts as `Stored`.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from contracts.codes import AnomalyCode, RejectionCode
from simulator.plan import Callback, Fault, Presents, Step, Story

PROVINCIA: Final = "provincia"
REGIONE: Final = "regione"
# Below: what an act is done with that is not as it should be.
UploadFlaw = Literal[
    "",
    "other_content",
    "wrong_secret",
    "wrong_type",
    "expired_slot",
    "shorter",
    "never",
    "long_ago",
]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a public body."""

    name: str
    content: bytes = field(repr=False)
    kind: Literal["pdf", "json"] = "pdf"

    @property
    def sha256(self) -> str:
        """Return the digest as SEND writes it."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    @property
    def media_type(self) -> str:
        """Return its content type."""
        return f"application/{self.kind}"


@dataclass(frozen=True, slots=True)
class Stored:
    """Stands in a request's members for the `ref` of a file that was uploaded before."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One call, by whom, and the HTTP status that it must be answered with."""

    body: str = PROVINCIA
    answer: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload(Act):
    """Ask for an upload slot for each file."""

    files: tuple[File, ...]
    presents: Presents = Presents.CORRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Act):
    """Send one file to its slot; `never`: not at all, `long_ago`: a version whose time is over."""

    file: File
    flaw: UploadFlaw = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Act):
    """Send the request; `codes` are those of the problems in a 400 or 409."""

    members: Mapping[str, Any]
    answer: int = 202
    codes: frozenset[str] = frozenset()
    presents: Presents = Presents.CORRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Learn(Act):
    """Ask for the request's status until it waits no more; `codes` are those of a refusal."""

    status: Literal["ACCEPTED", "REFUSED", ""] = "ACCEPTED"
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Act):
    """Load the first document of the accepted notification, and compare it with what was sent."""

    file: File


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Act):
    """Wish the notification cancelled."""

    answer: int = 202


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the timeline: what happened, at which second of the story, to whom."""

    category: str
    second: int
    recipient: int | None = None
    iun: Literal["own", "other", "none"] = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell(Act):
    """The delivery system tells elements, in this order, in one callback."""

    elements: tuple[Element, ...]
    presents: Presents = Presents.CORRECT


@dataclass(frozen=True, slots=True)
class SendStep(Step):
    """Acts in this order, and what all of them lead to."""

    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class SendStory(Story):
    """One notification's life; `name` is its protocol number, and stands for its request's id."""

    name: str = ""


def step(
    *acts: Act,
    statuses: tuple[tuple[str, str], ...] = (),
    anomalies: tuple[tuple[str, AnomalyCode], ...] = (),
    rejection: RejectionCode | None = None,
) -> SendStep:
    """Return the step of these acts; of each call only the planned answer is known before."""
    return SendStep(
        callbacks=tuple(Callback(b"", answer=act.answer) for act in acts if _is_a_call(act)),
        statuses=statuses,
        anomalies=anomalies,
        rejection=rejection,
        acts=acts,
    )


def story(
    name: str, *steps: SendStep, fault: Fault | None = None, private: frozenset[str] = frozenset()
) -> SendStory:
    """Return the story of the notification with this protocol number."""
    return SendStory(steps=steps, fault=fault, private=private, name=name)


def _is_a_call(act: Act) -> bool:
    return not (isinstance(act, Upload) and act.flaw == "never")
