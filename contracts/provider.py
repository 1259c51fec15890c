"""Say what a provider declares: how it calls, what it proves, how its words are translated."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from contracts.codes import AnomalyCode
from contracts.errors import Broken
from contracts.lifecycle import Lifecycle
from contracts.raw import RawCallback
from contracts.update import Expectation, Finding, Proof, Record, Scheme, Statement, Witness


class Answers(Record):
    """The HTTP statuses this provider's contract asks for; the ingress knows no others by provider.

    `stale` answers an authenticated callback whose signed timestamp is outside the tolerance: the
    callback is stored all the same, and becomes a dead letter. `error_model` is how an error's body
    is written: RFC 9457 problem details, or the EPC's ErrorModel (EPC133-22).
    """

    accepted: int = 200
    unauthenticated: int = 401
    stale: int = 409
    error_model: Literal["problem", "epc"] = "problem"


class Door(Record):
    """All the ingress may know of a provider, as data: it never imports the provider's own module.

    `credentials` are every one required of every endpoint; `offered` are those that an endpoint may
    configure, and then requires. `stored_headers` are required, and kept in the raw record as
    `http-<name>`; `kept_headers` are kept where they came. A request with one of
    `forbidden_headers` is answered 400. No `media_types`: any is taken, where a 415 would be the
    callback's end.
    """

    provider: str
    methods: tuple[str, ...] = ("POST",)
    media_types: tuple[str, ...] = ("application/json",)
    credentials: tuple[str, ...]
    offered: tuple[str, ...] = ()
    api_key_header: str = "x-api-key"
    signature_header: str = ""
    timestamp_header: str = ""
    stored_headers: tuple[str, ...] = ()
    kept_headers: tuple[str, ...] = ()
    forbidden_headers: tuple[str, ...] = ()
    answers: Answers = Answers()


class Form(StrEnum):
    """How signed bytes are to be read."""

    JSON = "json"
    XML = "xml"


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """Bytes whose origin is proven. Only workers/verifier makes one.

    `body` is what was signed: of an XML signature the canonical form of the signed document, else
    the body as received. `sha256` is always that of the body as received. `speaks_for` are the
    BICs and LEIs of the signer in the endpoint's registry: empty where no scheme names a signer.
    """

    body: bytes
    sha256: str
    proof: Proof
    callback: RawCallback
    form: Form = Form.JSON
    speaks_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Presentation:
    """One verified credential presentation: what it is, never what it says of a person.

    `claims_digest` is a keyed digest of the disclosed claims, `claim_names` their paths.
    `holder_binding` tells who checked that the holder presented it: `verified` (by us),
    `gateway-attested`, or `none`.
    """

    format: str
    credential_type: str
    issuer: str
    claim_names: tuple[str, ...]
    claims_digest: str
    holder_binding: str


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token inside the payload whose own signature and claims hold at `received_at`."""

    claims: Mapping[str, Any] = field(repr=False)
    issuer: str
    key_id: str
    algorithm: str
    presentations: tuple[Presentation, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedFields:
    """What proven bytes decode to. Only workers/verifier makes one.

    `members` is a JSON object; an XML document is given in the same shape: an element's children by
    local name, a list where a name repeats, an element with attributes as `{"@name": …, "#text":
    …}`. `document` is the XML namespace, empty for JSON. `tokens` are the verified tokens of the
    payload by the name that the provider's `tokens` gave them. Where the path was made for one
    transaction, `transaction_id` is that transaction, and `digest` a keyed digest of ours that is
    bound to it. `evidence` is what was found of all that the provider's `needs` asked for, by name.
    `place` is partition and offset of the raw record; `settings` is the endpoint's own section for
    the provider, where it has one.
    """

    members: Mapping[str, Any]
    signed: SignedBytes
    document: str = ""
    findings: tuple[Finding, ...] = ()
    tokens: Mapping[str, VerifiedToken] = field(default_factory=dict)
    transaction_id: str = ""
    digest: Callable[[str], str] | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[int, int] = (0, 0)
    settings: Any = None


class Breach(Exception):
    """A statement does not keep to the terms of its transaction's expectation."""

    def __init__(self, detail: str, code: AnomalyCode = AnomalyCode.TERMS_BROKEN) -> None:
        """Say which term, and how; `code` is that of the anomaly."""
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a transaction stands when a statement comes: its native status, terms and facts."""

    status: str | None
    terms: Mapping[str, str]
    facts: Collection[str]


Translate = Callable[[SignedFields], tuple[Statement | Witness | Expectation, ...]]
Keep = Callable[[Standing, Statement], Statement]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: its door, its lifecycle, and the translation of its payloads.

    `probes` are native statuses that concern no transaction (a test callback). `callback_statuses`,
    where given, are the only statuses a callback may say; the others come by polls alone.

    `signatures` are the schemes of signature that an endpoint may demand; a provider that has any
    needs at least one of them, or a client certificate, in every endpoint.

    `one_signer`: of one transaction only one signer speaks, the one that was registered for it (the
    term `signer`), else the first.

    `document` finds the XML document that a JSON envelope carries as text, plain or in base64;
    None: it carries none. `speaker` returns the BIC or LEI in whose name the payload speaks.
    `tokens` returns the tokens that a payload carries and that must be verified, by name.
    `path_state` returns the text of ours that the path of the payload's transaction was made from.
    `terms` returns, from an expectation's payload, what the transaction's callbacks must keep to.
    `keep` returns, of where the transaction stands and a statement, the statement as that leaves
    it: the same fact, perhaps another status; or it raises Breach. No statement of a provider with
    `keep` is taken without its expectation.
    `needs` returns, by name, what must be looked up before the payload can be translated: stored
    files, registries of addresses. Whoever looks knows the kinds of need, not the provider.
    """

    name: str
    documentation: str
    door: Door
    lifecycle: Lifecycle
    translate: Translate
    probes: frozenset[str] = frozenset()
    callback_statuses: frozenset[str] | None = None
    signatures: tuple[Scheme, ...] = ()
    one_signer: bool = False
    document: Callable[[Mapping[str, Any]], str | None] | None = None
    speaker: Callable[[SignedFields], str] | None = None
    tokens: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    path_state: Callable[[Mapping[str, Any]], str] | None = None
    terms: Callable[[SignedFields], Mapping[str, str]] | None = None
    keep: Keep | None = None
    needs: Callable[[SignedFields], Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        """Refuse signatures without a speaker: any registered party could speak for another.

        Raises:
            Broken: the provider has `signatures` and no `speaker`.
        """
        if self.signatures and self.speaker is None:
            raise Broken(f"provider {self.name}: signatures need speaker, who is named as sender")
