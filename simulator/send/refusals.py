"""Tell stories of requests that are taken and refused, one for each of SEND's codes. Pure.

What must come of each is written by hand: the code, and nothing of the checks is asked.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from simulator.plan import Fault
from simulator.send.acts import (
    PROVINCIA,
    REGIONE,
    Act,
    Ask,
    File,
    Learn,
    Preload,
    SendStory,
    Upload,
    step,
    story,
)
from simulator.send.cast import TEXT, Person, SendCast, new_name, new_person, uploads
from simulator.send.pdf import pdf, tampered_pdf
from simulator.send.requests import f24, f24_metadata, person_tax_id
from simulator.send.stories import private_of

Tale = Callable[[Random, SendCast], SendStory]
_PDF_INVALID: Final = "FILE_PDF_INVALID_ERROR"


def _refused(
    fault: Fault,
    rng: Random,
    cast: SendCast,
    code: str,
    *,
    document: File | None = None,
    uploaded: tuple[Act, ...] | None = None,
    person: Person | None = None,
    body: str = PROVINCIA,
    **changes: Any,  # noqa: ANN401 - a value of JSON
) -> SendStory:
    """Return the story of a request that is taken, and refused under `code`."""
    name, people = new_name(rng), [person or new_person(rng)]
    document = document or cast.document(rng)
    members = cast.request(name, document, people, body=body, **changes)
    acts = uploads(document, body=body) if uploaded is None else uploaded
    return story(
        name,
        step(*acts, Ask(members=members, body=body), statuses=((name, "REFUSED"),)),
        step(Learn(status="REFUSED", codes=(code,), body=body)),
        fault=fault,
        private=private_of(people),
    )


def _file_absent(rng: Random, cast: SendCast) -> SendStory:
    document = cast.document(rng)
    acts = Preload(files=(document,)), Upload(file=document, flaw="never")
    return _refused(Fault.FILE_ABSENT, rng, cast, "FILE_NOTFOUND", document=document, uploaded=acts)


def _file_gone(rng: Random, cast: SendCast) -> SendStory:
    document = cast.document(rng)
    acts = Preload(files=(document,)), Upload(file=document, flaw="long_ago")
    return _refused(Fault.FILE_GONE, rng, cast, "FILE_GONE", document=document, uploaded=acts)


def _file_changed(rng: Random, cast: SendCast) -> SendStory:
    """Name an uploaded file, and the digest of another one."""
    uploaded = cast.document(rng)
    claimed = File(uploaded.name, uploaded.content + b"\n")
    return _refused(
        Fault.FILE_CHANGED,
        rng,
        cast,
        "FILE_SHA_ERROR",
        document=claimed,
        uploaded=uploads(uploaded),
    )


def _no_pdf(rng: Random, cast: SendCast) -> SendStory:
    content = rng.choice((b"PK\x03\x04 an archive", pdf(TEXT, script="app.alert\\(1\\)")))
    document = cast.document(rng, content)
    return _refused(Fault.FILE_NO_PDF, rng, cast, _PDF_INVALID, document=document)


def _too_large(rng: Random, cast: SendCast) -> SendStory:
    content = pdf(TEXT, padding_bytes=cast.section.pdf.bytes_max)
    document = cast.document(rng, content)
    return _refused(Fault.FILE_TOO_LARGE, rng, cast, "FILE_PDF_TOOBIG_ERROR", document=document)


def _unsigned(rng: Random, cast: SendCast) -> SendStory:
    """Send, for a body whose documents must be signed, one that is not."""
    document = cast.document(rng, pdf(TEXT))
    return _refused(Fault.UNSIGNED, rng, cast, _PDF_INVALID, document=document, body=REGIONE)


def _tampered(rng: Random, cast: SendCast) -> SendStory:
    document = cast.document(rng, tampered_pdf(cast.signed(), TEXT))
    return _refused(Fault.TAMPERED_BODY, rng, cast, _PDF_INVALID, document=document)


def _other_root(rng: Random, cast: SendCast) -> SendStory:
    document = cast.document(rng, cast.signed(signer="bank-a-other-root"))
    return _refused(Fault.OTHER_ROOT, rng, cast, _PDF_INVALID, document=document)


def _expired(rng: Random, cast: SendCast) -> SendStory:
    document = cast.document(rng, cast.signed(signer="bank-a-expired"))
    return _refused(Fault.EXPIRED_CERTIFICATE, rng, cast, _PDF_INVALID, document=document)


def _metadata(rng: Random, cast: SendCast) -> SendStory:
    document = cast.document(rng)
    metadata = File("metadata", f24_metadata(municipality="nowhere"), "json")
    return _refused(
        Fault.METADATA_INVALID,
        rng,
        cast,
        "F24_METADATA_NOT_VALID",
        document=document,
        uploaded=uploads(document, metadata),
        person=new_person(rng, payments=[f24(metadata)]),
    )


def _tax_id(rng: Random, cast: SendCast) -> SendStory:
    person = new_person(rng, taxId=cast.section.tax_ids_refused[0])
    return _refused(Fault.TAX_ID_REFUSED, rng, cast, "TAXID_NOT_VALID", person=person)


def _address_invalid(rng: Random, cast: SendCast) -> SendStory:
    nowhere = {"address": "VIA NESSUNA 1", "zip": "00000", "municipality": "ROMA", "province": "XX"}
    person = new_person(rng, physicalAddress=nowhere)
    return _refused(Fault.ADDRESS_INVALID, rng, cast, "NOT_VALID_ADDRESS", person=person)


def _address_unknown(rng: Random, cast: SendCast) -> SendStory:
    person = new_person(rng, taxId=person_tax_id(rng, "X"), physicalAddress=None)
    return _refused(Fault.ADDRESS_UNKNOWN, rng, cast, "ADDRESS_NOT_FOUND", person=person)


def _registry_away(rng: Random, cast: SendCast) -> SendStory:
    person = new_person(rng, taxId=person_tax_id(rng, "W"), physicalAddress=None)
    return _refused(Fault.REGISTRY_AWAY, rng, cast, "ADDRESS_SEARCH_FAILED", person=person)


def _payment(rng: Random, cast: SendCast) -> SendStory:
    return _refused(
        Fault.PAYMENT_MISSING,
        rng,
        cast,
        "PAYMENT_NOT_VALID",
        notificationFeePolicy="DELIVERY_MODE",
        paFee=100,
        vat=22,
        pagoPaIntMode="ASYNC",
    )


def _too_heavy(rng: Random, cast: SendCast) -> SendStory:
    pages = 2 * (cast.bodies[PROVINCIA].sheets_max or 0) + 1
    document = cast.document(rng, cast.signed(pages=pages))
    code = "SENDER_DISABLED_MORE_THAN_20_GRAMS"
    return _refused(Fault.TOO_HEAVY, rng, cast, code, document=document)


REFUSALS: Final[Mapping[Fault, Tale]] = {
    Fault.FILE_ABSENT: _file_absent,
    Fault.FILE_GONE: _file_gone,
    Fault.FILE_CHANGED: _file_changed,
    Fault.FILE_NO_PDF: _no_pdf,
    Fault.FILE_TOO_LARGE: _too_large,
    Fault.UNSIGNED: _unsigned,
    Fault.TAMPERED_BODY: _tampered,
    Fault.OTHER_ROOT: _other_root,
    Fault.EXPIRED_CERTIFICATE: _expired,
    Fault.METADATA_INVALID: _metadata,
    Fault.TAX_ID_REFUSED: _tax_id,
    Fault.ADDRESS_INVALID: _address_invalid,
    Fault.ADDRESS_UNKNOWN: _address_unknown,
    Fault.REGISTRY_AWAY: _registry_away,
    Fault.PAYMENT_MISSING: _payment,
    Fault.TOO_HEAVY: _too_heavy,
}
