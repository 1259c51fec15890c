"""Write the licences of all that the lock pins: docs/LICENCES.md."""

from collections.abc import Iterable, Iterator

from ops.generated.markdown import code, page, table
from ops.packages.licences import ALLOWED, EXCEPTIONS, STATED, licence_of
from ops.packages.locked import LockedPackage, locked_packages, production_packages

_OPENING = (
    "From `requirements.lock`, the packages' own metadata and, where that has no SPDX expression, "
    "`ops/packages/licences.py` (noted by us). Esito itself is Apache-2.0."
)
_POLICY = (
    "`tests/contract/test_supply_chain.py` refuses a package whose licence is neither one of "
    "these nor an exception below, and an exception that is not needed:"
)
_PRODUCTION = (
    "`requirements.production.lock` holds these and nothing else: what the image carries. "
    "Compilers, test tools, Java and the embedded PostgreSQL are not among them."
)
_INSIDE = (
    "A wheel may hold more than its package. What those of production hold by their own lists "
    "(`*.dist-info/sboms`, `*.dist-info/licenses`), as of this lock on Linux: **cryptography** "
    "OpenSSL (Apache-2.0) and Rust crates; **lxml** libxml2, libxslt (MIT), zlib and libiconv "
    "(LGPL-2.1: who passes an image on owes its source, as of the MPL-2.0 packages); **pikepdf** "
    "qpdf (Apache-2.0), libjpeg-turbo (IJG, BSD-3-Clause), zlib; **pillow**, which pikepdf needs, "
    "FreeType (FTL), HarfBuzz, raqm (MIT), libtiff, libjpeg-turbo, libpng, libwebp, libavif, "
    "OpenJPEG, Little CMS, libxcb, zlib, brotli, zstd and liblzma, all permissive (FriBiDi, "
    "LGPL-2.1, is used if the system has it and is not in the wheel; libimagequant, GPL-3.0, is "
    "not built in); **obstore** and **pydantic-core** Rust crates; **pyyaml** libyaml (MIT); "
    "**uvloop** libuv (MIT). No test watches this paragraph."
)
_JARS = (
    "`make demo` and `make test` download the jars of `ops/embedded/kafka-jars.lock` (Apache "
    "Kafka and what it needs) to the machine that runs them. They are neither installed nor "
    "passed on with Esito, so their licences are not judged here; the bill of materials names "
    "them with their hashes."
)
_UNJUDGED = (
    "No licence is judged either of what only looks at Esito or shows how to read it: "
    "`requirements.tools.lock` (uv, pip-audit), `tests/deploy` (two packages of Python, those of "
    "npm), and `examples/` (npm, Maven). All of it is pinned, and Esito carries none of it."
)


def licences_page() -> str:
    """Return docs/LICENCES.md."""
    production = production_packages()
    tests = [one for one in locked_packages() if one not in production]
    return page(
        "Licences",
        _OPENING,
        "## What we take",
        f"{_POLICY} {', '.join(code(one) for one in sorted(ALLOWED))}.",
        table(("exception", "licence", "why"), _exceptions()),
        "## Production",
        _PRODUCTION,
        table(("package", "version", "licence", "only where"), _rows(production)),
        _INSIDE,
        "## Demo and tests",
        table(("package", "version", "licence", "only where"), _rows(tests)),
        _JARS,
        _UNJUDGED,
    )


def _exceptions() -> Iterator[tuple[str, ...]]:
    for name, reason in EXCEPTIONS.items():
        yield name, code(licence_of(name)), reason


def _rows(packages: Iterable[LockedPackage]) -> Iterator[tuple[str, ...]]:
    for one in packages:
        said = "" if one.name not in STATED else " (noted by us)"
        marker = code(one.marker) if one.marker else ""
        yield one.name, one.version, f"{code(licence_of(one.name))}{said}", marker
