"""Measure what verification costs one core: `python -m benchmarks.signatures`, about a minute.

Whole verdicts are measured: raw record in, verified updates out and written as JSON. Beside them
stand proofs alone, signxml alone on the same documents with the same certificate, and the signature
of one key (the ruler), below which nothing can come.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.callbacks import Callbacks
from benchmarks.endpoints import BANKS, Keys, write_endpoints
from benchmarks.turns import Rounds, take_turns
from benchmarks.verdicts import Subject, Verifier, signature_alone, signxml_alone
from contracts.raw import RawCallback
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration

DIFFERENT: Final = 24  # callbacks of each kind, so that no memory of a whole one could help
PUBLIC_URL: Final = "https://callbacks.example.org"
RULER: Final = "RSA-2048 signature alone"
SIGNXML: Final = "signxml alone, pinned RSA-2048"
XMLDSIG: Final = "XML signature, pinned RSA-2048"
DETACHED_RSA: Final = "detached signature, RSA-2048"
DETACHED_EC: Final = "detached signature, P-256"
TOKEN: Final = "wallet, one ES256 token"  # noqa: S105 - a row's name
# What issue 4 asks of one core, each second.
TARGETS: Final[Mapping[str, int]] = {
    XMLDSIG: 900,
    DETACHED_RSA: 4_000,
    DETACHED_EC: 4_000,
    TOKEN: 3_500,
}

Make = Callable[[], RawCallback]


def measure_signatures(configuration: Configuration, keys: Keys) -> list[str]:
    """Return the rows of the table.

    Raises:
        RuntimeError: a verdict is not what it must be; then there is nothing to measure.
    """
    rng = Random(7)  # noqa: S311 - a body's values, no secrets
    callbacks = Callbacks(configuration, keys, rng, datetime.now(UTC))
    subjects = _subjects(configuration, callbacks)
    measured = take_turns({name: one.calls for name, one in subjects.items()})
    return [_row(name, one, measured) for name, one in subjects.items()]


def _subjects(configuration: Configuration, callbacks: Callbacks) -> dict[str, Subject]:
    srtp, wallet = Verifier(configuration, "srtp"), Verifier(configuration, "wallet")
    signed = {name: _several(make) for name, make in _srtp(callbacks).items()}
    tokens = {name: _several(make) for name, make in _wallet(callbacks).items()}
    rsa_signer, ec_signer = (callbacks.keys.bank(name) for name in BANKS)
    return {
        RULER: signature_alone(rsa_signer),
        "P-256 signature alone": signature_alone(ec_signer),
        SIGNXML: signxml_alone(signed[XMLDSIG], rsa_signer),
        **{name: srtp.verdicts(made) for name, made in signed.items()},
        **{name: wallet.verdicts(made) for name, made in tokens.items()},
        "HMAC (UAE PASS)": _one(configuration, "uaepass", callbacks.uaepass),
        "API key (Pivot)": _one(configuration, "pivot", callbacks.pivot),
        **{
            f"proof alone: {name}": srtp.proofs(signed[name])
            for name in (XMLDSIG, DETACHED_RSA, DETACHED_EC)
        },
        "proof alone: one ES256 token": wallet.tokens(tokens[TOKEN]),
    }


def _srtp(make: Callbacks) -> dict[str, Make]:
    rsa_bank, ec_bank = BANKS
    return {
        XMLDSIG: partial(make.xml_body, f"srtp-pinned-{rsa_bank}", rsa_bank),
        "XML signature, pinned P-256": partial(make.xml_body, f"srtp-pinned-{ec_bank}", ec_bank),
        "XML signature, RSA-2048, chain to the root": partial(
            make.xml_body, "srtp-xmldsig", rsa_bank
        ),
        "… as text in JSON": partial(make.xml_in_json, rsa_bank, in_base64=False),
        "… as base64 in JSON": partial(make.xml_in_json, rsa_bank, in_base64=True),
        "… in a business message": partial(make.business_message, rsa_bank),
        DETACHED_RSA: partial(make.detached, rsa_bank),
        DETACHED_EC: partial(make.detached, ec_bank),
        "detached JWS, PS256": partial(make.detached_jws, rsa_bank),
        "detached JWS, ES256": partial(make.detached_jws, ec_bank),
    }


def _wallet(make: Callbacks) -> dict[str, Make]:
    return {
        TOKEN: partial(make.wallet, templates=1),
        "wallet, three ES256 tokens": partial(make.wallet, templates=3),
        "wallet, a token and its SD-JWT": make.sd_jwt,
        "wallet, a token and its mdoc": make.mdoc,
    }


def _one(configuration: Configuration, provider: str, make: Make) -> Subject:
    return Verifier(configuration, provider).verdicts(_several(make))


def _several(make: Make) -> list[RawCallback]:
    return [make() for _ in range(DIFFERENT)]


def _row(name: str, subject: Subject, measured: Mapping[str, Rounds]) -> str:
    rounds, target = measured[name], TARGETS.get(name.removeprefix("proof alone: "))
    lower, upper = rounds.rate_range
    return (
        f"| {name} | {subject.body_bytes:,} | {rounds.rate:,.0f} [{lower:,.0f}-{upper:,.0f}] "
        f"| {rounds.wall_rate:,.0f} | {rounds.times(measured[RULER]):.1f} "
        f"| {rounds.times(measured[SIGNXML]):.2f} | {f'{target:,}' if target else ''} |"
    )


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="esito-signatures-") as name:
        directory = Path(name)
        endpoints, keys = write_endpoints(directory)
        file = directory / "signatures.yaml"
        # JSON is YAML, and never writes an alias.
        file.write_text(json.dumps({"ingress": {"public_url": PUBLIC_URL}, "endpoints": endpoints}))
        rows = measure_signatures(load_configuration(file, environ={}), keys)
    sys.stdout.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    _main()
