"""Read the bodies of the wallet gateway: its two callbacks, and our registration of one.

Beside contracts/providers/wallet.py, which says what they mean.
https://docs.namirial.app/products/wallet/api-guide/callback (read 2026-11)
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.payload import Payload, validate

TEMPLATES_MAX: Final = 64  # in one interaction; the page's sample has two
COMPLETED: Final = "COMPLETED"
_TEMPLATE: Final = re.compile(r"[!-~]{1,64}")


def _specified(state: str) -> str:
    # What the gateway sends where it was given none is null or the text "none".
    if state.strip().lower() in {"", "none", "null"}:
        raise ValueError("not specified")
    return state


# Any length: the path was made from it, so it was ours, and a length proves nothing more.
State = Annotated[
    str, StringConstraints(max_length=512, pattern=r"^[ -~]*$"), AfterValidator(_specified)
]
Code = Annotated[str, StringConstraints(max_length=512, pattern=r"^[ -~]+$")]
TemplateText = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
TemplateNumber = Annotated[int, Field(ge=0, lt=2**63)]
# "Human-readable": room for a sentence, which is compared and never repeated.
GatewayStatus = Annotated[str, StringConstraints(max_length=500)]


class Bound(Payload):
    """What binds a callback, and a registration, to the path of its transaction."""

    state: State = Field(repr=False)


class Verification(Bound):
    """The callback of a verification; its entries are models of their own.

    An error inside a model of them all would name the entry, by a text that the caller chose.
    """

    code: Code = Field(repr=False)
    tokens: dict[str, Any] = Field(max_length=TEMPLATES_MAX, repr=False)


class Entry(Payload):
    """What became of one template; the token of a failed one may be anything."""

    status: GatewayStatus
    token: object = Field(None, repr=False)


class Issuance(Bound):
    """The callback of one credential."""

    code: Code = Field(repr=False)
    template_id: TemplateNumber
    status: GatewayStatus
    completed: bool


class Registration(Payload):
    """What our own side registers once an interaction has begun.

    Without `interaction` it is a verification: an unsigned issuance must not pass for one.
    """

    code: Code = Field(repr=False)
    interaction: Literal["verification", "issuance"] = "verification"
    templates: list[TemplateText | TemplateNumber] = Field(min_length=1, max_length=TEMPLATES_MAX)
    verification_ids: list[Code] = Field(default=[], max_length=TEMPLATES_MAX, repr=False)


def state_of(members: Mapping[str, Any]) -> str:
    """Return the `state` that our own side gave when the interaction began.

    Raises:
        Rejected: `payload_invalid`; also where the gateway says that it was given none.
    """
    return validate(Bound, members).state


def tokens_of(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the tokens to verify, by template: those of completed templates alone.

    Raises:
        Rejected: `payload_invalid`; `payload_contradictory`: a verification and an issuance.
    """
    payload = read_callback(members)
    entries = entries_of(payload) if isinstance(payload, Verification) else {}
    found = {one: entry.token for one, entry in entries.items() if entry.status == COMPLETED}
    texts = {one: token for one, token in found.items() if isinstance(token, str) and token}
    if texts.keys() != found.keys():
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "tokens: a completed entry without a token")
    return texts


def read_callback(members: Mapping[str, Any]) -> Verification | Issuance:
    """Return the callback that `members` are; a member that is null counts as absent.

    Raises:
        Rejected: `payload_invalid`; `payload_contradictory`: a verification and an issuance.
    """
    match [name for name in ("tokens", "template_id") if members.get(name) is not None]:
        case ["tokens"]:
            return validate(Verification, members)
        case ["template_id"]:
            return validate(Issuance, members)
        case []:
            raise Rejected(RejectionCode.PAYLOAD_INVALID, "neither tokens nor template_id")
        case _:
            raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "both tokens and template_id")


def entries_of(payload: Verification) -> dict[str, Entry]:
    """Return what became of each template, in the order of their ids.

    Raises:
        Rejected: `payload_invalid`.
    """
    if not all(_TEMPLATE.fullmatch(template) for template in payload.tokens):
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "tokens: a name that is no template's id")
    return {template: validate(Entry, entry) for template, entry in sorted(payload.tokens.items())}
