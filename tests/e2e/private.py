"""Collect what must not be seen: every value of every body that was sent, and every credential."""

import json
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
from simulator.send_acts import Act, Ask, Preload, SendStep
from simulator.send_player import SEND
from tests.conformance.vector import VECTORS
from tests.e2e.excused import excused_names
from tests.e2e.leaves import leaves_of
from tests.e2e.performance import Performance
from tests.e2e.recorded import recorded_vectors

# Of a private number, parts of its base64: a line of a file ends anywhere in it.
_PART_CHARACTERS = 20


@dataclass(frozen=True, slots=True)
class Private:
    """Every value by `provider name`, and the values that are excused by one of their names."""

    by_name: Mapping[str, frozenset[str]]
    excused: frozenset[str]

    @property
    def values(self) -> frozenset[str]:
        """Return every value that must not be seen."""
        return frozenset().union(*self.by_name.values()) - self.excused

    def names_of(self, value: str) -> list[str]:
        """Return where a value stands in the bodies."""
        return sorted(name for name, values in self.by_name.items() if value in values)


def private_of(performance: Performance) -> Private:
    """Return all values of all bodies, of the plans and of the vectors."""
    by_name: dict[str, set[str]] = defaultdict(set)
    for provider, body in _bodies(performance):
        for leaf in leaves_of(body):
            # One character over and over is padding, and says nothing.
            if len(set(leaf.text)) > 1:
                by_name[f"{provider} {leaf.name}"].add(leaf.text)
    excused = {value for name in excused_names() for value in by_name.get(name, ())}
    return Private(
        {name: frozenset(values) for name, values in by_name.items()}, frozenset(excused)
    )


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


def places_of(performance: Performance) -> dict[str, bytes]:
    """Return all that anybody may read, by its name; lines that repeat stand there once.

    The values of the raw topic and of the dead letters are not among them: they are the bodies.
    """
    places = {f"log of {name}": log for name, log in performance.logs.items()}
    places |= {f"metrics of {name}": text for name, text in performance.metrics.items()}
    places["answers to callbacks"] = _once(performance.answers)
    for role in Role:
        records = [record for record in performance.records if record.role is role]
        places[f"headers, {role}"] = _once(record.headers for record in records)
        places[f"keys, {role}"] = _once(record.key for record in records)
        if role not in {Role.RAW, Role.REJECTED}:
            places[f"values, {role}"] = _once(record.value for record in records)
    return places


def kept_bodies(performance: Performance) -> dict[str, bytes]:
    """Return what is kept by design: the bodies, as they came, each once."""
    kept = {
        record.value for record in performance.records if record.role in {Role.RAW, Role.REJECTED}
    }
    return {"values, raw and rejected": b"\n".join(sorted(kept))}


def _bodies(performance: Performance) -> Iterator[tuple[str, bytes]]:
    for plan in performance.plans:
        for callback in plan.callbacks:
            yield plan.provider, callback.body
    for provider, vectors in recorded_vectors().items():
        for vector in vectors:
            yield provider, vector.body
    yield from _bodies_of_send(performance)


def _bodies_of_send(performance: Performance) -> Iterator[tuple[str, bytes]]:
    """Yield SEND's requests, also the refused ones, and files; elements as they were told.

    A plan cannot have them: what the intake gives in answer is part of them.
    """
    for record in performance.records:
        if (record.provider, record.role) == (SEND, Role.RAW):
            yield SEND, record.value
    for act in _acts(performance):
        match act:
            case Ask():
                yield SEND, json.dumps(act.members, default=str).encode()
            case Preload():
                digests = [{"sha256": one.sha256} for one in act.files]
                yield SEND, json.dumps(digests).encode()
                yield from ((SEND, one.content) for one in act.files if one.kind == "json")


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


def _once(texts: Iterable[bytes]) -> bytes:
    return b"\n".join(sorted({line for text in texts for line in text.split(b"\n")}))
