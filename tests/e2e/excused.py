"""Say which values of a body are meant to be seen outside it, where and why; and which never.

A value is named by its provider and the last two names it stands under (`tests.e2e.leaves`), a
place as in `tests.e2e.places`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# What is made of a body for its readers: updates, status events, anomalies, snapshots.
EVENTS: Final = frozenset(
    {
        *(f"values, {role}" for role in ("verified", "status", "anomalies", "state")),
        "rows, streams.events.event",
        "rows, streams.transactions.event",
        "answers' bodies, streams",
        "records, elsewhere",
    }
)
# What a transaction is found by.
KEYS: Final = frozenset(
    {
        *(f"keys, {role}" for role in ("raw", "verified", "status", "anomalies", "state")),
        *(f"headers, {role}" for role in ("raw", "rejected", "status", "anomalies")),
        *(f"rows, streams.{table}.transaction_id" for table in ("events", "transactions")),
        *(f"rows, intake.{table}.request_id" for table in ("reservations", "named_files")),
        "rows, intake.requests.id",
        "statistics of PostgreSQL",
    }
)
_CERTIFICATES: Final = frozenset({"headers, raw", "headers, rejected"})
_FILES: Final = frozenset(
    {
        "rows, intake.named_files.key",
        "names in the object store",
        "statistics of PostgreSQL",
    }
)
_TIMES: Final = frozenset({"headers, raw", "headers, rejected", "headers, anomalies"})
_NOTIFICATIONS: Final = frozenset(
    {"rows, streams.transactions.iun", "answers' heads, intake"}  # the name of a file to be saved
)
_SENDERS: Final = frozenset({"rows, streams.transactions.sender", "statistics of PostgreSQL"})


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why values of these names may be seen, and in which places; None: in all."""

    reason: str
    where: frozenset[str] | None
    names: tuple[str, ...]


EXCUSED: Final = (
    Excuse(
        "the transaction's id: part of every key, and of the URI that a wallet calls",
        EVENTS | KEYS,
        (
            "pivot data.id",
            "pivot chargeDetails.id",
            "uaepass body.spTransactionID",
            "srtp OrgnlGrpInfAndSts.OrgnlMsgId",
            "srtp OrgnlGrpInf.OrgnlMsgId",
            "srtp TxInfAndSts.OrgnlInstrId",  # of several transactions in one message
            "srtp TxInfAndSts.OrgnlEndToEndId",
            "wallet body.transaction_id",  # a keyed digest of the state
            "send body.notificationRequestId",  # made by the intake from nothing that was sent
            "send elements.notificationRequestId",
        ),
    ),
    Excuse(
        "a reference: status events name it (the provider's file in contracts/providers)",
        EVENTS,
        (
            "pivot data.clientReferenceId",
            "uaepass body.uaePassTransactionID",
            "srtp GrpHdr.MsgId",
            "srtp Assgnmt.Id",
            "srtp TxInfAndSts.StsId",
            "srtp TxInfAndSts.CxlStsId",
            "srtp OrgnlGrpInfAndSts.OrgnlMsgNmId",
            "srtp OrgnlGrpInf.OrgnlMsgNmId",
            "wallet token.verification_id",
            "wallet pid.iss",  # who issued the credential, of which kind: evidence, decision 20
            "wallet pid.vct",
            "send legalFactsIds.key",  # the name of a file that the delivery system keeps
        ),
    ),
    Excuse(
        "the notification's number, made by us from nothing that was sent, and what is named by it",
        EVENTS | KEYS | _NOTIFICATIONS,
        (
            "send body.iun",
            "send elements.iun",
            "send element.elementId",  # what happened, to which recipient by number
        ),
    ),
    Excuse(
        "the name of an uploaded file, made by the intake from nothing that was sent",
        _FILES,
        ("send ref.key",),
    ),
    Excuse(
        "the status, in the provider's words",
        None,
        (
            "pivot body.event",
            "pivot data.status",
            "pivot chargeDetails.status",
            "uaepass body.status",
            "uaepass body.Status",
            "wallet 1.status",
            "wallet 2.status",
            "wallet 7.status",
            "wallet 12.status",
            "wallet body.status",
            "send element.category",
            "send body.element",  # a vector: a category where an element is due
        ),
    ),
    Excuse(
        "the amount: status events carry it",
        EVENTS,
        ("pivot amount.value",),
    ),
    Excuse(
        "when it happened, by the provider's clock: status events carry it",
        EVENTS | _TIMES,
        (
            "pivot data.updatedAt",
            "pivot chargeDetails.updatedAt",
            "srtp GrpHdr.CreDtTm",
            "srtp Assgnmt.CreDtTm",
            "srtp TxInfAndSts.DbtrDcsnDtTm",
            "send element.timestamp",
            "send element.eventTimestamp",
        ),
    ),
    Excuse(
        "which bank it is: the proof and the references name it",
        EVENTS | _SENDERS,
        (
            "srtp OrgId.AnyBIC",
            "srtp FinInstnId.BICFI",
        ),
    ),
    Excuse(
        "who vouches for it: the proof and the metrics name issuer, key and algorithm",
        None,
        (
            "wallet token.iss",
            "wallet token.kid",
            "wallet token.alg",
            "wallet pid.alg",
            "wallet jwk.alg",
        ),
    ),
    Excuse(
        "a certificate: public, and evidence that the headers of the raw record keep",
        _CERTIFICATES,
        ("srtp X509Data.X509Certificate",),
    ),
    Excuse(
        "a whole document: taken apart, and each value in it is looked for",
        None,
        ("srtp AsynchronousSepaRequestToPayResponse.Document",),
    ),
    Excuse(
        "a word of ours as well, in metrics, codes or terms",
        None,
        (
            "pivot binInformations.issuingBank",  # UNKNOWN
            "pivot data.mode",  # REDIRECT
            "srtp body.resourceId",  # answer
            "wallet body.interaction",  # verification, issuance
            "wallet token.aud",  # esito
            "srtp LclInstrm.Prtry",  # PAGOPA
            "send body.pagoPaIntMode",  # ASYNC
            "send metadataAttachment.contentType",  # application/json
            "send documents.contentType",  # application/pdf
            "wallet pid._sd_alg",  # sha-256
        ),
    ),
)

# Never excused, and each of them must occur in what is sent: else the search proves less than it
# says. Names and numbers of people, their accounts, cards and pages; what opens something.
PERSONAL: Final = (
    "pivot customer.givenName",
    "pivot customer.surname",
    "pivot customer.email",
    "pivot phoneNumber.number",
    "pivot data.customerId",
    "pivot channelInformation.accountName",
    "pivot channelInformation.accountNumber",
    "pivot card.first8",
    "pivot card.fingerprint",
    "pivot metadata.invoiceNo",
    "pivot data.paymentUrl",
    "pivot data.encryptionKey",
    "uaepass customer.name",
    "uaepass customer.identifier",
    "srtp Dbtr.Nm",
    "srtp Cdtr.Nm",
    "srtp Orgtr.Nm",
    "srtp Othr.Id",
    "srtp Id.IBAN",
    "srtp RmtInf.Ustrd",
    "wallet presented.birth_date",
    "wallet presented.family_name",
    "wallet disclosure.given_name",
    "wallet disclosure.family_name",
    "wallet disclosure.email",
    "wallet disclosure.phone_number",
    "wallet disclosure",
    "wallet vp_token.pid",
    "wallet 7.token",
    "wallet 12.token",
    "wallet 1.token",
    "wallet body.state",
    "wallet body.code",
    "send body.subject",
    "send body.abstract",
    "send body.paProtocolNumber",
    "send body.idempotenceToken",
    "send body.senderDenomination",
    "send body.senderTaxId",
    "send recipients.denomination",
    "send recipients.taxId",
    "send digitalDomicile.address",
    "send physicalAddress.address",
    "send physicalAddress.municipality",
    "send pagoPa.noticeCode",
    "send pagoPa.creditorTaxId",
    "send digests.sha256",
    "send ref.versionToken",
)

# Of values too short to be looked for: their names must not appear instead.
UNNAMED: Final = (
    "paymentUrl",
    "encryptionKey",
    "first6",
    "last4",
    "fingerprint",
    "invoiceNo",
    "expMonth",
    "expYear",
    "given_name",
    "family_name",
    "birth_date",
    "phone_number",
    "digitalDomicile",
    "physicalAddress",
    "recipientType",
    "taxId",
    "paFee",
)


def excused_names() -> Iterator[str]:
    """Yield the names of all excused values."""
    for excuse in EXCUSED:
        yield from excuse.names
