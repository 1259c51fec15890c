"""Read one file of trusted certificates, or one revocation list, with errors that name the fix."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509

from contracts.errors import Broken, Rejected
from workers.verifier.certificate_paths import key_fault
from workers.verifier.certificates import READING_ERRORS, read_certificate
from workers.verifier.revocation import read_list

CERTIFICATES_PER_FILE_MAX: Final = 1_000  # five times all the QTSPs of the EU trusted lists
FILE_BYTES_MAX: Final = 67_108_864  # a list of a million revoked certificates has 40 MB

_PEM_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_PEM_END: Final = b"-----END CERTIFICATE-----"
_PEM_LIST: Final = b"-----BEGIN X509 CRL-----"


def read_trust_file(file: Path) -> bytes:
    """Return what the file holds.

    Raises:
        Broken: it cannot be read, or is larger than any such file.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
    if len(content) > FILE_BYTES_MAX:
        raise Broken(f"{file}: more than {FILE_BYTES_MAX} bytes; name the right file")
    return content


def certificates_in(file: Path, content: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM file, one at least; `file` is its name in errors.

    Raises:
        Broken: they are none, or too many, or one of them can be no trusted certificate.
    """
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


def revocation_list_in(
    file: Path, content: bytes, known: Sequence[x509.Certificate]
) -> x509.CertificateRevocationList:
    """Return the list, which one of `known`, the endpoint's own certificates, must have signed.

    Were its issuer's certificate taken from callbacks, one that leaves it out would go unchecked.

    Raises:
        Broken: it is no list, or one of a kind that is not understood, or a stranger's.
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
