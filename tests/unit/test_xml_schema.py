"""Validation: a document that breaks its schema has findings, which name places and no values."""

from pathlib import Path
from time import process_time

import pytest

from contracts.errors import Broken
from contracts.update import FindingCode
from tests.xml_signing import PAIN, Signed, report
from workers.verifier.xml_document import parse_xml
from workers.verifier.xml_schema import ELEMENTS_MAX, FINDINGS_MAX, Schemas, missing_files

SCHEMA = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- The published schemas begin with a comment, too. -->
<xs:schema xmlns="{PAIN}" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    elementFormDefault="qualified" targetNamespace="{PAIN}">
  <xs:simpleType name="Max3Text"><xs:restriction base="xs:string">
    <xs:minLength value="1"/><xs:maxLength value="3"/>
  </xs:restriction></xs:simpleType>
  <xs:complexType name="Group"><xs:sequence>
    <xs:element name="MsgId" type="Max3Text" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Report"><xs:sequence>
    <xs:element name="GrpHdr" type="Group"/>
    <xs:element name="Ntry" type="Max3Text" minOccurs="0" maxOccurs="unbounded"/>
    {"".join(f'<xs:element name="N{n}" type="Max3Text" minOccurs="0"/>' for n in range(40))}
  </xs:sequence></xs:complexType>
  <xs:complexType name="Document"><xs:sequence>
    <xs:element name="Rpt" type="Report"/>
  </xs:sequence></xs:complexType>
  <xs:element name="Document" type="Document"/>
</xs:schema>
"""
VALID = f'<Document xmlns="{PAIN}"><Rpt><GrpHdr><MsgId>M-1</MsgId></GrpHdr></Rpt></Document>'
NAME = "pain.014.001.07"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / f"{NAME}.xsd").write_text(SCHEMA)
    return tmp_path


@pytest.fixture
def schemas(directory: Path) -> Schemas:
    return Schemas(directory)


def places(schemas: Schemas, text: str | bytes) -> list[str]:
    document = text.encode() if isinstance(text, str) else text
    findings = schemas.findings(parse_xml(document))
    assert {finding.code for finding in findings} <= {FindingCode.SCHEMA_INVALID}
    return [finding.where for finding in findings]


def test_valid_document_has_no_finding_signed_or_not(schemas: Schemas) -> None:
    assert places(schemas, VALID) == []
    assert places(schemas, Signed().document(VALID)) == []
    assert places(schemas, Signed().business_message(VALID)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VALID.replace("M-1", "IT60X054"), ["Rpt/GrpHdr/MsgId"]),
        (VALID.replace("<MsgId>M-1</MsgId>", ""), ["Rpt/GrpHdr"]),
        (VALID.replace("</Rpt>", "<Other/></Rpt>"), ["Rpt/Other"]),
        (VALID.replace("</GrpHdr>", "</GrpHdr><Ntry/><Ntry>1</Ntry><Ntry/>"), ["Rpt/Ntry"]),
        (VALID.replace("<MsgId>", '<MsgId a="secret">'), ["Rpt/GrpHdr/MsgId"]),
        (f'<Document xmlns="{PAIN}"/>', [""]),
    ],
)
@pytest.mark.parametrize("prefixed", [False, True])
def test_finding_names_the_place(
    schemas: Schemas, text: str, expected: list[str], *, prefixed: bool
) -> None:
    if prefixed:
        text = text.replace("</", "</p:").replace("<", "<p:").replace("<p:/p:", "</p:")
        text = text.replace("xmlns=", "xmlns:p=")

    assert places(schemas, text) == expected


def test_findings_have_a_limit(schemas: Schemas) -> None:
    each = "".join(f"<N{number}/>" for number in range(40))
    same = "<Ntry/>" * 300

    assert places(schemas, VALID.replace("</Rpt>", f"{each}</Rpt>")) == [
        f"Rpt/N{number}" for number in range(FINDINGS_MAX)
    ]
    assert places(schemas, VALID.replace("</Rpt>", f"{same}</Rpt>")) == ["Rpt/Ntry"]


def test_long_names_are_cut(schemas: Schemas) -> None:
    (place,) = places(schemas, VALID.replace("</Rpt>", f"<{'N' * 5_000}/></Rpt>"))

    assert place == "N" * 500


def test_document_too_large_to_validate_has_one_finding(schemas: Schemas) -> None:
    entries = "<Ntry>1</Ntry>" * (ELEMENTS_MAX - 4)
    largest = VALID.replace("</GrpHdr>", f"</GrpHdr>{entries}")

    assert places(schemas, largest) == []
    assert places(schemas, largest.replace("</Rpt>", "<Ntry>1</Ntry></Rpt>")) == [""]


def test_what_has_no_schema_has_no_finding(schemas: Schemas) -> None:
    assert places(schemas, report(namespace=PAIN.replace(".07", ".08"))) == []
    assert places(schemas, "<a/>") == []


def test_document_itself_is_not_changed(schemas: Schemas) -> None:
    root = parse_xml(Signed().document(VALID))

    schemas.findings(root)

    assert len(root) == 2


def test_missing_files_are_named(directory: Path) -> None:
    assert missing_files(directory, [NAME, "pain.014.001.08"]) == ("pain.014.001.08.xsd",)


@pytest.mark.parametrize("content", ["", "<a/>", SCHEMA.replace("xs:string", "xs:strong")])
def test_file_that_is_no_schema_breaks_the_start(directory: Path, content: str) -> None:
    (directory / "pain.014.001.08.xsd").write_text(content)

    with pytest.raises(Broken, match=r"pain\.014\.001\.08\.xsd is no XML Schema"):
        Schemas(directory)


def test_directory_without_schemas_breaks_the_start(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"has no \.xsd file"):
        Schemas(tmp_path / "absent")


def test_document_with_as_many_faults_as_elements_is_judged_at_once(schemas: Schemas) -> None:
    """Each fault is a child of one element, and its place is found among all of them."""
    faults = "<MsgId>long</MsgId>" * (ELEMENTS_MAX - 10)
    root = parse_xml(VALID.replace("<MsgId>", f"{faults}<MsgId>").encode())

    began = process_time()
    found = schemas.findings(root)
    seconds = process_time() - began

    assert [one.where for one in found] == ["Rpt/GrpHdr/MsgId"]
    assert seconds < 0.6
