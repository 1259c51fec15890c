"""Make PDFs for tests: plain, signed, changed later; tests/hostile_pdfs.py has the others."""

import hashlib
import io
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final

import pikepdf
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.generic import (
    DictionaryObject,
    NameObject,
    StreamObject,
    TextStringObject,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers, timestamps
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.certificates import SIGNING, Issued, issue, root
from tests.kafka import run
from tests.updates import NOON

COMMITTING: Final = ("content_commitment",)


@cache
def pdf_root() -> Issued:
    """Return the root that trusted signers of PDFs have."""
    return root("PDF Root", key_type="rsa")


@cache
def signer() -> Issued:
    """Return a certificate to sign PDFs with."""
    return issue(pdf_root(), "Mayor", key_type="rsa", key_usage=COMMITTING)


@cache
def expired_signer() -> Issued:
    """Return one that was valid until a day before NOON."""
    return issue(
        pdf_root(),
        "Former Mayor",
        key_type="rsa",
        key_usage=COMMITTING,
        not_after=NOON - timedelta(days=1),
    )


@cache
def stranger() -> Issued:
    """Return a signer whom nobody vouches for."""
    return issue(
        root("Other Root", key_type="rsa"), "Stranger", key_type="rsa", key_usage=COMMITTING
    )


@cache
def timestamp_authority() -> Issued:
    """Return a certificate to make timestamps with."""
    return issue(
        pdf_root(),
        "TSA",
        key_type="rsa",
        key_usage=SIGNING,
        extended_key_usage=[ExtendedKeyUsageOID.TIME_STAMPING],
    )


def pdf(
    *, pages: int = 1, filler_bytes: int = 0, root_entries: dict[str, Any] | None = None
) -> bytes:
    """Return a PDF; `filler_bytes` of noise stand in the content of its first page."""
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page()
    noise = random.Random(7).randbytes(filler_bytes)  # noqa: S311 - no secret
    made.pages[0].Contents = made.make_stream(b"BT ET\n" + noise)
    for name, value in (root_entries or {}).items():
        made.Root[name] = value
    return saved(made)


def pdf_with_form() -> bytes:
    """Return a PDF with a form of one empty text field, which is its page's first annotation."""
    made = pikepdf.new()
    made.add_blank_page()
    field = made.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="Amount",
            V="",
            Rect=[0, 0, 99, 9],
        )
    )
    made.pages[0].Annots = pikepdf.Array([field])
    made.Root.AcroForm = pikepdf.Dictionary(Fields=[field])
    return saved(made)


def fill_form(writer: IncrementalPdfFileWriter) -> None:
    """Fill in the field."""
    field = writer.root["/AcroForm"]["/Fields"][0]
    field[NameObject("/V")] = TextStringObject("1,000,000 euro")
    writer.update_container(field)


def saved(made: pikepdf.Pdf, **options: Any) -> bytes:  # noqa: ANN401 - options of pikepdf's
    """Return a PDF as a file, always of the same bytes."""
    file = io.BytesIO()
    made.save(file, deterministic_id="encryption" not in options, compress_streams=False, **options)
    made.close()
    return file.getvalue()


def signed(
    document: bytes,
    by: Issued | None = None,
    *,
    field: str = "Signature1",
    certify: MDPPerm | None = None,
    stamped_at: datetime | None = None,
    digest: str = "sha256",
    subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES,
) -> bytes:
    """Return the PDF with one more signature, in a revision of its own."""
    by = by or signer()
    metadata = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm=digest,
        subfilter=subfilter,
        certify=certify is not None,
        docmdp_permissions=certify or MDPPerm.FILL_FORMS,
    )
    sign = partial(
        signers.sign_pdf,
        IncrementalPdfFileWriter(io.BytesIO(document)),
        metadata,
        signer=_signer(by),
        timestamper=_Stamper(stamped_at) if stamped_at else None,
    )
    # In a thread of its own: it runs an event loop, and so may whoever calls.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return bytes(thread.submit(sign).result().getvalue())


def stamped(document: bytes, at: datetime) -> bytes:
    """Return the PDF with a timestamp of all of it, in a revision of its own."""
    stamper = signers.PdfTimeStamper(_Stamper(at))
    stamp = partial(stamper.timestamp_pdf, IncrementalPdfFileWriter(io.BytesIO(document)), "sha256")
    with ThreadPoolExecutor(max_workers=1) as thread:
        return bytes(thread.submit(stamp).result().getvalue())


def changed(document: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """Return the PDF with a later revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    change(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def other_content(writer: IncrementalPdfFileWriter) -> None:
    """Change what the first page shows."""
    page = writer.root["/Pages"]["/Kids"][0]
    text = StreamObject(stream_data=b"BT /F1 12 Tf (You owe us 1,000,000 euro) Tj ET")
    page[NameObject("/Contents")] = writer.add_object(text)
    writer.mark_update(page.container_ref or page.get_container_ref())


def an_annotation(writer: IncrementalPdfFileWriter) -> None:
    """Stick a note on the first page."""
    page = writer.root["/Pages"]["/Kids"][0]
    note = DictionaryObject({NameObject("/Type"): NameObject("/Annot")})  # type: ignore[no-untyped-call]
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page["/Annots"])


def tampered(document: bytes) -> bytes:
    """Return a signed PDF with another byte in the content of its first page."""
    at = document.index(b"BT ET")
    return document[:at] + b"BT  T" + document[at + 5 :]


def partly_signed(document: bytes) -> bytes:
    """Return a signed PDF whose signature leaves out the last bytes of its revision, and holds."""
    found = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", document)
    assert found is not None
    begin, first, second, length = (int(number) for number in found.groups())
    shorter = b"/ByteRange [%d %d %d %d]" % (begin, first, second, length - 9)
    assert len(shorter) == len(found[0])
    covered = document.replace(found[0], shorter)
    digest = hashlib.sha256(covered[:first] + covered[second : second + length - 9]).digest()
    cms = run(_signer(signer()).async_sign(digest, "sha256", use_pades=True))
    room = second - first - 2  # between the brackets of a string of hexadecimal digits
    contents = bytes(cms.dump()).hex().encode().ljust(room, b"0")
    return covered[: first + 1] + contents + covered[second - 1 :]


class _Stamper(timestamps.DummyTimeStamper):
    """A timestamp authority without a network, whose clock stands."""

    def __init__(self, at: datetime) -> None:
        authority = timestamp_authority()
        super().__init__(_certificate(authority), _key(authority), fixed_dt=at)


def _signer(by: Issued) -> signers.SimpleSigner:
    known = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    known.register(_certificate(pdf_root()))
    return signers.SimpleSigner(
        signing_cert=_certificate(by), signing_key=_key(by), cert_registry=known
    )


def _certificate(of: Issued) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(of.der)


def _key(of: Issued) -> keys.PrivateKeyInfo:
    der = of.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return keys.PrivateKeyInfo.load(der)
