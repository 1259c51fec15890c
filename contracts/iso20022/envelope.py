"""Find the one message in what a callback carries, and in whose name it speaks.

Envelopes of the EPC's API (EPC133-22 v3.1, V4.0): the message stands under `Document` or directly,
in an object named after the operation or in the body itself. As XML there is no envelope.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.iso20022.parties import BIC, LEI
from contracts.iso20022.report import read_report
from contracts.iso20022.resolution import read_resolution
from contracts.iso20022.telling import TRANSACTIONS_MAX, Members, Message
from contracts.iso20022.tree import many, text_at

REPORT: Final = "CdtrPmtActvtnReqStsRpt"
RESOLUTION: Final = "RsltnOfInvstgtn"
# The versions whose schemas we have read; camt.029 is the one that the EPC's API names.
NAMESPACES: Final[Mapping[str, str]] = {
    "urn:iso:std:iso:20022:tech:xsd:pain.014.001.07": REPORT,
    "urn:iso:std:iso:20022:tech:xsd:pain.014.001.08": REPORT,
    "urn:iso:std:iso:20022:tech:xsd:pain.014.001.10": REPORT,
    "urn:iso:std:iso:20022:tech:xsd:camt.029.001.09": RESOLUTION,
}
DOCUMENT: Final = "Document"
ENVELOPES: Final = (
    "AsynchronousSepaRequestToPayResponse",
    "SepaRequestToPayCancellationResponse",
    "SepaRequestToPayStatusUpdateResponseResource",
)
# Each transaction may stand in a payment of its own, and that in details or a group of its own.
STRUCTURES_MAX: Final = 4 * TRANSACTIONS_MAX
_STRUCTURES: Final = ("OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "CxlDtls", "TxInfAndSts")

_INITIATING_PARTY: Final = (
    ("GrpHdr", "InitgPty", "Id", "OrgId", "AnyBIC"),
    ("GrpHdr", "InitgPty", "Id", "OrgId", "LEI"),
)
# pagoPA's receiver knows the sender by the assignee, who was asked to cancel and answers; the
# standard would have the sender of a message be its assigner.
_ASSIGNEE: Final = (
    ("Assgnmt", "Assgne", "Agt", "FinInstnId", "BICFI"),
    ("Assgnmt", "Assgne", "Agt", "FinInstnId", "LEI"),
    ("Assgnmt", "Assgne", "Pty", "Id", "OrgId", "AnyBIC"),
    ("Assgnmt", "Assgne", "Pty", "Id", "OrgId", "LEI"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A message: its name, its members, and whether it came as XML."""

    name: str
    members: Members
    is_xml: bool


def find_message(members: Members, namespace: str) -> Found:
    """Return the one message among `members`; `namespace` is the XML document's, empty for JSON.

    Raises:
        Rejected: `document_unknown` when there is none that we know, or more than one.
    """
    if namespace:
        expected = NAMESPACES.get(namespace)
        if expected is None:
            raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, "an XML namespace that we do not know")
        places: list[Members] = [one for one in (members.get(DOCUMENT),) if isinstance(one, dict)]
        names: tuple[str, ...] = (expected,)
    else:
        places, names = list(_places(members)), (REPORT, RESOLUTION)
    found = [(name, place[name]) for place in places for name in names if name in place]
    if len(found) != 1 or not isinstance(found[0][1], dict):
        raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, "not one pain.014 or camt.029")
    return Found(found[0][0], found[0][1], is_xml=bool(namespace))


def read_message(found: Found) -> Message:
    """Return what the message tells.

    Raises:
        Rejected: as read_report and read_resolution; `payload_invalid` for too many transactions.
    """
    _refuse_many(found.members)
    return read_report(found.members) if found.name == REPORT else read_resolution(found.members)


def speaker_of(found: Found) -> str:
    """Return the BIC, else the LEI, of the party in whose name the message speaks.

    Raises:
        Rejected: `payload_invalid` when it names neither.
    """
    paths = _INITIATING_PARTY if found.name == REPORT else _ASSIGNEE
    for path in paths:
        given = text_at(found.members, *path) or ""
        if BIC.fullmatch(given) or LEI.fullmatch(given):
            return given
    raise Rejected(RejectionCode.PAYLOAD_INVALID, f"{'.'.join(paths[0])}: neither a BIC nor a LEI")


def document_text(members: Mapping[str, Any]) -> str | None:
    """Return the XML document that a JSON envelope carries as text in a message's place.

    That is `Document`, an envelope's name, or `Document` in an envelope; plain XML or base64.

    Raises:
        Rejected: `document_unknown` when it carries more than one, or a message as JSON beside it.
    """
    texts = [
        value
        for place in (members, *(members.get(name) for name in ENVELOPES))
        if isinstance(place, dict)
        for name in ((DOCUMENT, *ENVELOPES) if place is members else (DOCUMENT,))
        if isinstance(value := place.get(name), str)
    ]
    if len(texts) > 1:
        raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, "more than one document as text")
    if texts and any(name in place for place in _places(members) for name in (REPORT, RESOLUTION)):
        # One reader would take the text, another the members.
        raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, "a document as text beside a message")
    return texts[0] if texts else None


def _refuse_many(members: Members) -> None:
    """Count what may be a transaction before any is validated: each one costs, good or bad."""
    waiting: list[object] = [members]
    for _ in range(STRUCTURES_MAX):
        if not waiting:
            return
        one = waiting.pop()
        if isinstance(one, dict):
            for name in _STRUCTURES:
                if name in one:
                    waiting.extend(many(one[name]))
    raise Rejected(RejectionCode.PAYLOAD_INVALID, f"more than {TRANSACTIONS_MAX} transactions")


def _places(members: Members) -> Iterator[Members]:
    """Yield every object that a message may stand in."""
    outer = [members.get(name) for name in ENVELOPES]
    envelopes = [one for one in outer if isinstance(one, dict)]
    yield from envelopes
    for holder in (members, *envelopes):
        document = holder.get(DOCUMENT)
        if isinstance(document, dict):
            yield document
