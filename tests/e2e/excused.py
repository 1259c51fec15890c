"""Say which values of a body are meant to be seen outside the raw topic, and why; and which never.

A value is named by its provider and the last two names it stands under (`tests.e2e.leaves`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

EXCUSED: Final[Mapping[str, tuple[str, ...]]] = {
    "the transaction's id: part of every key, and of the URI that a wallet calls": (
        "pivot data.id",
        "pivot chargeDetails.id",
        "uaepass body.spTransactionID",
        "srtp OrgnlGrpInfAndSts.OrgnlMsgId",
        "srtp OrgnlGrpInf.OrgnlMsgId",
        "wallet body.transaction_id",  # a keyed digest of the state
        "send body.notificationRequestId",  # made by the intake from nothing that was sent
        "send elements.notificationRequestId",
    ),
    "a reference: status events name it (the provider's file in contracts/providers)": (
        "pivot data.clientReferenceId",
        "uaepass body.uaePassTransactionID",
        "srtp GrpHdr.MsgId",
        "srtp Assgnmt.Id",
        "srtp TxInfAndSts.OrgnlInstrId",
        "srtp TxInfAndSts.OrgnlEndToEndId",
        "srtp TxInfAndSts.StsId",
        "srtp TxInfAndSts.CxlStsId",
        "srtp OrgnlGrpInfAndSts.OrgnlMsgNmId",
        "srtp OrgnlGrpInf.OrgnlMsgNmId",
        "wallet token.verification_id",
        "wallet pid.iss",  # who issued the credential, of which kind: evidence, decision 20
        "wallet pid.vct",
        "send body.iun",  # made by us from a number: it tells nothing of the notification
        "send elements.iun",
        "send element.elementId",  # what happened, to which recipient by number
        "send legalFactsIds.key",  # the name of a file that the delivery system keeps
    ),
    "the status, in the provider's words": (
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
    "the amount: status events carry it": ("pivot amount.value",),
    "when it happened, by the provider's clock: status events carry it": (
        "pivot data.updatedAt",
        "pivot chargeDetails.updatedAt",
        "srtp GrpHdr.CreDtTm",
        "srtp Assgnmt.CreDtTm",
        "srtp TxInfAndSts.DbtrDcsnDtTm",
        "send element.timestamp",
        "send element.eventTimestamp",
    ),
    "who vouches for it: the proof and the references name bank, issuer, key and algorithm": (
        "srtp OrgId.AnyBIC",
        "srtp FinInstnId.BICFI",
        "wallet token.iss",
        "wallet token.kid",
        "wallet token.alg",
        "wallet pid.alg",
        "wallet jwk.alg",
    ),
    "a certificate: public, and evidence that the headers of the raw record keep": (
        "srtp X509Data.X509Certificate",
    ),
    "a whole document: taken apart, and each value in it is looked for": (
        "srtp AsynchronousSepaRequestToPayResponse.Document",
    ),
    "a word of ours as well, in metrics, codes or terms": (
        "pivot binInformations.issuingBank",  # UNKNOWN
        "srtp body.resourceId",  # answer
        "wallet body.interaction",  # verification, issuance
        "wallet token.aud",  # esito
        "srtp LclInstrm.Prtry",  # PAGOPA
        "send body.pagoPaIntMode",  # ASYNC
        "send metadataAttachment.contentType",  # application/json
    ),
}

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
    "send ref.key",
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
    for names in EXCUSED.values():
        yield from names
