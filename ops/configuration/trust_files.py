"""Read every file of certificates that an endpoint names, each by itself, so that each has its key.

The processes read them all at once and end at the first that is broken; here none hides another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from contracts.errors import Broken, Rejected
from ops.configuration.fault import Fault
from runtime.endpoint_configuration import Endpoint
from runtime.yaml_lines import Path as Key
from workers.verifier.certificate_paths import quietly
from workers.verifier.certificates import read_chain
from workers.verifier.trust_files import certificates_in, read_trust_file, revocation_list_in

_KINDS: Final = {
    "root": "root_files",
    "pinned": "pinned_files",
    "intermediate": "intermediate_files",
}
_FIX: Final = "write the certificates there in PEM, or correct the path"
_LIST_FIX: Final = "fetch the issuer's current list, and name the issuer's certificate"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trusted:
    """One certificate or list of a file: `ends` is when it ends, or when the next list is due."""

    key: Key
    kind: str
    file: Path
    name: str
    begins: datetime
    ends: datetime | None
    certificate: x509.Certificate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """What the files of an endpoint hold, and what is wrong with them."""

    trusted: tuple[Trusted, ...]
    faults: tuple[Fault, ...]

    def certificates(self, kind: str) -> tuple[x509.Certificate, ...]:
        """Return the certificates of one kind."""
        return tuple(
            one.certificate for one in self.trusted if one.kind == kind and one.certificate
        )


def read_trust(key: Key, endpoint: Endpoint) -> TrustFiles:
    """Return what the files of the endpoint at `key` hold."""
    found: list[Trusted | Fault] = []
    section, below = endpoint.certificates, (*key, "certificates")
    if section is not None:
        for kind, name in _KINDS.items():
            for number, file in enumerate(getattr(section, name)):
                found += _read((*below, name, number), kind, file, certificates_in)
        known = [one.certificate for one in found if isinstance(one, Trusted) and one.certificate]
        for number, file in enumerate(section.crl_files):
            found += _read_list((*below, "crl_files", number), file, known)
    if endpoint.tokens is not None:
        below = (*key, "tokens", "presentations", "issuer_root_files")
        for number, file in enumerate(endpoint.tokens.presentations.issuer_root_files):
            found += _read((*below, number), "credential_root", file, _chain)
    if endpoint.notifications is not None:
        below = (*key, "notifications", "pdf", "trust_files")
        for number, file in enumerate(endpoint.notifications.pdf.trust_files):
            found += _read((*below, number), "pdf_root", file, certificates_in)
    return TrustFiles(
        trusted=tuple(one for one in found if isinstance(one, Trusted)),
        faults=tuple(one for one in found if isinstance(one, Fault)),
    )


def _read(
    key: Key, kind: str, file: Path, read: Callable[[Path, bytes], list[x509.Certificate]]
) -> Iterator[Trusted | Fault]:
    try:
        certificates = read(file, read_trust_file(file))
    except Broken as error:
        yield Fault(key, str(error), _FIX)
        return
    for one in certificates:
        begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
        yield Trusted(key, kind, file, _common_name(one.subject, file), begins, ends, one)


def _read_list(key: Key, file: Path, known: list[x509.Certificate]) -> Iterator[Trusted | Fault]:
    try:
        crl = revocation_list_in(file, read_trust_file(file), known)
    except Broken as error:
        yield Fault(key, str(error), _LIST_FIX)
        return
    with quietly():
        name = _common_name(crl.issuer, file)
    yield Trusted(key, "crl", file, name, crl.last_update_utc, crl.next_update_utc)


def _chain(file: Path, content: bytes) -> list[x509.Certificate]:
    try:
        return list(read_chain(content))
    except Rejected as error:
        raise Broken(f"{file}: {error.detail}") from None


def _common_name(name: x509.Name, file: Path) -> str:
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else file.name
