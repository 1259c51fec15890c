"""Read trusted certificates and revocation lists from files, again when they change.

As with key rings (`runtime/key_source.py`), a broken file never replaces a good Trust, and contents
are compared, not times. A revocation list that is not renewed in time is no broken file: what it
does not name is then `unknown`, and `unknown_revocation` says what becomes of that.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509

from contracts.errors import Broken, Rejected
from runtime.endpoint_configuration import Endpoint
from runtime.signature_configuration import Certificates
from workers.verifier.certificate_paths import key_fault
from workers.verifier.certificates import READING_ERRORS, Trust, fingerprint, read_certificate
from workers.verifier.revocation import read_list

CERTIFICATES_PER_FILE_MAX: Final = 1_000  # five times all the QTSPs of the EU trusted lists
FILE_BYTES_MAX: Final = 67_108_864  # a list of a million revoked certificates has 40 MB

_PEM_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_PEM_END: Final = b"-----END CERTIFICATE-----"
_PEM_LIST: Final = b"-----BEGIN X509 CRL-----"

_Contents = Mapping[Path, bytes]
_Digests = Mapping[Path, bytes]  # a large revocation list is not kept to be compared with


class TrustSource:
    """The Trust of each endpoint that has one, as last read; `of` is a dictionary lookup."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once.

        `on_reload(endpoint, outcome)` hears `taken` or the reason a changed file was refused.

        Raises:
            Broken: a file is missing, or is not what its key says.
        """
        self._sections = {
            name: endpoint.certificates
            for name, endpoint in endpoints.items()
            if endpoint.certificates is not None
        }
        self._on_reload = on_reload
        self._read: dict[str, _Digests] = {}
        self._refused: dict[str, str] = {}
        self._trusts: dict[str, Trust] = {}
        for name, section in self._sections.items():
            contents = _contents(section)
            self._trusts[name], self._read[name] = _trust(section, contents), _digests(contents)

    def of(self, endpoint: str) -> Trust | None:
        """Return the Trust of the endpoint of this name; None if it has no `certificates`."""
        return self._trusts.get(endpoint)

    def reload(self) -> None:
        """Take what changed; keep the old Trust of an endpoint whose files are now broken."""
        for name, section in self._sections.items():
            try:
                contents = _contents(section)
                digests = _digests(contents)
                if digests == self._read[name]:
                    self._refused.pop(name, None)
                    continue
                trust = _trust(section, contents)
            except Broken as error:
                if self._refused.get(name) != str(error):
                    self._refused[name] = str(error)
                    self._on_reload(name, str(error))
                continue
            self._trusts[name], self._read[name] = trust, digests
            self._refused.pop(name, None)
            self._on_reload(name, "taken")

    async def watch(self, *, every_seconds: float) -> None:
        """Reload again and again until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.reload()


def load_trust(certificates: Certificates) -> Trust:
    """Return the Trust that a `certificates` section describes.

    Raises:
        Broken: a file is missing, or is not what its key says.
    """
    return _trust(certificates, _contents(certificates))


def read_certificates(file: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a file in PEM.

    Raises:
        Broken: the file is missing, or is none.
    """
    return tuple(_certificates_of(file, _read(file)))


def _contents(section: Certificates) -> _Contents:
    files = (
        *section.root_files,
        *section.pinned_files,
        *section.intermediate_files,
        *section.crl_files,
    )
    return {file: _read(file) for file in files}


def _digests(contents: _Contents) -> _Digests:
    return {file: sha256(content).digest() for file, content in contents.items()}


def _trust(section: Certificates, contents: _Contents) -> Trust:
    roots = _certificates(section.root_files, contents)
    pinned = _certificates(section.pinned_files, contents)
    intermediates = _certificates(section.intermediate_files, contents)
    known = (*roots, *pinned, *intermediates)
    return Trust(
        roots=roots,
        pinned={fingerprint(one): one for one in pinned},
        intermediates=intermediates,
        crls=tuple(_revocation_list(file, contents[file], known) for file in section.crl_files),
        reject_unknown=section.unknown_revocation == "reject",
        skew=timedelta(seconds=section.skew_seconds),
    )


def _certificates(files: tuple[Path, ...], contents: _Contents) -> tuple[x509.Certificate, ...]:
    return tuple(one for file in files for one in _certificates_of(file, contents[file]))


def _certificates_of(file: Path, content: bytes) -> list[x509.Certificate]:
    parts = content.split(_PEM_CERTIFICATE)[1:]
    if not 0 < len(parts) <= CERTIFICATES_PER_FILE_MAX:
        raise Broken(
            f"{file}: {len(parts)} certificates in PEM; 1 to {CERTIFICATES_PER_FILE_MAX} are taken "
            "(openssl x509 -inform der -in FILE writes PEM from DER)"
        )
    found = []
    for number, part in enumerate(parts, 1):
        try:
            # What stands before and between (the names, in the files of some CAs) is no part.
            one = read_certificate(_PEM_CERTIFICATE + part.partition(_PEM_END)[0] + _PEM_END)
        except Rejected as rejection:
            raise Broken(
                f"{file}: certificate {number} cannot be read ({rejection.detail}); "
                "openssl x509 -text -in FILE shows where it is broken"
            ) from None
        if fault := key_fault(one):
            raise Broken(f"{file}: certificate {number} has {fault}; nothing can rest on it")
        found.append(one)
    return found


def _revocation_list(
    file: Path, content: bytes, known: tuple[x509.Certificate, ...]
) -> x509.CertificateRevocationList:
    """Return the list, which one of the endpoint's own certificates must have signed.

    Were its issuer's certificate taken from callbacks, one that leaves it out would go unchecked.
    """
    try:
        if _PEM_LIST not in content:
            crl = x509.load_der_x509_crl(content)
        elif content.count(_PEM_LIST) == 1:
            crl = x509.load_pem_x509_crl(content)
        else:
            raise ValueError("it holds several; give each a file")
        revocations = read_list(crl)
        signed = any(revocations.signed_by(one) for one in known)
    except READING_ERRORS as error:
        raise Broken(f"{file}: no revocation list that can be used ({error})") from None
    if not signed:
        raise Broken(
            f"{file}: none of the endpoint's certificates signed this revocation list; "
            "name its issuer's certificate in intermediate_files"
        )
    return crl


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
    if len(content) > FILE_BYTES_MAX:
        raise Broken(f"{file}: more than {FILE_BYTES_MAX} bytes; name the right file")
    return content
