r"""Read a notification request: NewNotificationRequestV26, its members, their forms and bounds.

https://github.com/pagopa/pn-delivery (api-external-b2b-pa.yaml, at 636876f). A member that is null
counts as absent, as it does for SEND. Published patterns of the form `^A|B$` are anchored on both
sides here, their `.` is Java's (no line ends), their `\d` and `\w` are ASCII.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DENOMINATION_CHARACTERS_MAX: Final = 44  # SEND's DenominationLength; the published bound is 88
GROUP_CHARACTERS_MAX: Final = 500  # a reference of ours holds no more; the published bound is 1,024
_INT32: Final = 2**31

_LINE: Final = r"^[^\n\r\u0085\u2028\u2029]*$"
_PRINTABLE: Final = r"^[ -~]*$"
TAX_ID: Final = (
    r"^(?:[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"
    r"|[0-9]{11})$"
)
# RFC 5322's addr-spec as SEND publishes it: a dotted or a quoted name, at a domain or an address.
_ATOM: Final = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED: Final = (
    r"\"(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x21\x23-\x5b\x5d-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*\""
)
_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
_TAGGED: Final = (
    r"[a-zA-Z0-9-]*[a-zA-Z0-9]:"
    r"(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x21-\x5a\x53-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])+"
)
MAIL_ADDRESS: Final = (
    rf"^(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@"
    rf"(?:(?:{_LABEL}\.)+{_LABEL}|\[(?:{_OCTET}\.){{3}}(?:{_OCTET}|{_TAGGED})\])$"
)


def _line(most: int, least: int = 0) -> StringConstraints:
    return StringConstraints(min_length=least, max_length=most, pattern=_LINE)


Digits11 = Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")]
Sha256 = Annotated[
    str,
    StringConstraints(
        min_length=44, max_length=44, pattern=r"^(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{44})$"
    ),
]
Denomination = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=DENOMINATION_CHARACTERS_MAX, pattern=r"^[ -{}~\u00a0-\u00ff]*$"
    ),
]
Percent = Annotated[int, Field(ge=0, le=100)]


class Part(BaseModel):
    """The base of all parts: types are not coerced, unknown members are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class ClosedPart(Part):
    """A part that SEND closes: `additionalProperties: false`."""

    model_config = ConfigDict(extra="forbid")


class Digests(Part):
    """The digest of a file, in base64."""

    sha256: Sha256


class Ref(Part):
    """Where a file was uploaded."""

    key: Annotated[
        str,
        StringConstraints(max_length=512, pattern=r"^(?:safestorage://)?[A-Za-z0-9._-]+$"),
    ]
    version_token: Annotated[str, _line(256)] = Field(alias="versionToken")


class Attachment(Part):
    """A PDF that was uploaded."""

    digests: Digests
    content_type: Literal["application/pdf"] = Field(alias="contentType")
    ref: Ref


class Document(Attachment):
    """A document that is notified."""

    title: Annotated[str, _line(512, 1)] | None = None
    doc_idx: Annotated[str, StringConstraints(max_length=3, pattern=r"^[0-9]+$")] | None = Field(
        None, alias="docIdx"
    )


class Metadata(Part):
    """A file of F24 metadata that was uploaded."""

    digests: Digests
    content_type: Literal["application/json"] = Field(alias="contentType")
    ref: Ref


class PagoPa(Part):
    """A payment by pagoPA: the notice, its creditor, and perhaps its form."""

    notice_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{18}$")] = Field(
        alias="noticeCode", repr=False
    )
    creditor_tax_id: Digits11 = Field(alias="creditorTaxId")
    apply_cost: bool = Field(alias="applyCost")
    attachment: Attachment | None = None


class F24(Part):
    """A payment by F24."""

    title: str
    apply_cost: bool = Field(alias="applyCost")
    metadata_attachment: Metadata = Field(alias="metadataAttachment")


class Payment(ClosedPart):
    """One payment: by pagoPA, by F24, or by either; one at least (`minProperties`)."""

    pago_pa: PagoPa | None = Field(None, alias="pagoPa")
    f24: F24 | None = None


class PhysicalAddress(Part):
    """Where a letter goes."""

    at: Annotated[str, _line(44)] | None = Field(None, repr=False)
    address: Annotated[str, _line(1_024, 2)] = Field(repr=False)
    address_details: Annotated[str, _line(1_024)] | None = Field(
        None, alias="addressDetails", repr=False
    )
    zip: Annotated[str, StringConstraints(max_length=15, pattern=r"^[A-Za-z0-9_ -]*$")] | None = (
        Field(None, repr=False)
    )
    municipality: Annotated[str, _line(256, 2)] = Field(repr=False)
    municipality_details: Annotated[str, _line(256)] | None = Field(
        None, alias="municipalityDetails", repr=False
    )
    province: Annotated[str, _line(256)] | None = Field(None, repr=False)
    foreign_state: Annotated[str, _line(256)] | None = Field(None, alias="foreignState", repr=False)


class DigitalDomicile(Part):
    """Where a certified mail goes."""

    type: Literal["PEC"]
    address: Annotated[str, StringConstraints(max_length=320, pattern=MAIL_ADDRESS)] = Field(
        repr=False
    )


class Recipient(ClosedPart):
    """One recipient: a person (PF) or an organisation (PG)."""

    recipient_type: Literal["PF", "PG"] = Field(alias="recipientType")
    tax_id: Annotated[str, StringConstraints(min_length=11, max_length=16, pattern=TAX_ID)] = Field(
        alias="taxId", repr=False
    )
    denomination: Denomination = Field(repr=False)
    digital_domicile: DigitalDomicile | None = Field(None, alias="digitalDomicile", repr=False)
    physical_address: PhysicalAddress | None = Field(None, alias="physicalAddress", repr=False)
    payments: tuple[Payment, ...] = Field((), strict=False)


class Request(Part):
    """A request to notify."""

    pa_protocol_number: Annotated[str, _line(256)] = Field(alias="paProtocolNumber")
    idempotence_token: (
        Annotated[str, StringConstraints(max_length=256, pattern=_PRINTABLE)] | None
    ) = Field(None, alias="idempotenceToken")
    subject: Annotated[str, _line(134)] = Field(repr=False)
    abstract: Annotated[str, _line(1_024)] | None = Field(None, repr=False)
    recipients: tuple[Recipient, ...] = Field(min_length=1, strict=False)
    documents: tuple[Document, ...] = Field(min_length=1, strict=False)
    notification_fee_policy: Literal["FLAT_RATE", "DELIVERY_MODE"] = Field(
        alias="notificationFeePolicy"
    )
    physical_communication_type: Literal["AR_REGISTERED_LETTER", "REGISTERED_LETTER_890"] = Field(
        alias="physicalCommunicationType"
    )
    sender_denomination: Denomination = Field(alias="senderDenomination")
    sender_tax_id: Digits11 = Field(alias="senderTaxId")
    taxonomy_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}[A-Z]$")] = Field(
        alias="taxonomyCode"
    )
    group: (
        Annotated[str, StringConstraints(max_length=GROUP_CHARACTERS_MAX, pattern=_PRINTABLE)]
        | None
    ) = None
    cancelled_iun: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]-[0-9]$",
            ),
        ]
        | None
    ) = Field(None, alias="cancelledIun")
    amount: Annotated[int, Field(ge=-_INT32, lt=_INT32)] | None = None
    payment_expiration_date: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[0-9]{4}-(?:1[0-2]|0[1-9])-(?:3[01]|[12][0-9]|0[1-9])$"),
        ]
        | None
    ) = Field(None, alias="paymentExpirationDate")
    pa_fee: Percent | None = Field(None, alias="paFee")
    vat: Percent | None = None
    pago_pa_int_mode: Literal["NONE", "SYNC", "ASYNC"] | None = Field(None, alias="pagoPaIntMode")
    additional_languages: tuple[str, ...] = Field((), alias="additionalLanguages", strict=False)
    physical_communication_priority: Percent = Field(0, alias="physicalCommunicationPriority")

    def integration(self) -> str:
        """Return how SEND is to ask pagoPA for costs: as given, or as SEND assumes."""
        paid = any(recipient.payments for recipient in self.recipients)
        assumed = "SYNC" if paid and self.notification_fee_policy == "DELIVERY_MODE" else "NONE"
        return self.pago_pa_int_mode or assumed


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON holds any value
    """Return `value` without the members that are null; an item of a list stays what it is."""
    # Of json.loads: asking whether it is a Mapping would take three times as long.
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return value
