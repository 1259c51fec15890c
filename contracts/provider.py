"""Say what a provider declares: how it calls, what it proves, how its words are translated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.lifecycle import Lifecycle
from contracts.raw import RawCallback
from contracts.update import Proof, Record, Statement


class Answers(Record):
    """The HTTP statuses this provider's contract asks for; the ingress knows no others by provider.

    `stale` answers an authenticated callback whose signed timestamp is outside the tolerance: the
    callback is stored all the same, and becomes a dead letter.
    """

    accepted: int = 200
    unauthenticated: int = 401
    stale: int = 409


class Door(Record):
    """All the ingress may know of a provider, as data: it never imports the provider's own module.

    `credentials` are every one required. `stored_headers` are kept in the raw record as
    `http-<name>`. No `media_types`: any is taken, where a 415 would be the callback's end.
    """

    provider: str
    methods: tuple[str, ...] = ("POST",)
    media_types: tuple[str, ...] = ("application/json",)
    credentials: tuple[str, ...]
    api_key_header: str = "x-api-key"
    signature_header: str = ""
    timestamp_header: str = ""
    stored_headers: tuple[str, ...] = ()
    answers: Answers = Answers()


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """Bytes whose origin is proven. Only workers/verifier makes one."""

    body: bytes
    sha256: str
    proof: Proof
    callback: RawCallback


@dataclass(frozen=True, slots=True)
class SignedFields:
    """The JSON object that proven bytes decode to. Only workers/verifier makes one."""

    members: Mapping[str, Any]
    signed: SignedBytes


Translate = Callable[[SignedFields], tuple[Statement, ...]]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: its door, its lifecycle, and the translation of its payloads.

    `probes` are native statuses that concern no transaction (a test callback). `callback_statuses`,
    where given, are the only statuses a callback may say; the others come by polls alone.
    """

    name: str
    documentation: str
    door: Door
    lifecycle: Lifecycle
    translate: Translate
    probes: frozenset[str] = frozenset()
    callback_statuses: frozenset[str] | None = None
