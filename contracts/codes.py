"""Give every way a callback can fail, and everything a person should look at, one stable name.

A code is a header, a metric label, a heading of docs/RUNBOOK.md and a folder of test vectors, so it
never changes its meaning. The sentence beside it is what the runbook and the command line show.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A closed set of names, each with one sentence that says what happened."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        """Make a member whose string value is the code and which carries its sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


class RefusalCode(Code):
    """Why the ingress answered an error: the request was not stored, and the caller knows it."""

    PATH_UNKNOWN = "path_unknown", "No endpoint has this path."
    METHOD_FORBIDDEN = (
        "method_forbidden",
        "The endpoint takes another method; the Allow header names it.",
    )
    HEADERS_TOO_MANY = "headers_too_many", "The request has more header fields than the limit."
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported", "The endpoint does not take this media type."
    ENCODING_UNSUPPORTED = "encoding_unsupported", "The body has a Content-Encoding; none is taken."
    BODY_TOO_LARGE = "body_too_large", "The body is larger than the endpoint's limit."
    BODY_TOO_SLOW = "body_too_slow", "The body did not arrive within the time to read."
    BODY_INCOMPLETE = "body_incomplete", "The connection ended or broke before the body was whole."
    CREDENTIALS_MISSING = (
        "credentials_missing",
        "A header that the endpoint authenticates by is absent.",
    )
    CREDENTIALS_AMBIGUOUS = (
        "credentials_ambiguous",
        "A header that the endpoint authenticates by came twice.",
    )
    CREDENTIALS_WRONG = (
        "credentials_wrong",
        "The API key or the message authentication code is wrong.",
    )
    EDGE_UNTRUSTED = (
        "edge_untrusted",
        "A header that only the trusted edge may set came from another address.",
    )
    HEADER_FORBIDDEN = (
        "header_forbidden",
        "The request has a header that this provider's callbacks must not carry.",
    )
    TIMESTAMP_MALFORMED = "timestamp_malformed", "The signed timestamp is not in the agreed format."
    ENDPOINT_FULL = (
        "endpoint_full",
        "This endpoint has as many callbacks or bytes waiting as it may.",
    )
    INGRESS_FULL = (
        "ingress_full",
        "All endpoints together have as many callbacks or bytes waiting as they may.",
    )
    KAFKA_UNAVAILABLE = "kafka_unavailable", "Kafka did not confirm the record in time."
    DRAINING = "draining", "The process is shutting down and takes no new callback."
    REQUEST_MALFORMED = "request_malformed", "What came is not HTTP as its standard has it."
    UNFORESEEN = (
        "unforeseen",
        "Handling the request failed in a way nobody foresaw; the answer was 503, not 500.",
    )


class RejectionCode(Code):
    """Why a stored record became a dead letter, to be replayed once the cause is gone."""

    RECORD_MALFORMED = (
        "record_malformed",
        "The raw record lacks a header that the ingress always writes.",
    )
    ENDPOINT_UNKNOWN = (
        "endpoint_unknown",
        "No endpoint of this provider has the name in the record.",
    )
    PRINCIPAL_MISSING = (
        "principal_missing",
        "The record does not say which credential authenticated it.",
    )
    KEY_UNKNOWN = (
        "key_unknown",
        "No key of the endpoint's key ring was valid when the callback was received.",
    )
    SIGNATURE_MISSING = "signature_missing", "The signature header is absent."
    SIGNATURE_MISMATCH = (
        "signature_mismatch",
        "No valid key reproduces the signature over these bytes.",
    )
    SIGNATURE_MALFORMED = (
        "signature_malformed",
        "The signature cannot be read: not base64, not the standard's structure, junk in a value.",
    )
    SIGNATURE_MISPLACED = (
        "signature_misplaced",
        "The signature stands elsewhere, or covers something else, than the document it must sign.",
    )
    SIGNATURE_AMBIGUOUS = (
        "signature_ambiguous",
        "More than one signature, or one id twice: two readers could take different ones.",
    )
    ALGORITHM_FORBIDDEN = (
        "algorithm_forbidden",
        "The signature names an algorithm that the endpoint does not allow.",
    )
    CERTIFICATE_MISSING = "certificate_missing", "The callback brings no certificate to prove by."
    CERTIFICATE_MALFORMED = "certificate_malformed", "The certificate or its chain cannot be read."
    CERTIFICATE_UNTRUSTED = (
        "certificate_untrusted",
        "No chain leads from the certificate to a pinned root, and it is not pinned itself.",
    )
    CERTIFICATE_CHAIN_INVALID = (
        "certificate_chain_invalid",
        "A certificate of the chain may not issue, or the chain is longer than it allows.",
    )
    CERTIFICATE_NOT_YET_VALID = (
        "certificate_not_yet_valid",
        "A certificate was not valid yet when the callback was received.",
    )
    CERTIFICATE_EXPIRED = (
        "certificate_expired",
        "A certificate was no longer valid when the callback was received.",
    )
    CERTIFICATE_PROFILE_INVALID = (
        "certificate_profile_invalid",
        "The certificate is not one to sign callbacks with: a CA's, or without that key usage.",
    )
    CERTIFICATE_REVOKED = "certificate_revoked", "A revocation list names the certificate."
    CERTIFICATE_STATUS_UNKNOWN = (
        "certificate_status_unknown",
        "No current revocation list covers the certificate, and the endpoint demands one.",
    )
    SIGNER_UNKNOWN = (
        "signer_unknown",
        "The certificate belongs to no service provider of the endpoint's registry.",
    )
    SIGNER_MISMATCH = (
        "signer_mismatch",
        "The party that the message names is not the one that proved who it is.",
    )
    PATH_TOKEN_MISMATCH = (
        "path_token_mismatch",
        "The path was made for another transaction than the body names.",
    )
    TOKEN_MALFORMED = (
        "token_malformed",
        "A token is not a compact JWS of strict base64url and JSON.",
    )
    TOKEN_HEADER_FORBIDDEN = (
        "token_header_forbidden",
        "A token's header names its own key, or something critical that is not understood.",
    )
    TOKEN_TYPE_WRONG = "token_type_wrong", "A token's typ is none that the endpoint takes."
    TOKEN_KEY_UNKNOWN = (
        "token_key_unknown",
        "The issuer's key set has no such key, and was read after the callback came.",
    )
    TOKEN_ISSUER_UNKNOWN = "token_issuer_unknown", "The endpoint trusts no issuer of this name."
    TOKEN_KEY_SOURCE_WRONG = (
        "token_key_source_wrong",
        "A token names another jwks_uri than the one pinned for its issuer.",
    )
    TOKEN_AUDIENCE_WRONG = "token_audience_wrong", "A token is meant for somebody else."
    TOKEN_EXPIRED = "token_expired", "A token had expired when the callback was received."
    TOKEN_NOT_YET_VALID = (
        "token_not_yet_valid",
        "A token was issued, or becomes valid, after the callback was received.",
    )
    TOKEN_TOO_OLD = "token_too_old", "A token was issued longer ago than the endpoint takes."
    TOKEN_CLAIM_MISSING = (
        "token_claim_missing",
        "A token lacks a claim that must be there, or has it in the wrong shape.",
    )
    PRESENTATION_MISSING = (
        "presentation_missing",
        "A token has no vp_token, and the endpoint demands one.",
    )
    PRESENTATION_MALFORMED = (
        "presentation_malformed",
        "A presentation is neither an SD-JWT nor an mdoc as their standards have them.",
    )
    PRESENTATION_UNTRUSTED = (
        "presentation_untrusted",
        "No trusted issuer vouches for a presentation, or its issuer's signature is wrong.",
    )
    PRESENTATION_TYPE_WRONG = (
        "presentation_type_wrong",
        "A presentation is of a credential type that the endpoint does not take.",
    )
    PRESENTATION_DISCLOSURE_INVALID = (
        "presentation_disclosure_invalid",
        "A disclosed claim is not covered by the issuer's signature, or is covered twice.",
    )
    PRESENTATION_CLAIM_MISSING = (
        "presentation_claim_missing",
        "A presentation lacks a claim that must be there, or has it in the wrong shape.",
    )
    PRESENTATION_EXPIRED = (
        "presentation_expired",
        "A presented credential had expired when the callback was received.",
    )
    PRESENTATION_NOT_YET_VALID = (
        "presentation_not_yet_valid",
        "A presented credential was not valid yet when the callback was received.",
    )
    PRESENTATION_BINDING_MISSING = (
        "presentation_binding_missing",
        "A presentation does not prove its holder, and the endpoint demands it.",
    )
    PRESENTATION_BINDING_INVALID = (
        "presentation_binding_invalid",
        "A presentation's proof of its holder is wrong, old, or made for another.",
    )
    TIMESTAMP_MALFORMED = "timestamp_malformed", "The signed timestamp is not in the agreed format."
    TIMESTAMP_OUTSIDE_TOLERANCE = (
        "timestamp_outside_tolerance",
        "The signed timestamp is further from the time of receipt than the tolerance allows.",
    )
    BODY_TOO_LARGE = (
        "body_too_large",
        "The body is larger than the verifier decodes, or than could be stored.",
    )
    ENCODING_INVALID = "encoding_invalid", "The body is not UTF-8."
    JSON_INVALID = "json_invalid", "The body is not JSON, or holds text that is not Unicode."
    JSON_DUPLICATE_KEY = "json_duplicate_key", "An object of the body has one name twice."
    JSON_NUMBER_FORBIDDEN = (
        "json_number_forbidden",
        "The body has NaN, Infinity or an integer of absurd length.",
    )
    JSON_TOO_DEEP = "json_too_deep", "The body is nested deeper than the limit."
    XML_INVALID = "xml_invalid", "The document is not well-formed XML in UTF-8."
    XML_FORBIDDEN = (
        "xml_forbidden",
        "The document has a DTD, an entity, or a processing instruction; none is taken.",
    )
    XML_TOO_DEEP = (
        "xml_too_deep",
        "The document is nested deeper, or has more parts, than the limit.",
    )
    DOCUMENT_UNKNOWN = (
        "document_unknown",
        "The document is no message that this provider's callbacks carry.",
    )
    PAYLOAD_INVALID = (
        "payload_invalid",
        "A field that a decision needs is absent or has the wrong shape.",
    )
    PAYLOAD_CONTRADICTORY = (
        "payload_contradictory",
        "Two fields of one payload say different things.",
    )
    UPDATE_MALFORMED = (
        "update_malformed",
        "A record of the verified topic is not a verified update.",
    )
    POISONED = (
        "poisoned",
        "Processing this record fails in a way nobody foresaw, or ends the process.",
    )


class AnomalyCode(Code):
    """What a person should look at although every record was processed."""

    LATE = "late", "A stronger fact came after the transaction was final, and replaced its status."
    CONFLICT = (
        "conflict",
        "A callback contradicts what the provider said before; the earlier status stands.",
    )
    UNSOLICITED = "unsolicited", "A callback names a transaction that nobody announced."
    OVERDUE = "overdue", "No final callback came before the transaction's deadline."
    UNKNOWN_STATUS = (
        "unknown_status",
        "The provider said something that its lifecycle table does not know.",
    )
    TERMS_BROKEN = (
        "terms_broken",
        "A callback does not keep to what was registered for its transaction; nothing moved.",
    )
    ID_REUSED = (
        "id_reused",
        "An id that must be used once came again for something else.",
    )
    SIGNER_CHANGED = (
        "signer_changed",
        "A transaction is another signer's, registered or the first to speak of it; nothing moved.",
    )
    PROBE = "probe", "The provider sent a test callback; no transaction is concerned."
