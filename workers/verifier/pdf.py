"""Read the structure of a PDF that may be hostile: pages, objects, encryption, scripts.

Runs in a process that may be killed (file_judge.py), so what is bounded here is what can be counted
beforehand; time and memory are bounded from outside. Strict: a file that only a repair makes
readable shows different readers different things, so what qpdf merely warns of is refused as well,
but for one thing that is harmless.
Content streams are never unpacked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, NamedTuple

import pikepdf

MAGIC: Final = b"%PDF-"
StructureFault = Literal["", "no_pdf", "broken", "encrypted", "scripted", "too_complex"]

# ISO 32000-2 §7.5.5: the last line of the file. What stands behind it is another file.
_END: Final = re.compile(rb"%%EOF[\x00\t\n\f\r ]*\Z")
_END_BYTES_MAX: Final = 1_024
# ISO 32000-2 §12.6.4 (actions), §7.11.4 (embedded files), §12.7.8 (XFA), §13.7 (rich media).
_SCRIPT: Final = re.compile(
    rb"/(?:JS|JavaScript|Launch|ImportData|SubmitForm|GoToE|EF|EmbeddedFiles?|XFA|RichMedia)"
    rb"(?=[\x00\t\n\f\r ()<>\[\]{}/%]|\Z)"
)
# qpdf writes a string with every parenthesis in it escaped.
_STRING: Final = re.compile(rb"\((?:[^\\()]|\\.)*\)", re.DOTALL)
_SIGNED: Final = b"/ByteRange"
_SIZE_WARNING: Final = re.compile(
    r"reported number of objects \((\d+)\) is not one plus the highest object number \((\d+)\)\Z"
)


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """How large a PDF may be, and what it may carry."""

    pages_max: int
    objects_max: int
    encrypted_taken: bool = False
    scripts_taken: bool = False


class Structure(NamedTuple):
    """What a PDF is made of; `signed`: an object has the form of a signature."""

    fault: StructureFault
    pages: int = 0
    signed: bool = False


def read_structure(file: BinaryIO, limits: PdfLimits) -> Structure:
    """Return what the PDF in `file` is made of.

    Raises:
        MemoryError: it takes more memory than the process may have.
    """
    if file.read(len(MAGIC)) != MAGIC:
        return Structure("no_pdf")
    if not _ends_properly(file):
        return Structure("broken")
    try:
        with pikepdf.open(
            file, attempt_recovery=False, suppress_warnings=True, inherit_page_attributes=False
        ) as pdf:
            return _structure(pdf, limits)
    except pikepdf.PasswordError:
        return Structure("encrypted")
    except MemoryError:
        raise
    # Beside PdfError whatever a wrong type somewhere in the file leads to.
    except Exception:  # noqa: BLE001 - a file is at fault, whichever way that shows
        return Structure("broken")


def _ends_properly(file: BinaryIO) -> bool:
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES_MAX))
    tail = file.read(_END_BYTES_MAX)
    file.seek(0)
    return _END.search(tail) is not None


def _structure(pdf: pikepdf.Pdf, limits: PdfLimits) -> Structure:
    if pdf.is_encrypted and not limits.encrypted_taken:
        return Structure("encrypted")
    # Before the objects are counted, which reads all of them.
    if int(pdf.trailer["/Size"]) > limits.objects_max + 1 or len(pdf.objects) > limits.objects_max:
        return Structure("too_complex")
    pages = _pages(pdf, limits.pages_max)
    if pages > limits.pages_max:
        return Structure("too_complex")
    scripted = signed = False
    for text in _texts(pdf):
        scripted = scripted or _is_script(text)
        signed = signed or _SIGNED in text
    if pages == 0 or any(not _is_harmless(warning) for warning in pdf.get_warnings()):
        return Structure("broken")
    fault: StructureFault = "scripted" if scripted and not limits.scripts_taken else ""
    return Structure(fault, pages, signed)


def _is_harmless(warning: str) -> bool:
    """Tell whether qpdf warns of nothing but a `/Size` that counts objects which do not exist.

    Programs that sign write such files. One that is too small hides objects from some readers.
    """
    sizes = _SIZE_WARNING.search(str(warning))
    return sizes is not None and int(sizes[1]) > int(sizes[2]) + 1


def _pages(pdf: pikepdf.Pdf, pages_max: int) -> int:
    """Return the number of pages, or one more than `pages_max` where there are more.

    Every node may be visited once: a tree with a loop, or with one branch in two places, which
    could stand for 2^30 pages, is none.
    """
    seen: set[tuple[int, int]] = set()
    waiting, pages = [pdf.Root["/Pages"]], 0
    while waiting and pages <= pages_max:
        node = waiting.pop()
        if node.objgen in seen or not node.is_indirect:
            raise ValueError("no tree of pages")
        seen.add(node.objgen)
        kids = node.get("/Kids")
        if kids is None:
            pages += 1
        else:
            waiting.extend(kids)
    return pages


def _texts(pdf: pikepdf.Pdf) -> Iterator[bytes]:
    """Yield each object as it would be written, streams without their content.

    Names are in their normal form then: `/J#53` is written `/JS`.
    """
    for one in pdf.objects:
        if isinstance(one, pikepdf.Stream):
            yield one.stream_dict.unparse(resolved=True)
        elif isinstance(one, pikepdf.Object):
            yield one.unparse(resolved=True)


def _is_script(text: bytes) -> bool:
    return _SCRIPT.search(text) is not None and _SCRIPT.search(_STRING.sub(b"", text)) is not None
