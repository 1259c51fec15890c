"""Say how a document departs from its XML Schema, as findings: it is processed all the same.

The schemas of ISO 20022 are not shipped. An operator puts them into a directory, one file for each
message and version (`pain.014.001.07.xsd`); they are compiled once, when the process starts.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Final

from lxml import etree

from contracts.errors import Broken
from contracts.update import Finding, FindingCode
from workers.verifier.iso_message import message_document
from workers.verifier.xml_document import hardened_parser
from workers.verifier.xml_signature import SIGNATURE

FINDINGS_MAX: Final = 20  # of one document; who breaks more rules than that breaks the rest too
# The library looks through the siblings for each error: the worst of this size takes 0.2 seconds.
ELEMENTS_MAX: Final = 5_000  # a report of 50 transactions with all 100 elements of the profile
ERRORS_MAX: Final = 200  # looked at for findings: most repeat the path of another
PATH_CHARACTERS_MAX: Final = 500  # what a Finding holds

_NAMESPACE_PREFIX: Final = "urn:iso:std:iso:20022:tech:xsd:"


class Schemas:
    """The compiled schemas of a directory, by message name."""

    def __init__(self, directory: Path) -> None:
        """Compile every `<message name>.xsd` of `directory`.

        Raises:
            Broken: the directory or a file cannot be read, or a file is no XML Schema.
        """
        files = sorted(directory.glob("*.xsd"))
        if not files:
            raise Broken(f"schema_directory: {directory} has no .xsd file")
        self._schemas: Mapping[str, etree.XMLSchema] = {
            file.stem: _compiled(file) for file in files
        }

    def findings(self, root: etree._Element) -> tuple[Finding, ...]:
        """Return where the document in `root` breaks its schema, by path, each path once.

        There is nothing to find where `root` holds no ISO 20022 document, or one without a schema.
        A document too large to be validated has one finding, at its root. The library's own
        messages quote values, so they are not used.
        """
        document = message_document(root)
        if document is None:
            return ()
        name = (etree.QName(document).namespace or "").removeprefix(_NAMESPACE_PREFIX)
        schema = self._schemas.get(name)
        if schema is None:
            return ()
        unsigned = _without_signature(document)
        if sum(1 for _ in unsigned.iter()) > ELEMENTS_MAX:
            return (_finding(""),)
        if schema.validate(unsigned):
            return ()
        errors = islice(schema.error_log, ERRORS_MAX)
        known: dict[tuple[etree._Element, str], list[etree._Element]] = {}
        where = dict.fromkeys(_path(unsigned, error.path or "", known) for error in errors)
        return tuple(_finding(path) for path in islice(where, FINDINGS_MAX))


def missing_files(directory: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Return the files that `directory` should have for the messages `names`, and has not."""
    return tuple(f"{name}.xsd" for name in names if not (directory / f"{name}.xsd").is_file())


def _compiled(file: Path) -> etree.XMLSchema:
    try:
        # An operator's file, and yet it reads nothing over the network.
        return etree.XMLSchema(etree.fromstring(file.read_bytes(), hardened_parser()))
    except OSError as error:
        raise Broken(f"schema_directory: {file}: {error.strerror}") from error
    except etree.LxmlError as error:
        raise Broken(f"schema_directory: {file} is no XML Schema: {error}") from error


def _finding(where: str) -> Finding:
    return Finding(code=FindingCode.SCHEMA_INVALID, where=where)


def _without_signature(document: etree._Element) -> etree._Element:
    copy = deepcopy(document)
    for signature in copy.findall(SIGNATURE):
        copy.remove(signature)
    return copy


def _path(
    root: etree._Element, path: str, known: dict[tuple[etree._Element, str], list[etree._Element]]
) -> str:
    """Return libxml2's `path` in local names: `CdtrPmtActvtnReqStsRpt/GrpHdr/MsgId`.

    It writes `prefix:name[2]`, but `*[2]` for the second element of any name where the namespace is
    the default one, and leaves out the number of an only one. Prefixes may be declared anywhere, so
    it is followed here and not by XPath. `known` remembers the children that were looked through.
    """
    element, names = root, []
    for step in path.split("/")[2:]:
        name, _, number = step.partition("[")
        if (element, name) not in known:
            known[element, name] = [one for one in element if name in {"*", _prefixed(one)}]
        alike = known[element, name]
        place = int(number.rstrip("]") or 1) - 1
        if place >= len(alike):  # an attribute: its element says enough
            break
        element = alike[place]
        names.append(etree.QName(element).localname)
    return "/".join(names)[-PATH_CHARACTERS_MAX:]


def _prefixed(element: etree._Element) -> str:
    name = etree.QName(element).localname
    return f"{element.prefix}:{name}" if element.prefix else name
