"""Check the documents by their standards, and our readers against samples that providers publish.

`python -m tests.reference_files [DIRECTORY]`. `DIRECTORY/<provider>/*.json` are bodies as the
provider publishes them: each must decode and translate. Where a provider publishes none, that is
said, not passed over. `DIRECTORY/<provider>/canonical_vectors.json` are requests with the bytes
that a detached signature covers: ours must be the same. `DIRECTORY/srtp` has the documents of the
EPC's profile: our tables of it must say what they say; its schemas must find what is wrong in a
status report of ours, and nothing else. `DIRECTORY/send` has SEND's schemas, tables, vectors and
OpenAPI documents: ours must say what they say, and our processes answer as they say.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator

from contracts.errors import Rejected
from contracts.provider import Provider, SignedBytes
from contracts.providers import all_providers
from contracts.raw import RawCallback, Source
from contracts.update import Proof, Scheme
from tests.epc_profile import profile_verdicts
from tests.schema_documents import schema_verdicts
from tests.send.openapi import openapi_verdicts
from tests.send.openapi_calls import call_verdicts
from tests.send.reference import SEND_FILES, send_verdicts
from workers.verifier.decode import decode_json
from workers.verifier.detached_signature import canonical_request

ROOT: Final = Path(__file__).resolve().parent.parent
SPECIFICATIONS: Final = ROOT / "tests" / "specifications"
RECORD_SCHEMAS: Final = ROOT / "docs" / "schemas"
CANONICAL_VECTORS: Final = "canonical_vectors.json"
# What lies beside the bodies and is none.
NO_BODIES: Final = {CANONICAL_VECTORS, "codes.json", *SEND_FILES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a verdict for each file; return 1 if one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.reference_files", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, help="folders named after providers")
    directory: Path | None = parser.parse_args(arguments).directory
    verdicts = [*document_verdicts(), *_sample_verdicts(directory)]
    if directory is not None:
        verdicts += canonical_verdicts(directory)
        verdicts += profile_verdicts(directory)
        verdicts += schema_verdicts(directory)
        verdicts += send_verdicts(directory)
        verdicts += openapi_verdicts(directory)
        verdicts += call_verdicts(directory)
    for subject, fault in verdicts:
        sys.stdout.write(f"{subject}: {fault or 'holds'}\n")
    return 1 if any(fault for _, fault in verdicts) else 0


def document_verdicts() -> Iterator[tuple[str, str]]:
    """Yield each generated document with what its standard's schema says against it, or nothing."""
    yield "docs/asyncapi.yaml", _fault(Draft7Validator, "asyncapi-3.1.0", _yaml("asyncapi"))
    for name in ("openapi", "openapi-intake", "openapi-streams"):
        fault = _fault(Draft202012Validator, "openapi-3.1", _yaml(name))
        yield f"docs/{name}.yaml", fault
    for file in sorted(RECORD_SCHEMAS.glob("*.schema.json")):
        schema = json.loads(file.read_text())
        error = best_match(
            Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)
        )
        yield f"docs/schemas/{file.name}", error.message if error else ""


def message_examples() -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield name, schema and value of every example's headers and payload in docs/asyncapi.yaml."""
    components = _yaml("asyncapi")["components"]
    for name, message in components["messages"].items():
        for example in message["examples"]:
            for part in ("headers", "payload"):
                if part in example:
                    schema = {**message[part], "components": components}
                    yield f"{name}.{part}", schema, example[part]


def canonical_verdicts(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of canonical requests below `directory` with what ours differ in."""
    for file in sorted(directory.glob(f"*/{CANONICAL_VECTORS}")):
        yield str(file), _canonical_fault(json.loads(file.read_text()))


def _canonical_fault(given: Mapping[str, Any]) -> str:
    vectors, uris = given["vectors"], given["invalid_uris"]
    if not vectors or not uris:
        return "it has no vectors, or no invalid_uris"
    for number, vector in enumerate(vectors, 1):
        fields = {name: value.encode() for name, value in vector["headers"].items()}
        body = bytes.fromhex(vector["body_hex"])
        ours = canonical_request(vector["method"], vector["url"], fields, body)
        digest = base64.b64encode(hashlib.sha256(ours).digest()).decode()
        if (ours.hex(), digest) != (vector["expected_hex"], vector["sha256_b64"]):
            return f"vector {number}: our canonical bytes differ"
    for uri in uris:
        with suppress(Rejected):
            canonical_request("POST", uri, {}, b"")
            return f"invalid_uris: {uri} was taken"
    return ""


def _sample_verdicts(directory: Path | None) -> Iterator[tuple[str, str]]:
    for name, provider in all_providers().items():
        files = sorted((directory / name).glob("*.json")) if directory else []
        samples = [file for file in files if file.name not in NO_BODIES]
        if not samples:
            where = directory or "without SPECS"
            sys.stdout.write(
                f"{name}: no reference files ({where}); only the vectors of tests/vectors/{name}\n"
            )
        for sample in samples:
            yield str(sample), _rejection(provider, sample.read_bytes())


def _rejection(provider: Provider, body: bytes) -> str:
    proof = Proof(scheme=Scheme.API_KEY, algorithm="none-over-body", key_id="", signer="")
    callback = RawCallback(
        body=body,
        callback_id="",
        endpoint="",
        source=Source.CALLBACK,
        received_at="",
        method="POST",
        target_uri="",
        principal="",
    )
    signed = SignedBytes(body, hashlib.sha256(body).hexdigest(), proof, callback)
    try:
        provider.translate(decode_json(signed))
    except Rejected as rejection:
        return str(rejection)
    return ""


def _fault(validator: type[Validator], name: str, document: Mapping[str, Any]) -> str:
    schema = json.loads((SPECIFICATIONS / f"{name}.schema.json").read_text())
    fault = best_match(validator(schema).iter_errors(document))
    return f"{fault.json_path}: {fault.message}" if fault else ""


def _yaml(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docs" / f"{name}.yaml").read_text())
    return document


if __name__ == "__main__":
    sys.exit(main())
