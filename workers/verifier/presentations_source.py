"""Read what an endpoint demands of presentations, with its trust files, once at the start."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.x509 import Certificate

from contracts.errors import Broken, Rejected
from runtime.token_configuration import Presentations
from workers.verifier.certificates import Trust, read_chain
from workers.verifier.jwk import Jwk, parse_jwks
from workers.verifier.presentation_policy import LEEWAY, PresentationPolicy

# What both readers take; they refuse a byte more. More roots are given as more files.
_FILE_BYTES_MAX: Final = 65_536


def load_presentations(section: Presentations) -> PresentationPolicy:
    """Return the policy that `section` describes.

    Raises:
        Broken: a file cannot be read or used.
    """
    return PresentationPolicy(
        policy=section.policy,
        trust=_trust(section.issuer_root_files),
        issuer_keys={name: _keys(name, file) for name, file in section.issuer_jwks_files.items()},
        credential_types=frozenset(section.credential_types),
        holder_binding=section.holder_binding,
        audience=section.audience,
        nonce_claim=section.nonce_claim,
        binding_age_max=timedelta(seconds=section.binding_age_seconds_max),
    )


def _trust(files: tuple[Path, ...]) -> Trust | None:
    if not files:
        return None
    roots = tuple(root for file in files for root in _roots(file))
    return Trust(
        roots=roots, pinned={}, intermediates=(), crls=(), reject_unknown=False, skew=LEEWAY
    )


def _roots(file: Path) -> tuple[Certificate, ...]:
    try:
        return read_chain(_contents(file, "issuer_root_files"))
    except Rejected as error:
        raise Broken(
            f"presentations.issuer_root_files: {file}: {error.detail}; give certificates in PEM"
        ) from None


def _keys(issuer: str, file: Path) -> tuple[Jwk, ...]:
    key = f"issuer_jwks_files[{issuer}]"
    try:
        return parse_jwks(_contents(file, key))
    except ValueError as error:
        raise Broken(f"presentations.{key}: {file}: {error}; give a key set (RFC 7517)") from None


def _contents(file: Path, key: str) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Broken(
            f"presentations.{key}: {file}: {error.strerror}; name a file that can be read"
        ) from None
