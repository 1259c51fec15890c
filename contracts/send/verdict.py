"""Judge a request by what was looked up for it: SEND's checks, in SEND's order.

1. payments: where pagoPA adds the costs by itself (ASYNC), every recipient has a notice for it
2. files: there, kept, of the declared digest and size, a PDF that the sender's policy takes
3. tax ids, 4. the weight of an envelope, 5. F24 metadata
6. addresses that were looked up, 7. addresses that were given

The first check that finds anything ends it. Of files SEND tells the first alone; of the others, all
that the check finds. https://github.com/pagopa/pn-delivery-push-validator (at 1e1974e).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Final

from contracts.errors import Unavailable
from contracts.needs import AddressFound, AddressNeed, FileFacts, FileNeed
from contracts.send.attachments import PlacedFile, file_fault, placed_files
from contracts.send.f24_rules import F24Issue, check_f24
from contracts.send.refusals import Refusal, refusal
from contracts.send.request import Recipient, Request
from contracts.send.rules import BodyRules, SendRules
from contracts.send.taxes import normal_tax_id, tax_id_fault
from contracts.update import Reason

# A verified update and a status event must stay small records, whatever a file of metadata holds.
FINDINGS_MAX: Final = 100
_PAGES_OF_A_SHEET: Final = 2


@dataclass(frozen=True)
class Case:
    """A request, the rules it falls under, and what was found of all that it needs."""

    request: Request
    body: BodyRules
    rules: SendRules
    evidence: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def files(self) -> tuple[PlacedFile, ...]:
        """Return the files that the request names."""
        return tuple(placed_files(self.request, self.body))

    @cached_property
    def file_names(self) -> Mapping[FileNeed, str]:
        """Return each file's name among the needs; a file that is named twice has one."""
        needs = dict.fromkeys(file.need for file in self.files)
        return {need: f"file:{number}" for number, need in enumerate(needs)}

    def facts(self, need: FileNeed) -> FileFacts:
        """Return what was found of a file."""
        found: FileFacts = self._found(self.file_names[need])
        return found

    def address(self, recipient: int) -> AddressFound:
        """Return what was found of a recipient's address."""
        found: AddressFound = self._found(address_name(recipient))
        return found

    def sheets(self, recipient: int) -> int:
        """Return the sheets of paper in a recipient's envelope.

        Every PDF begins on a sheet of its own, and is printed on both sides.
        """
        mine = (one.need for one in self.files if one.recipient in {None, recipient})
        pdfs = (self.facts(need).pdf for need in mine if need.kind == "pdf")
        return sum(-(-pdf.pages // _PAGES_OF_A_SHEET) for pdf in pdfs if pdf is not None)

    def _found(self, name: str) -> Any:  # noqa: ANN401 - each kind of need has its own facts
        if name not in self.evidence:
            raise Unavailable(f"{name} has not been looked up")
        return self.evidence[name]


def file_needs(case: Case) -> dict[str, FileNeed]:
    """Return every file that the request names, each once, in the request's order."""
    return {name: need for need, name in case.file_names.items()}


def address_needs(case: Case) -> dict[str, AddressNeed]:
    """Return every recipient's address: to be normalised, or looked up where there is none."""
    return {
        address_name(number): AddressNeed(
            recipient=number,
            tax_id=recipient.tax_id,
            recipient_type=recipient.recipient_type,
            address=_given(recipient),
        )
        for number, recipient in enumerate(case.request.recipients)
    }


def address_name(recipient: int) -> str:
    """Return the name of a recipient's address among the needs."""
    return f"address:{recipient}"


def findings(case: Case) -> tuple[Reason, ...]:
    """Return why the request is refused; nothing: it is accepted.

    Raises:
        Unavailable: something that it needs has not been looked up.
    """
    checks = (_payments, _attachments, _tax_ids, _sheets, _metadata, _looked_up, _normalised)
    for check in checks:
        found = tuple(islice(check(case), FINDINGS_MAX))
        if found:
            return found
    return ()


def _payments(case: Case) -> Iterator[Reason]:
    if case.request.integration() != "ASYNC":
        return
    if case.request.notification_fee_policy != "DELIVERY_MODE":
        return
    for number, recipient in enumerate(case.request.recipients):
        if not any(one.pago_pa and one.pago_pa.apply_cost for one in recipient.payments):
            text = "no pagoPA notice that the costs could be added to"
            yield refusal(Refusal.PAYMENT_NOT_VALID, text, f"recipients[{number}]")


def _attachments(case: Case) -> Iterator[Reason]:
    """Yield what is wrong with the first file that cannot be sent."""
    for file in case.files:
        fault = file_fault(case.facts(file.need), file.need, case.rules)
        if fault is not None:
            yield refusal(*fault, file.where)
            return


def _tax_ids(case: Case) -> Iterator[Reason]:
    for number, recipient in enumerate(case.request.recipients):
        if tax_id_refused(recipient, case.rules):
            text = "the tax id is not valid"
            yield refusal(Refusal.TAXID_NOT_VALID, text, f"recipients[{number}]")


def tax_id_refused(recipient: Recipient, rules: SendRules) -> bool:
    """Tell whether a tax id is on the list of refused ones, or on neither list and wrong."""
    tax_id = normal_tax_id(recipient.tax_id)
    if tax_id in rules.tax_ids_accepted:
        return False
    if tax_id in rules.tax_ids_refused:
        return True
    return rules.tax_ids_checked and bool(tax_id_fault(tax_id, recipient.recipient_type))


def _sheets(case: Case) -> Iterator[Reason]:
    """Yield the recipients whose envelope holds more paper than the body may post.

    SEND's rule is of 20 grams: three sheets of paper, and their envelope.
    """
    most = case.body.sheets_max
    if most is None:
        return
    for number in range(len(case.request.recipients)):
        if case.sheets(number) > most:
            code = Refusal.SENDER_DISABLED_MORE_THAN_20_GRAMS
            yield refusal(code, f"more than {most} sheets of paper", f"recipients[{number}]")


def _metadata(case: Case) -> Iterator[Reason]:
    # A thousand recipients may name one file of a megabyte: it is read once.
    checked: dict[tuple[FileNeed, bool], tuple[F24Issue, ...]] = {}
    for file in case.files:
        if file.need.kind != "json":
            continue
        one = (file.need, file.apply_cost)
        if one not in checked:
            content = case.facts(file.need).content
            checked[one] = check_f24(content, sha256=file.need.sha256, apply_cost=file.apply_cost)
        for issue in checked[one]:
            yield refusal(Refusal.F24_METADATA_NOT_VALID, issue.text(), file.where)


def _looked_up(case: Case) -> Iterator[Reason]:
    for number, recipient in enumerate(case.request.recipients):
        if recipient.physical_address is None:
            match case.address(number).outcome:
                case "found":
                    continue
                case "failed":
                    code, text = Refusal.ADDRESS_SEARCH_FAILED, "no registry answered in time"
                case "not_valid":
                    code, text = Refusal.NOT_VALID_ADDRESS, "the address found cannot be written to"
                case "not_found":
                    code, text = Refusal.ADDRESS_NOT_FOUND, "no registry knows an address"
            yield refusal(code, text, f"recipients[{number}]")


def _normalised(case: Case) -> Iterator[Reason]:
    for number, recipient in enumerate(case.request.recipients):
        if recipient.physical_address is not None:
            outcome = case.address(number).outcome
            if outcome == "failed":
                text = "nothing normalised the address in time"
                yield refusal(Refusal.ADDRESS_SEARCH_FAILED, text, f"recipients[{number}]")
            elif outcome != "found":
                text = "the address is not one that exists"
                yield refusal(Refusal.NOT_VALID_ADDRESS, text, f"recipients[{number}]")


def _given(recipient: Recipient) -> Mapping[str, str] | None:
    if recipient.physical_address is None:
        return None
    return recipient.physical_address.model_dump(by_alias=True, exclude_none=True)
