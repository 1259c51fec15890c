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
    TIMESTAMP_MALFORMED = "timestamp_malformed", "The signed timestamp is not in the agreed format."
    TIMESTAMP_OUTSIDE_TOLERANCE = (
        "timestamp_outside_tolerance",
        "The signed timestamp is further from the time of receipt than the tolerance allows.",
    )
    BODY_TOO_LARGE = "body_too_large", "The body is larger than the verifier decodes."
    ENCODING_INVALID = "encoding_invalid", "The body is not UTF-8."
    JSON_INVALID = "json_invalid", "The body is not JSON, or holds text that is not Unicode."
    JSON_DUPLICATE_KEY = "json_duplicate_key", "An object of the body has one name twice."
    JSON_NUMBER_FORBIDDEN = (
        "json_number_forbidden",
        "The body has NaN, Infinity or an integer of absurd length.",
    )
    JSON_TOO_DEEP = "json_too_deep", "The body is nested deeper than the limit."
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
    PROBE = "probe", "The provider sent a test callback; no transaction is concerned."
