"""Describe what a provider provably said of one transaction: the record of the verified topic."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.instants import Instant
from contracts.raw import Source

TRANSACTION_ID_CHARACTERS_MAX: Final = 200  # four times the longest id of the five providers
TransactionId = Annotated[
    str,
    # Printable ASCII without spaces: an id is part of a record key, a log field and a path.
    StringConstraints(min_length=1, max_length=TRANSACTION_ID_CHARACTERS_MAX, pattern=r"^[!-~]+$"),
]
NativeStatus = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
DecimalText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}(\.[0-9]{1,9})?$")]
ShortText = Annotated[str, StringConstraints(max_length=500)]


def _is_empty(value: object) -> bool:
    """Tell whether a member is left out of the JSON: most records have nothing to say there."""
    return not value


class Record(BaseModel):
    """The base of everything written to a topic as JSON: frozen, and closed to unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Scheme(StrEnum):
    """How the origin of a body was proven."""

    API_KEY = "api_key"
    HMAC = "hmac"
    PATH_TOKEN = "path_token"  # noqa: S105 - a scheme's name
    CLIENT_CERTIFICATE = "client_certificate"
    XMLDSIG = "xmldsig"
    DETACHED_SIGNATURE = "detached_signature"
    DETACHED_JWS = "detached_jws"
    JWS = "jws"


class Proof(Record):
    """Who vouches for the bytes: scheme, algorithm, the key's id, and the signer it belongs to.

    For a certificate, the key's id is the SHA-256 of its DER in lower-case hexadecimal. `beside`
    are the other schemes that held as well, where an endpoint demands several.
    """

    scheme: Annotated[Scheme, Field(strict=False)]
    algorithm: str
    key_id: str
    signer: str
    beside: tuple[Annotated[Scheme, Field(strict=False)], ...] = Field(
        (), strict=False, exclude_if=_is_empty
    )


class Origin(Record):
    """Where the raw record lies, and the SHA-256 of its body in lower-case hexadecimal."""

    topic: str
    partition: int
    offset: int
    sha256: str
    callback_id: str


class Amount(Record):
    """Money as a decimal string in the currency's major unit, with the digits the provider sent."""

    value: DecimalText
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Reason(Record):
    """Why the provider says a transaction stands where it stands.

    `where` names the part it is about (`recipients[0]`), where there are several of its kind.
    """

    code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    text: ShortText | None = None
    where: ShortText | None = Field(None, exclude_if=_is_empty)


class FindingCode(StrEnum):
    """How a payload that can be processed departs from what its standard prescribes."""

    MISSING = "missing"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_MALFORMED = "text_malformed"
    CODE_UNKNOWN = "code_unknown"
    ONE_FOR_MANY = "one_for_many"
    MANY_FOR_ONE = "many_for_one"
    DATE_MALFORMED = "date_malformed"
    AMOUNT_MALFORMED = "amount_malformed"
    MISPLACED = "misplaced"
    SCHEMA_INVALID = "schema_invalid"


class Finding(Record):
    """One departure from the standard: which rule, and where; never a value of the body."""

    code: Annotated[FindingCode, Field(strict=False)]
    where: ShortText


class Statement(Record):
    """What one payload says about one transaction: the provider's words, in our shape.

    `fact` is what stays the same when the provider sends it again: it makes the status event's id.
    Where no lifecycle passes through one status twice, that is the native status. `terms` is what
    it says towards the terms of the transaction's expectation; a secret in it is a keyed digest.
    `reasons` are all of several reasons, `reason` the first of them. `sort_key` orders statements
    that come together and must be decided in the order of what happened, not of what came.
    """

    transaction_id: TransactionId
    native_status: NativeStatus
    fact: NativeStatus
    reason: Reason | None = None
    reasons: tuple[Reason, ...] = Field((), strict=False, exclude_if=_is_empty)
    amount: Amount | None = None
    occurred_at: Annotated[str, StringConstraints(max_length=40)] | None = None
    references: dict[str, ShortText] = Field(default_factory=dict)
    terms: dict[str, ShortText] = Field(default_factory=dict, exclude_if=_is_empty)
    findings: tuple[Finding, ...] = Field((), strict=False, exclude_if=_is_empty)
    sort_key: ShortText = Field("", exclude_if=_is_empty)


class Witness(Record):
    """An id that may be used once (a message's, a verification's), and what it was used for.

    It is a key of its own in the state machine, so an id that comes again with another mark is
    noticed whichever transaction it is about. `mark` is a digest. `then` is what may be said only
    if this is not another use of the id: it goes on to its own transaction from there.
    """

    transaction_id: TransactionId
    mark: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    then: Annotated[Statement | Self | None, Field(union_mode="left_to_right")] = Field(
        None, exclude_if=_is_empty
    )


class Expectation(Record):
    """Our own side announces a transaction it has started, and by when it should be final.

    `terms` is what its callbacks must keep to; a secret among them is a keyed digest. `assigned` is
    what we gave the transaction ourselves; it joins the terms, and does not tell two announcements
    of one transaction apart: the first stands. `then` is decided together with it: before whatever
    came too early and waits for it.
    """

    transaction_id: TransactionId
    deadline: Instant | None = None
    terms: dict[str, ShortText] = Field(default_factory=dict, exclude_if=_is_empty)
    assigned: dict[str, ShortText] = Field(default_factory=dict, exclude_if=_is_empty)
    then: Statement | None = Field(None, exclude_if=_is_empty)


class VerifiedUpdate(Record):
    """One statement or expectation with the proof of who made it and where it lies.

    `what` tells the two apart; the record's key is `<endpoint>:<transaction_id>`.
    """

    provider: str
    endpoint: str
    source: Annotated[Source, Field(strict=False)]
    received_at: Instant
    what: Annotated[Statement | Witness | Expectation, Field(union_mode="left_to_right")]
    proof: Proof
    origin: Origin

    @property
    def key(self) -> str:
        """Return the record key, the same for every update of this transaction."""
        return f"{self.endpoint}:{self.what.transaction_id}"


JSON_MEDIA_TYPE: Final = b"application/json"
