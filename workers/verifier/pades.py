"""Verify the signatures of a PDF (PAdES, ETSI EN 319 142) offline, each to one outcome.

1. the bytes: digest and signature
2. the coverage: a whole revision, from the first byte
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
from typing import Any, BinaryIO, Final, Literal

from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    KeyUsageConstraints,
    PdfSignatureStatus,
    SignatureCoverageLevel,
    async_validate_pdf_signature,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import SimpleTrustManager

Outcome = Literal[
    "valid", "tampered", "changed_later", "partial", "untrusted", "expired", "unsupported"
]
SIGNATURES_MAX: Final = 50  # each is verified, and compared with every later revision
_OUT_OF_BOUNDS: Final = "OUT_OF_BOUNDS"  # ETSI EN 319 102-1 §5.1.3: not valid at that time
_USAGE: Final = KeyUsageConstraints(key_usage={"non_repudiation"})


def read_signatures(
    file: BinaryIO, roots: Sequence[Certificate], at: datetime
) -> tuple[Outcome, ...]:
    """Return what each signature amounts to, the oldest first; timestamps are none.

    To be asked only of files that have signatures: that none can be found is `unsupported` as well.

    Raises:
        MemoryError: it takes more memory than the process may have.
    """
    try:
        found = _signatures(file)
        return tuple(_outcomes(found, roots, at)) or ("unsupported",)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pyHanko has no one error for what it cannot read
        return ("unsupported",)


def _signatures(file: BinaryIO) -> list[EmbeddedPdfSignature]:
    file.seek(0)
    reader = PdfFileReader(file, strict=True)
    if reader.encrypted:
        reader.decrypt(b"")
    return list(reader.embedded_regular_signatures)


def _outcomes(
    found: Sequence[EmbeddedPdfSignature], roots: Sequence[Certificate], at: datetime
) -> Iterator[Outcome]:
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
) -> Outcome:
    status = _status(signature, roots, at)
    if not (status.intact and status.valid):  # 1
        return "tampered"
    coverage = status.coverage
    if coverage is None or coverage < SignatureCoverageLevel.ENTIRE_REVISION:  # 2
        return "partial"
    level = status.modification_level
    if level is None or not status.docmdp_ok:  # 3
        return "changed_later"
    if last and level > ModificationLevel.LTA_UPDATES:
        return "changed_later"
    if not status.seed_value_ok:
        return "unsupported"
    if _is_out_of_bounds(status):  # 4
        stamped_at = _stamped_at(status)
        if stamped_at is not None:
            status = _status(signature, roots, stamped_at)
    if status.trusted:
        return "valid"
    return "expired" if _is_out_of_bounds(status) else "untrusted"


def _status(
    signature: EmbeddedPdfSignature, roots: Sequence[Certificate], moment: datetime
) -> PdfSignatureStatus:
    context = ValidationContext(
        # Without a manager of its own it would trust the operating system's roots.
        trust_manager=SimpleTrustManager.build(trust_roots=list(roots)),
        moment=moment,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    return asyncio.run(
        async_validate_pdf_signature(signature, context, context, key_usage_settings=_USAGE)
    )


def _is_out_of_bounds(status: PdfSignatureStatus) -> bool:
    indication: Any = status.trust_problem_indic
    return indication is not None and str(indication.name).startswith(_OUT_OF_BOUNDS)


def _stamped_at(status: PdfSignatureStatus) -> datetime | None:
    """Return when a timestamp authority that is trusted saw the signature."""
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.intact and stamp.valid and stamp.trusted):
        return None
    return stamp.timestamp
