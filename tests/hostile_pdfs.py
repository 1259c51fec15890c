"""Make PDFs that are out to take time, memory or a reader's good faith."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tests.pdfs import pdf, signed

Parts = Mapping[int, bytes]


def classic(parts: Parts, *, size: int | None = None, trailer: bytes = b"") -> bytes:
    """Return a PDF of these objects by number, with a table of their offsets; 1 is the catalog."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for number, part in parts.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    begin, last = len(out), max(parts)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (last + 1)
    for number in range(1, last + 1):
        known = number in offsets
        out += b"%010d %05d %s \n" % (
            offsets.get(number, 0),
            0 if known else 65_535,
            b"n" if known else b"f",
        )
    out += b"trailer\n<< /Root 1 0 R /Size %d %s >>\n" % (size or last + 1, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % begin)


def stream(entries: bytes, data: bytes) -> bytes:
    """Return a stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


CATALOG: Final = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES: Final = b"<< /Type /Pages /Count 1 /Kids [ 3 0 R ] >>"
PAGE: Final = b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 9 9 ] >>"
ONE_PAGE: Final = {1: CATALOG, 2: PAGES, 3: PAGE}


def with_objects(number: int) -> bytes:
    """Return a PDF of so many objects."""
    return classic({**ONE_PAGE, **dict.fromkeys(range(4, number + 1), b"null")})


def page_loop() -> bytes:
    return classic({1: CATALOG, 2: b"<< /Type /Pages /Count 1 /Kids [ 2 0 R ] >>"})


def page_lattice(levels: int = 40) -> bytes:
    """Forty levels that name the next one twice: 2^40 pages in 40 objects."""
    parts = {1: CATALOG}
    for at in range(2, levels + 2):
        parts[at] = b"<< /Type /Pages /Count 2 /Kids [ %d 0 R %d 0 R ] >>" % (at + 1, at + 1)
    return classic({**parts, levels + 2: PAGE})


def page_chain(levels: int = 100_000, *, padding_bytes: int = 0) -> bytes:
    """Return a PDF that is harmless, but takes a second to read; `padding_bytes` are not read."""
    parts = {1: CATALOG}
    for at in range(2, levels + 2):
        parts[at] = b"<< /Type /Pages /Count 1 /Kids [ %d 0 R ] >>" % (at + 1)
    padding = {levels + 3: stream(b"", bytes(padding_bytes))}
    return classic({**parts, levels + 2: PAGE, **padding})


def nested(opening: bytes, closing: bytes, levels: int = 1_000_000) -> bytes:
    return classic({**ONE_PAGE, 4: opening * levels + b"null" + closing * levels})


def xref_loop() -> bytes:
    whole = classic(ONE_PAGE)
    begin = whole.index(b"xref\n")
    return classic(ONE_PAGE, trailer=b"/Prev %d" % begin)


def _packed(parts: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(part) for part in parts), packer.flush()])


def object_stream_bomb(megabytes: int = 1_100) -> bytes:
    """A stream of objects that is all blanks: a thousandth of what it unpacks to."""
    million = b" " * 1_048_576
    data = _packed([b"4 0 ", *(million for _ in range(megabytes)), b"null"])
    return with_object_stream(data, first=4, count=1)


def object_stream_crowd(count: int = 1_000_000) -> bytes:
    """A stream that says it holds a million objects, and does."""
    head = b" ".join(b"%d %d" % (4 + at, 2 * at) for at in range(count)) + b" "
    return with_object_stream(_packed([head, b"0 " * count]), first=len(head), count=count)


def with_object_stream(data: bytes, *, first: int, count: int) -> bytes:
    """Return a PDF whose objects from 4 on lie in one stream, with a table that is a stream too."""
    holder, table = count + 4, count + 5
    parts = {
        **ONE_PAGE,
        holder: stream(
            b"/Type /ObjStm /N %d /First %d /Filter /FlateDecode" % (count, first), data
        ),
    }
    out, offsets = bytearray(b"%PDF-1.7\n"), {}
    for number, part in parts.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    offsets[table] = begin = len(out)
    rows = [b"\x00" + bytes(8)]
    for number in range(1, table + 1):
        if number in offsets:
            rows.append(b"\x01" + offsets[number].to_bytes(4) + bytes(4))
        else:
            rows.append(b"\x02" + holder.to_bytes(4) + (number - 4).to_bytes(4))
    entries = b"/Type /XRef /Size %d /W [ 1 4 4 ] /Root 1 0 R /Filter /FlateDecode" % (table + 1)
    out += b"%d 0 obj\n%s\nendobj\n" % (table, stream(entries, zlib.compress(b"".join(rows))))
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % begin)


def table_bomb(megabytes: int = 1_100) -> bytes:
    """A table of offsets that unpacks to a thousand times its size."""
    zeros = bytes(1_048_576)
    data = _packed(zeros for _ in range(megabytes))
    entries = b"/Type /XRef /Size 4 /W [ 1 4 4 ] /Root 1 0 R /Filter /FlateDecode"
    body = b"%PDF-1.7\n"
    return body + b"1 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        stream(entries, data),
        len(body),
    )


def page_bomb(megabytes: int = 1_100) -> bytes:
    """A page whose content nobody needs to unpack to judge it."""
    million = b" " * 1_048_576
    content = stream(b"/Filter /FlateDecode", _packed(million for _ in range(megabytes)))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 9 9 ] /Contents 4 0 R >>"
    return classic({1: CATALOG, 2: PAGES, 3: page, 4: content})


def field_loop() -> bytes:
    """A signed PDF whose form has a field that is its own child."""
    form = b"<< /Fields [ 5 0 R ] /SigFlags 3 >>"
    field = b"<< /T (a) /FT /Sig /Kids [ 5 0 R ] >>"
    value = b"<< /Type /Sig /ByteRange [ 0 1 2 3 ] /Contents <00> >>"
    catalog = b"<< /Type /Catalog /Pages 2 0 R /AcroForm 4 0 R >>"
    return classic({**ONE_PAGE, 1: catalog, 4: form, 5: field, 6: value})


def wild_byte_range() -> bytes:
    form = b"<< /Fields [ 5 0 R ] /SigFlags 3 >>"
    field = b"<< /T (a) /FT /Sig /V 6 0 R >>"
    value = (
        b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached "
        b"/ByteRange [ -5 99999999999 -1 99999999999 ] /Contents <3000> >>"
    )
    catalog = b"<< /Type /Catalog /Pages 2 0 R /AcroForm 4 0 R >>"
    return classic({**ONE_PAGE, 1: catalog, 4: form, 5: field, 6: value})


def many_revisions(number: int = 2_000) -> bytes:
    """A signed PDF with a crowd of later revisions, each of which has to be compared."""
    out = bytearray(signed(pdf()))
    size = int(out[out.rindex(b"/Size") + 5 :].split()[0])
    for _ in range(number):
        previous = int(out[out.rindex(b"startxref") + 9 :].split()[0])
        begin = len(out)
        out += b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R /Size %d /Prev %d >>\n" % (
            size,
            previous,
        )
        out += b"startxref\n%d\n%%%%EOF\n" % begin
    return bytes(out)


def zip_behind() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("run.js", "alert(1)")
    return pdf() + archive.getvalue()


def zip_before() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("inner.pdf", pdf())
    return archive.getvalue()


# Each with the fault it ends in; "" where it is taken, because nothing about it is a danger here.
HOSTILE: Final[Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "nothing at all": (lambda: b"", "no_pdf"),
    "four bytes": (lambda: b"%PDF", "no_pdf"),
    "a header alone": (lambda: b"%PDF-1.7\n", "broken"),
    "truncated": (lambda: pdf(pages=9)[:-400], "broken"),
    "behind 1 kB of junk": (lambda: b"\x00" * 1_024 + pdf(), "no_pdf"),
    "a ZIP that holds a PDF": (zip_before, "no_pdf"),
    "a PDF with a ZIP behind it": (zip_behind, "broken"),
    "no page": (
        lambda: classic({1: CATALOG, 2: b"<< /Type /Pages /Count 0 /Kids [] >>"}),
        "broken",
    ),
    "10^6 objects": (lambda: with_objects(1_000_000), "too_complex"),
    "a size of 2^31": (lambda: classic(ONE_PAGE, size=2**31 - 1), "too_complex"),
    "6,000 pages": (lambda: pdf(pages=6_000), "too_complex"),
    "pages in a loop": (page_loop, "broken"),
    "2^40 pages in 40 objects": (page_lattice, "broken"),
    "pages 10^5 levels deep": (page_chain, ""),
    "arrays 10^6 levels deep": (lambda: nested(b"[", b"]"), "broken"),
    "dictionaries 10^6 levels deep": (lambda: nested(b"<</A ", b">>"), "broken"),
    "tables in a loop": (xref_loop, "broken"),
    "a stream of objects, x1000": (object_stream_bomb, "broken"),
    "a table, x1000": (table_bomb, "broken"),
    "a page, x1000": (page_bomb, ""),
    "10^6 objects in one stream": (object_stream_crowd, "too_complex"),
}
# These are read; their signatures end in the outcome.
HOSTILE_SIGNATURES: Final[Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "fields in a loop": (field_loop, "unsupported"),
    "a byte range out of the file": (wild_byte_range, "unsupported"),
    "2,000 later revisions": (many_revisions, "unsupported"),
}
