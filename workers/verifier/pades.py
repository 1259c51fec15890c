"""Verify the signatures of a PDF (PAdES, ETSI EN 319 142) offline, each to one outcome.

1. the bytes: digest and signature
2. the coverage: a whole revision, from the first byte; behind it nothing but later revisions
3. what came later: signatures and proofs alone, or what a later signature covers and the document's
   own rules (DocMDP) allow
4. the certificate: a path to a trusted root, for signatures that commit (non-repudiation), at the
   time of a trusted timestamp, or else when the request was received

Not checked: revocation, which would have to be fetched. The signer's own clock proves nothing: who
holds an expired key can set it back.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final

from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    PdfSignatureStatus,
    SignatureCoverageLevel,
    async_validate_pdf_signature,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from contracts.needs import SignatureOutcome

# Each signature is verified, and what it covers compared with every later revision.
SIGNATURES_MAX: Final = 50
REVISIONS_MAX: Final = 200
_REVISION_END: Final = b"startxref"
_BLANKS: Final = b"\x00\t\n\f\r "
# ETSI EN 319 102-1 §5.1.3: the certificate was not valid at that time; a hash or key is too weak.
_OUT_OF_BOUNDS: Final = "OUT_OF_BOUNDS"
_WEAK: Final = "CRYPTO_CONSTRAINTS_FAILURE"
_USAGE: Final = KeyUsageConstraints(key_usage={"non_repudiation"})


def read_signatures(
    file: BinaryIO, roots: Sequence[Certificate], at: datetime
) -> tuple[SignatureOutcome, ...]:
    """Return what each signature amounts to, the oldest first; timestamps are none.

    To be asked only of files that have signatures: that none can be found is `unsupported` as well.

    Raises:
        MemoryError: it takes more memory than the process may have.
    """
    try:
        return tuple(_outcomes(_signatures(file), roots, at))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pyHanko has no one error for what it cannot read
        return ("unsupported",)


def _signatures(file: BinaryIO) -> list[EmbeddedPdfSignature]:
    file.seek(0)
    reader = PdfFileReader(file, strict=True)
    if reader.encrypted:
        reader.decrypt(b"")
    if reader.xrefs.total_revisions > REVISIONS_MAX:
        raise ValueError("more revisions than are compared")
    if not reader.embedded_signatures:
        raise ValueError("an object has the form of a signature, and no field names it")
    return list(reader.embedded_regular_signatures)


def _outcomes(
    found: Sequence[EmbeddedPdfSignature], roots: Sequence[Certificate], at: datetime
) -> Iterator[SignatureOutcome]:
    for number, signature in enumerate(found[:SIGNATURES_MAX], 1):
        try:
            yield _outcome(signature, roots, at, last=number == len(found))
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - see above; the other signatures have their own outcomes
            yield "unsupported"
    if len(found) > SIGNATURES_MAX:
        yield "unsupported"


def _outcome(
    signature: EmbeddedPdfSignature, roots: Sequence[Certificate], at: datetime, *, last: bool
) -> SignatureOutcome:
    status = _status(signature, roots, at)
    if not (status.intact and status.valid):  # 1
        return "tampered"
    coverage = status.coverage
    if coverage is None or coverage < SignatureCoverageLevel.ENTIRE_REVISION:  # 2
        return "partial"
    if last and _hides_bytes(signature):
        return "partial"
    level = status.modification_level
    if level is None or not status.docmdp_ok or (last and level > ModificationLevel.LTA_UPDATES):
        return "changed_later"  # 3
    if not status.seed_value_ok:
        return "unsupported"
    return _trust(signature, status, roots)  # 4


def _hides_bytes(signature: EmbeddedPdfSignature) -> bool:
    """Tell whether bytes behind a signature belong to no revision that is compared with it.

    Who appends a revision and then the older `startxref` again hides it from those who follow the
    file's own trail, and shows it to those who read a file from its end, or repair it.
    """
    *_, start, length = (int(number) for number in signature.byte_range)
    stream = signature.reader.stream
    stream.seek(start + length)
    behind = stream.read()
    later = signature.reader.xrefs.total_revisions - 1 - signature.signed_revision
    return behind.count(_REVISION_END) != later or (not later and behind.strip(_BLANKS) != b"")


def _trust(
    signature: EmbeddedPdfSignature, status: PdfSignatureStatus, roots: Sequence[Certificate]
) -> SignatureOutcome:
    stamped_at = _stamped_at(status) if _is_out_of_bounds(status) else None
    if stamped_at is not None:
        status = _status(signature, roots, stamped_at)
    if status.trusted:
        return "valid"
    if _problem(status).startswith(_WEAK):
        return "unsupported"
    return "expired" if _is_out_of_bounds(status) else "untrusted"


def _status(
    signature: EmbeddedPdfSignature, roots: Sequence[Certificate], moment: datetime
) -> PdfSignatureStatus:
    context = ValidationContext(
        trust_roots=list(roots),  # none: nobody is trusted; None: whom the operating system trusts
        moment=moment,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    return asyncio.run(
        async_validate_pdf_signature(signature, context, context, key_usage_settings=_USAGE)
    )


def _is_out_of_bounds(status: PdfSignatureStatus) -> bool:
    return _problem(status).startswith(_OUT_OF_BOUNDS)


def _problem(status: PdfSignatureStatus) -> str:
    indication: Any = status.trust_problem_indic
    return "" if indication is None else str(indication.name)


def _stamped_at(status: PdfSignatureStatus) -> datetime | None:
    """Return when a timestamp authority that is trusted saw the signature."""
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.intact and stamp.valid and stamp.trusted):
        return None
    return stamp.timestamp
