"""Check what a request's members must be to each other, and to the body that sends it.

https://github.com/pagopa/pn-delivery (NotificationReceiverValidator, at 636876f). Every rule reads
the members as they came, of whatever shape: what is of the wrong shape has its own error already,
and must not hide the others.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from contracts.send.addresses import place_faults, row_faults
from contracts.send.problems import ProblemCode, ProblemError
from contracts.send.rules import BodyRules, SendRules
from contracts.send.taxes import normal_tax_id, tax_id_fault

_LANGUAGES: Final = frozenset({"DE", "SI", "FR"})
_DELIVERY_MODE: Final = "DELIVERY_MODE"
# What a key of each content type must contain, and must not end in.
_KEYS: Final = {
    "application/pdf": ("PN_NOTIFICATION_ATTACHMENTS", ".json"),
    "application/json": ("PN_F24_META", ".pdf"),
}
Members = Mapping[str, Any]
Errors = Iterator[ProblemError]


def relations(
    members: Members, rules: SendRules, body: BodyRules, groups: Sequence[str]
) -> Iterator[ProblemError]:
    """Yield every broken rule between the members of a request."""
    yield from _sender(members, body, groups)
    yield from _counts(members, rules)
    yield from _fees(members)
    yield from _languages(members)
    yield from _documents(members)
    recipients = _objects(members, "recipients")
    yield from _repeated_recipients(recipients)
    yield from _repeated_notices(recipients)
    policy = members.get("notificationFeePolicy")
    for at, recipient in recipients:
        where = f"recipients[{at}]"
        yield from _tax_id(recipient, where, at, rules)
        yield from _address(recipient, where, rules, body)
        yield from _payments(recipient, where, policy)
        yield from _attachments(recipient, where)


def _sender(members: Members, body: BodyRules, groups: Sequence[str]) -> Errors:
    sender = members.get("senderTaxId")
    if isinstance(sender, str) and sender != body.tax_id:
        code = ProblemCode.SENDER_TAX_ID
        yield ProblemError(code, "senderTaxId", "not the tax id of the body that the key is of")
    group = members.get("group") or ""
    if groups and group not in groups:
        yield ProblemError(ProblemCode.GROUP, "group", "not a group of the key")


def _counts(members: Members, rules: SendRules) -> Errors:
    for name, most in (("recipients", rules.recipients_max), ("documents", rules.documents_max)):
        items = members.get(name)
        if most is not None and isinstance(items, list) and len(items) > most:
            yield ProblemError(ProblemCode.SIZE, name, f"more than {most}")
    most, recipients = rules.payments_max, _objects(members, "recipients")
    if most is not None and sum(len(_objects(one, "payments")) for _, one in recipients) > most:
        detail = f"more than {most} of all recipients"
        yield ProblemError(ProblemCode.SIZE, "recipients.payments", detail)


def _fees(members: Members) -> Errors:
    if members.get("notificationFeePolicy") == _DELIVERY_MODE:
        for name in ("paFee", "vat"):
            if name not in members:
                detail = f"{_DELIVERY_MODE} needs it"
                yield ProblemError(ProblemCode.REQUIRED, name, detail)


def _languages(members: Members) -> Errors:
    languages = members.get("additionalLanguages")
    if not isinstance(languages, list):
        return
    if len(languages) > 1:
        yield ProblemError(ProblemCode.LANGUAGES, "additionalLanguages", "more than one")
    if any(isinstance(one, str) and one not in _LANGUAGES for one in languages):
        detail = f"none of {', '.join(sorted(_LANGUAGES))}"
        yield ProblemError(ProblemCode.LANGUAGES, "additionalLanguages", detail)


def _documents(members: Members) -> Errors:
    documents = [(f"documents[{at}]", document) for at, document in _objects(members, "documents")]
    for where, document in documents:
        yield from _key(document, where)
    yield from _repeated_files(documents)


def _attachments(recipient: Members, where: str) -> Errors:
    files = []
    for at, payment in _objects(recipient, "payments"):
        for kind, name in (("pagoPa", "attachment"), ("f24", "metadataAttachment")):
            file = _object(_object(payment, kind), name)
            if file:
                files.append((f"{where}.payments[{at}].{kind}.{name}", file))
    for place, file in files:
        yield from _key(file, place)
    yield from _repeated_files(files)


def _key(file: Members, where: str) -> Errors:
    kind, key = file.get("contentType"), _object(file, "ref").get("key")
    if isinstance(key, str) and isinstance(kind, str) and kind in _KEYS:
        word, ending = _KEYS[kind]
        if word not in key or key.endswith(ending):
            detail = f"not a key of {kind}"
            yield ProblemError(ProblemCode.INVALID, f"{where}.ref.key", detail)


def _repeated_files(files: Sequence[tuple[str, Members]]) -> Errors:
    seen = set()
    for where, file in files:
        one = (_object(file, "ref").get("key"), _object(file, "digests").get("sha256"))
        if all(isinstance(part, str) for part in one):
            if one in seen:
                yield ProblemError(ProblemCode.DUPLICATED, where, "the same file again")
            seen.add(one)


def _repeated_recipients(recipients: Sequence[tuple[int, Members]]) -> Errors:
    ids = [(at, normal_tax_id(one)) for at, one in _texts(recipients, "taxId")]
    for at in _repeated(ids):
        detail = "Duplicated recipient taxId"
        yield ProblemError(ProblemCode.DUPLICATED, f"recipients[{at}].taxId", detail)


def _repeated_notices(recipients: Sequence[tuple[int, Members]]) -> Errors:
    notices = []
    for at, recipient in recipients:
        for number, payment in _objects(recipient, "payments"):
            one = _object(payment, "pagoPa")
            pair = (one.get("creditorTaxId"), one.get("noticeCode"))
            if all(isinstance(part, str) for part in pair):
                notices.append((f"recipients[{at}].payments[{number}].pagoPa", pair))
    for where in _repeated(notices):
        detail = "Duplicated creditorTaxId and noticeCode"
        yield ProblemError(ProblemCode.DUPLICATED, where, detail)


def _tax_id(recipient: Members, where: str, at: int, rules: SendRules) -> Errors:
    tax_id, kind = recipient.get("taxId"), recipient.get("recipientType")
    # A kind that is a list or an object has no hash, so it is compared, not looked up.
    if not isinstance(tax_id, str) or kind not in ("PF", "PG") or not rules.tax_ids_checked:
        return
    normal = normal_tax_id(tax_id)
    # Refused ids are refused later, with TAXID_NOT_VALID: a 400 would tell who is on the list.
    if normal in rules.tax_ids_accepted or normal in rules.tax_ids_refused:
        return
    if kind == "PG" and not normal.isdigit():
        detail = f"SEND accepts only numerical taxId for PG recipient {at}"
        yield ProblemError(ProblemCode.INVALID, f"{where}.taxId", detail)
    elif tax_id_fault(tax_id, kind):
        detail = f"Invalid taxId for recipient {at}"
        yield ProblemError(ProblemCode.INVALID, f"{where}.taxId", detail)


def _address(recipient: Members, where: str, rules: SendRules, body: BodyRules) -> Errors:
    place = f"{where}.physicalAddress"
    if "physicalAddress" not in recipient:
        if not body.addresses_looked_up:
            detail = "addresses are not looked up for this body"
            yield ProblemError(ProblemCode.REQUIRED, place, detail)
        return
    address = _object(recipient, "physicalAddress")
    faults = [*place_faults(address)] if address else []
    if rules.address_rows_checked:
        faults.extend(row_faults(address))
    for name, fault in faults:
        yield ProblemError(ProblemCode.INVALID, f"{place}.{name}", fault)


def _payments(recipient: Members, where: str, policy: object) -> Errors:
    """Yield payments that are none, and costs applied where they must not be, or nowhere."""
    payments = _objects(recipient, "payments")
    for at, payment in payments:
        if not payment.keys() & {"pagoPa", "f24"}:
            detail = "neither pagoPa nor f24"
            yield ProblemError(ProblemCode.SIZE, f"{where}.payments[{at}]", detail)
    for kind in ("pagoPa", "f24"):
        costs = [_object(one, kind).get("applyCost") for _, one in payments if kind in one]
        if policy == _DELIVERY_MODE and costs and True not in costs:
            detail = f"{_DELIVERY_MODE} needs applyCost in one {kind} payment"
            yield ProblemError(ProblemCode.INVALID, f"{where}.payments", detail)
        if policy == "FLAT_RATE" and True in costs:
            detail = f"FLAT_RATE takes no applyCost in a {kind} payment"
            yield ProblemError(ProblemCode.INVALID, f"{where}.payments", detail)


def _repeated(items: Iterable[tuple[Any, Any]]) -> Iterator[Any]:
    """Yield the places whose value stood at an earlier place."""
    seen: Counter[Any] = Counter()
    for place, value in items:
        if seen[value]:
            yield place
        seen[value] += 1


def _texts(items: Sequence[tuple[int, Members]], name: str) -> Iterator[tuple[int, str]]:
    for at, item in items:
        value = item.get(name)
        if isinstance(value, str):
            yield at, value


def _objects(members: Members, name: str) -> list[tuple[int, Members]]:
    items = members.get(name)
    listed = items if isinstance(items, list) else []
    return [(at, item) for at, item in enumerate(listed) if isinstance(item, dict)]


def _object(members: Members, name: str) -> Members:
    value = members.get(name)
    return value if isinstance(value, dict) else {}
