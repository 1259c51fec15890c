"""Make PDFs as public bodies send them, and every kind that must not be sent. Pure but for keys.

A page has one line of text. Nothing is compressed, so that a reader sees what is in them.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Final

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from simulator.pki import Identity

_HEADER: Final = b"%PDF-1.7\n"
# ISO 32000-1 §7.5.2: four bytes above 127 tell programs that the file is binary.
_BINARY: Final = b"%\xe2\xe3\xcf\xd3\n"
_FIXED_OBJECTS: Final = 3  # catalogue, pages, font


def pdf(text: str, *, pages: int = 1, padding_bytes: int = 0, script: str = "") -> bytes:
    """Return a PDF with so many pages, and a stream of `padding_bytes` that nothing shows."""
    first = _FIXED_OBJECTS + 1
    numbers = [first + 2 * page for page in range(pages)]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    action = f" /OpenAction << /S /JavaScript /JS ({script}) >>" if script else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R{action} >>".encode(),
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page, number in enumerate(numbers, 1):
        shown = f"BT /F1 12 Tf 72 760 Td ({text}, page {page} of {pages}) Tj ET".encode()
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (number + 1),
            _stream(shown),
        ]
    if padding_bytes:
        objects.append(_stream(b" " * padding_bytes))
    return _written(objects)


def signed_pdf(content: bytes, identity: Identity) -> bytes:
    """Return `content` with a PAdES signature of `identity` over all of it."""
    # pyHanko runs an event loop of its own, which a thread that has one does not allow.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(_signed, content, identity).result()


def tampered_pdf(signed: bytes, text: str) -> bytes:
    """Return a signed PDF in which what `text` shows was changed in place, after it was signed."""
    changed = text.swapcase()
    if text.encode() not in signed:
        raise ValueError("the document does not show this text")
    return signed.replace(text.encode(), changed.encode(), 1)


def _signed(content: bytes, identity: Identity) -> bytes:
    der = identity.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # it is typed in part
    chain = [x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in identity.chain]
    store.register_multiple(chain)
    signer = signers.SimpleSigner(
        signing_cert=chain[0],
        signing_key=keys.PrivateKeyInfo.load(der),
        cert_registry=store,
    )
    settings = signers.PdfSignatureMetadata(
        field_name="Signature", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"
    )
    writer = IncrementalPdfFileWriter(BytesIO(content))
    out = BytesIO()
    signers.PdfSigner(settings, signer=signer).sign_pdf(writer, output=out)
    return out.getvalue()


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _written(objects: Sequence[bytes]) -> bytes:
    """Return the file: header, objects, the table of where each begins (ISO 32000-1 §7.5)."""
    written = bytearray(_HEADER + _BINARY)
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(written + b"startxref\n%d\n%%%%EOF\n" % start)
