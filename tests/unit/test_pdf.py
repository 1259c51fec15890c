"""The structure of a PDF: what is taken, and what is refused under which word."""

import io
import re
from collections.abc import Callable

import pikepdf
import pytest

from tests.hostile_pdfs import CATALOG, ONE_PAGE, PAGES, classic
from tests.pdfs import pdf, saved, signed
from workers.verifier.pdf import PdfLimits, Structure, read_structure

LIMITS = PdfLimits(pages_max=3, objects_max=20)
JAVASCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"


def structure(document: bytes, limits: PdfLimits = LIMITS) -> Structure:
    return read_structure(io.BytesIO(document), limits)


def with_catalog(entries: bytes, *parts: bytes) -> bytes:
    catalog = b"<< /Type /Catalog /Pages 2 0 R %s >>" % entries
    return classic({**ONE_PAGE, 1: catalog, **dict(enumerate(parts, 4))})


def encrypted(*, user: str) -> bytes:
    made = pikepdf.new()
    made.add_blank_page()
    return saved(made, encryption=pikepdf.Encryption(owner="owner", user=user))


def test_pdf_is_its_pages() -> None:
    assert structure(pdf(pages=3)) == Structure("", 3, signed=False)


def test_signed_pdf_is_told_apart() -> None:
    assert structure(signed(pdf())) == Structure("", 1, signed=True)


@pytest.mark.parametrize(("more", "fault"), [(1, ""), (2, ""), (-1, "broken")])
def test_size_may_count_objects_that_do_not_exist_but_hide_none(more: int, fault: str) -> None:
    whole = pdf()
    size = int(re.findall(rb"/Size (\d+)", whole)[-1])

    document = whole.replace(b"/Size %d" % size, b"/Size %d" % (size + more))

    assert structure(document).fault == fault


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r\n", b"\x00" * 100])
def test_blanks_behind_the_end_are_taken(tail: bytes) -> None:
    assert structure(pdf() + tail).fault == ""


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (pdf(pages=4), "too_complex"),
        (classic({**ONE_PAGE, **dict.fromkeys(range(4, 22), b"null")}), "too_complex"),
        (encrypted(user=""), "encrypted"),
        (encrypted(user="secret"), "encrypted"),
        (b" " + pdf(), "no_pdf"),
        (pdf() + b"MZ", "broken"),
        (pdf().replace(b"startxref", b"startxxxx"), "broken"),
        (classic({1: CATALOG, 2: PAGES}), "broken"),
        (classic({**ONE_PAGE, 4: b"<< /A 1 /A 2 >>"}), "broken"),
    ],
    ids=[
        "pages",
        "objects",
        "owner's password",
        "user's password",
        "blank before",
        "junk behind",
        "no startxref",
        "page missing",
        "one name twice",
    ],
)
def test_pdf_that_is_not_taken(document: bytes, fault: str) -> None:
    assert structure(document).fault == fault


@pytest.mark.parametrize(
    "document",
    [
        with_catalog(b"/OpenAction 4 0 R", JAVASCRIPT),
        with_catalog(b"/OpenAction << /S /JavaScript /JS 4 0 R >>", b"(app.alert)"),
        with_catalog(b"/OpenAction << /S /J#61vaScript /J#53 (x) >>"),
        with_catalog(b"/AA << /WC << /S /Launch /F (run.exe) >> >>"),
        with_catalog(b"/Names << /EmbeddedFiles << /Names [] >> >>"),
        with_catalog(b"", b"<< /Type /Filespec /F (a) /EF << /F 5 0 R >> >>", b"null"),
        with_catalog(b"/AcroForm << /XFA (x) /Fields [] >>"),
        with_catalog(b"/OpenAction << /S /SubmitForm /F (https://example.org) >>"),
        with_catalog(b"", b"<< /Length 1 /S /Launch >>\nstream\nx\nendstream"),
    ],
)
def test_pdf_with_scripts_is_refused_unless_they_are_taken(document: bytes) -> None:
    taken = PdfLimits(pages_max=3, objects_max=20, scripts_taken=True)

    assert structure(document).fault == "scripted"
    assert structure(document, taken).fault == ""


@pytest.mark.parametrize(
    "document",
    [
        with_catalog(b"/Lang (what /JS and /Launch are \\( /XFA \\))"),
        with_catalog(b"/JSON (x) /Launcher (y)"),
        with_catalog(b"", b"<< /Length 9 >>\nstream\n/JS (x)  \nendstream"),
    ],
    ids=["in a text", "longer names", "in content"],
)
def test_words_that_only_look_like_scripts_are_taken(document: bytes) -> None:
    assert structure(document).fault == ""


def test_encrypted_pdf_without_a_password_is_read_where_it_is_taken() -> None:
    limits = PdfLimits(pages_max=3, objects_max=20, encrypted_taken=True)

    assert structure(encrypted(user=""), limits) == Structure("", 1)
    assert structure(encrypted(user="secret"), limits).fault == "encrypted"


@pytest.mark.parametrize("damage", [bytes, bytes.swapcase, lambda part: b"\xff" * len(part)])
def test_damage_anywhere_is_never_an_exception(damage: Callable[[bytes], bytes]) -> None:
    whole = signed(pdf())

    for at in range(5, len(whole), 97):
        structure(whole[:at] + damage(whole[at : at + 9]) + whole[at + 9 :])
