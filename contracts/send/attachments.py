"""Judge the files of a request: what it names, and what of them cannot be sent.

What becomes of a PDF is all FILE_PDF_INVALID_ERROR, with the reason in words: SEND has no code for
signatures, because it verifies none. Whether a signature is demanded is the policy for documents;
a payment form, which nobody signs, need not have one, and one it has must hold.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contracts.needs import FileFacts, FileNeed, PdfFacts
from contracts.send.refusals import Refusal
from contracts.send.request import Attachment, Metadata, Request
from contracts.send.rules import BodyRules, SendRules

_STORE_PREFIX: Final = "safestorage://"
_FAULTS: Final[Mapping[str, str]] = {
    "no_pdf": "the file is no PDF",
    "broken": "its structure cannot be read",
    "encrypted": "it is encrypted",
    "scripted": "it carries scripts, actions or files",
    "too_complex": "it has more pages or objects than are read",
    "too_slow": "it takes longer to read than is allowed",
    "too_much_memory": "it takes more memory to read than is allowed",
}
_SIGNATURES: Final[Mapping[str, str]] = {
    "tampered": "it was changed after it was signed",
    "changed_later": "what it shows was changed by a later revision",
    "partial": "a signature does not cover the whole of its revision",
    "untrusted": "no trusted root vouches for a signature",
    "expired": "a signature's certificate was not valid when the request came",
    "unsupported": "a signature is of a kind that is not verified",
}
Pades = Literal["required", "if_present", "off"]


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file that a request names: where, what is needed, whether its payment adds costs.

    `recipient` is the number of the recipient that it is for; None: for all.
    """

    where: str
    need: FileNeed
    recipient: int | None = None
    apply_cost: bool = False


def placed_files(request: Request, body: BodyRules) -> Iterator[PlacedFile]:
    """Yield each file of a request, in its order."""
    for number, document in enumerate(request.documents):
        yield PlacedFile(f"documents[{number}]", _need(document, body, body.pades))
    form: Pades = "off" if body.pades == "off" else "if_present"
    for number, recipient in enumerate(request.recipients):
        for at, payment in enumerate(recipient.payments):
            where = f"recipients[{number}].payments[{at}]"
            if payment.pago_pa and payment.pago_pa.attachment:
                need = _need(payment.pago_pa.attachment, body, form)
                yield PlacedFile(f"{where}.pagoPa.attachment", need, number)
            if payment.f24:
                need = _need(payment.f24.metadata_attachment, body, "off")
                costs = payment.f24.apply_cost
                yield PlacedFile(f"{where}.f24.metadataAttachment", need, number, costs)


def file_fault(facts: FileFacts, need: FileNeed, rules: SendRules) -> tuple[Refusal, str] | None:
    """Return why a file cannot be sent, as code and rule."""
    match facts.outcome:
        case "absent":
            return Refusal.FILE_NOTFOUND, "no such file was uploaded"
        case "gone":
            return Refusal.FILE_GONE, "the file is kept no longer"
    if facts.sha256 != need.sha256:
        return Refusal.FILE_SHA_ERROR, "the stored file has another digest"
    if need.kind == "json":
        return None
    if facts.bytes_total > rules.pdf_bytes_max:
        text = f"the file has more than {rules.pdf_bytes_max} bytes"
        return Refusal.FILE_PDF_TOOBIG_ERROR, text
    fault = pdf_fault(facts.pdf, need.pades)
    return (Refusal.FILE_PDF_INVALID_ERROR, fault) if fault else None


def pdf_fault(pdf: PdfFacts | None, pades: Pades) -> str:
    """Return why a PDF is not taken under a policy for signatures; empty: it is."""
    if pdf is None:
        return _FAULTS["no_pdf"]
    if pdf.fault:
        return _FAULTS[pdf.fault]
    if pades == "off":
        return ""
    if pades == "required" and not pdf.signatures:
        return "it is not signed"
    wrong = [one.outcome for one in pdf.signatures if one.outcome != "valid"]
    return _SIGNATURES[wrong[0]] if wrong else ""


def _need(file: Attachment | Metadata, body: BodyRules, pades: Pades) -> FileNeed:
    return FileNeed(
        kind="json" if isinstance(file, Metadata) else "pdf",
        key=file.ref.key.removeprefix(_STORE_PREFIX),
        version_token=file.ref.version_token,
        sha256=file.digests.sha256,
        body=body.id,
        pades=pades,
    )
