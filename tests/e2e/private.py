"""Collect what must not be seen: every value of every body that was sent, and every credential."""

import json
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contracts.topics import Role
from simulator.credentials import WRONG_KEY
from simulator.send.acts import Act, Ask, Preload, SendStep
from simulator.send.player import SEND
from tests.conformance.vector import VECTORS
from tests.e2e.excused import EXCUSED
from tests.e2e.leaves import leaves_of
from tests.e2e.performance import Performance
from tests.e2e.recorded import recorded_vectors
from tests.e2e.search import Hit

# Of a private number, parts of its base64: a line of a file ends anywhere in it.
_PART_CHARACTERS = 20
# Of a request: the public body, then the id of its key.
_PRINCIPAL = re.compile(rb"^esito-principal: api_key:([a-z0-9-]+)\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Private:
    """Every value by `provider name`, and of SEND by the public body that said it.

    `allowed` says of each excused value in which places it may be seen; None: in all.
    """

    by_name: Mapping[str, frozenset[str]]
    by_body: Mapping[str, frozenset[str]]
    allowed: Mapping[str, frozenset[str] | None]

    @property
    def values(self) -> frozenset[str]:
        """Return every value that may not be seen everywhere."""
        every = frozenset().union(*self.by_name.values())
        return every - {value for value, where in self.allowed.items() if where is None}

    def unexcused(self, hits: Iterable[Hit]) -> set[Hit]:
        """Return what was found in places where it has no excuse."""
        return {hit for hit in hits if hit.place not in (self.allowed.get(hit.value) or ())}

    def names_of(self, value: str) -> list[str]:
        """Return where a value stands in the bodies."""
        return sorted(name for name, values in self.by_name.items() if value in values)


def private_of(performance: Performance) -> Private:
    """Return all values of all bodies, of the plans and of the vectors."""
    by_name: dict[str, set[str]] = defaultdict(set)
    by_body: dict[str, set[str]] = defaultdict(set)
    for provider, who, body in _bodies(performance):
        for leaf in leaves_of(body):
            # One character over and over is padding, and says nothing.
            if len(set(leaf.text)) > 1:
                by_name[f"{provider} {leaf.name}"].add(leaf.text)
                by_body[who].add(leaf.text)
    return Private(
        {name: frozenset(values) for name, values in by_name.items()},
        {who: frozenset(values) for who, values in by_body.items()},
        _allowed(by_name),
    )


def _allowed(by_name: Mapping[str, set[str]]) -> dict[str, frozenset[str] | None]:
    """Return the places of each excused value: those of all names that it stands under."""
    allowed: dict[str, frozenset[str] | None] = {}
    for one in EXCUSED:
        for value in frozenset().union(*(by_name.get(name, ()) for name in one.names)):
            others = allowed.get(value, frozenset())
            allowed[value] = None if others is None or one.where is None else others | one.where
    return allowed


def credentials_of(performance: Performance) -> frozenset[str]:
    """Return all that opens something: keys, secrets, seals of paths, numbers of private keys."""
    installed = performance.directory
    golden = json.loads((installed / "keys" / "uaepass-golden.json").read_text())
    return frozenset(
        {
            WRONG_KEY,
            golden["secret"],
            *_lines(installed.glob("keys/*.key")),
            *_lines(VECTORS.glob("*/keys/*")),
            *_lines(VECTORS.glob("*/secrets/*")),
            *_private_numbers(installed.glob("*/identities/*.key")),
            *_private_numbers(installed.glob("wallet/*.key")),
            *_private_numbers(VECTORS.glob("*/pki/**/*.key")),
            *_seals(performance),
        }
    )


def _bodies(performance: Performance) -> Iterator[tuple[str, str, bytes]]:
    """Yield every body with its provider, and of SEND the public body that it came from, or ""."""
    for plan in performance.plans:
        for callback in plan.callbacks:
            yield plan.provider, "", callback.body
    for provider, vectors in recorded_vectors().items():
        for vector in vectors:
            yield provider, "", vector.body
    for who, body in _bodies_of_send(performance):
        yield SEND, who, body


def _bodies_of_send(performance: Performance) -> Iterator[tuple[str, bytes]]:
    """Yield SEND's requests, also the refused ones, and files; elements as they were told.

    A plan cannot have them: what the intake gives in answer is part of them.
    """
    for record in performance.records:
        if (record.provider, record.role) == (SEND, Role.RAW):
            found = _PRINCIPAL.search(record.headers)
            yield found[1].decode() if found else "", record.value
    for act in _acts(performance):
        match act:
            case Ask():
                yield act.body, json.dumps(act.members, default=str).encode()
            case Preload():
                digests = [{"sha256": one.sha256} for one in act.files]
                yield act.body, json.dumps(digests).encode()
                files = [one.content for one in act.files if one.kind == "json"]
                yield from ((act.body, content) for content in files)


def _acts(performance: Performance) -> Iterator[Act]:
    stories = [story for plan in performance.plans for story in plan.stories]
    for step in (step for story in stories for step in story.steps):
        if isinstance(step, SendStep):
            yield from step.acts


def _seals(performance: Performance) -> Iterator[str]:
    """Yield the second half of every path that was made for a wallet's transaction."""
    paths = [callback.path for plan in performance.plans for callback in plan.callbacks]
    paths += [vector.target for vector in recorded_vectors()["wallet"]]
    for path in paths:
        _, dot, seal = path.rpartition("/")[2].partition(".")
        if dot and len(set(seal)) > 1:
            yield seal


def _lines(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        yield from file.read_text().splitlines()


def _private_numbers(files: Iterable[Path]) -> Iterator[str]:
    """Yield the numbers that a public key or a certificate has not: in hexadecimal, and in parts.

    The lines of the file would not do: half of an RSA key's are the modulus, which is public.
    """
    for file in files:
        for number in _secret_numbers(load_pem_private_key(file.read_bytes(), password=None)):
            raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
            yield raw.hex()
            for offset in range(3):
                text = b64encode(bytes(offset) + raw).decode()[4:-4]
                for start in range(0, len(text) - _PART_CHARACTERS, _PART_CHARACTERS):
                    yield text[start : start + _PART_CHARACTERS]


def _secret_numbers(key: PrivateKeyTypes) -> tuple[int, ...]:
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return numbers.d, numbers.p, numbers.q
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return (key.private_numbers().private_value,)
