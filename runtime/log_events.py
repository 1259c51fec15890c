"""Name every log event and every field of one, with its meaning; docs/TELEMETRY.md shows them.

A field that is not in this catalogue is written as `[redacted]`, so personal data cannot reach a
log by somebody adding a field in haste.
"""

from typing import Final

from contracts.codes import Code


class LogEvent(Code):
    """`<noun>.<past verb>`, logged once where the fact is known."""

    PROCESS_STARTED = "process.started", "The process is configured and begins its work."
    PROCESS_STOPPED = "process.stopped", "The process has finished what it had begun and ends."
    PROCESS_FAILED = (
        "process.failed",
        "The process ends because it cannot do its work; a person must act.",
    )
    PROCESS_LISTENING = "process.listening", "The process takes requests at this address."
    MANAGEMENT_LISTENING = (
        "management.listening",
        "The process serves /healthz, /readyz and /metrics at this address.",
    )
    KEYS_TAKEN = "keys.taken", "A changed secret file was read and is in use."
    KEYS_REFUSED = "keys.refused", "A changed secret file is broken; the former keys stay in use."
    KEYS_FETCHED = "keys.fetched", "An issuer's key set was read and differs from before."
    KEYS_MISSED = (
        "keys.missed",
        "An issuer's key set could not be read; the former one stays in use for a while.",
    )
    WATCH_FAILED = (
        "watch.failed",
        "What is done again and again beside the work is done no more; the process ends.",
    )
    CALLBACKS_REFUSED = (
        "callbacks.refused",
        "Requests were answered with an error; counted since the last such line.",
    )
    CALLBACK_FAILED = (
        "callback.failed",
        "Handling a request failed in a way nobody foresaw; it was answered 503 (streams: 500).",
    )
    KAFKA_STALLED = "kafka.stalled", "Kafka confirms nothing in time; callbacks are answered 503."
    KAFKA_RECOVERED = "kafka.recovered", "Kafka confirms again."
    ACCESS_REFUSED = (
        "access.refused",
        "Kafka refuses what this process must do; its user lacks a right that `reason` names.",
    )
    DATABASE_STALLED = (
        "database.stalled",
        "The database does not answer, or lacks what the streams make; requests are answered 503.",
    )
    DATABASE_RECOVERED = "database.recovered", "The database answers again."
    REQUESTS_RELAYED = (
        "requests.relayed",
        "Requests that a process had left unsent are in Kafka now.",
    )
    PARTITION_TAKEN = (
        "partition.taken",
        "A partition was taken over: former owner fenced, state restored.",
    )
    PARTITION_RELEASED = "partition.released", "A partition was given back; its state is dropped."
    PARTITION_FENCED = (
        "partition.fenced",
        "Another process owns the partition now; the work at hand was dropped.",
    )
    PARTITION_ISOLATED = (
        "partition.isolated",
        "The process died here before; records are taken one by one.",
    )
    RECORDS_MISSED = (
        "records.missed",
        "Kafka has deleted records before they were processed, from `offset` to before `end`.",
    )
    OFFSET_MISSED = (
        "offset.missed",
        "The group has no offset for a partition with records; they are read from the first on.",
    )
    OFFSET_REFUSED = (
        "offset.refused",
        "A partition ends before the group's offset: it was made anew, and nothing of it is read.",
    )
    RECORD_REJECTED = "record.rejected", "A record became a dead letter."
    RECORD_POISONED = (
        "record.poisoned",
        "A record failed in an unforeseen way and became a dead letter.",
    )
    ALARM_DISMISSED = (
        "alarm.dismissed",
        "An alarm cannot ring: silent until the next update, and what was held is dead letters.",
    )
    ANOMALY_NOTICED = "anomaly.noticed", "A transaction shows something a person should look at."
    BATCH_DELAYED = (
        "batch.delayed",
        "Something is away; the Kafka transaction was aborted and is tried again.",
    )
    BREAKER_OPENED = (
        "breaker.opened",
        "Too many rejections: consuming stopped, nothing was rejected by this batch.",
    )
    BREAKER_CLOSED = (
        "breaker.closed",
        "The rejection ratio is back under its bound; consuming goes on.",
    )
    MEMBERSHIP_RENEWED = (
        "membership.renewed",
        "The worker left its consumer group and joins it anew.",
    )
    EVENT_UNREADABLE = (
        "event.unreadable",
        "A record of a status topic is no status event; the streams do without it.",
    )
    EVENTS_MISSED = (
        "events.missed",
        "Kafka has deleted status events before they were projected; the streams do without them.",
    )
    UPLOAD_FAILED = (
        "upload.failed",
        "The object store did not take a file; its sender was answered 503.",
    )
    ATTACHMENTS_MISSED = (
        "attachments.missed",
        "The janitor could not do its round; it tries again at the next one.",
    )
    ATTACHMENTS_PRUNED = "attachments.pruned", "Files that nobody needs any more were removed."
    STREAM_MISSED = (
        "stream.missed",
        "A remote stream could not be read or stored; it is tried again, and nothing is lost.",
    )
    STREAM_RECOVERED = "stream.recovered", "A remote stream is read and stored again."
    LIBRARY_SPOKE = "library.spoke", "A library logged a line; `logger` says which."


FIELDS: Final = {
    "event": "The event's name.",
    "level": "info, warning or error.",
    "timestamp": "When the line was written, RFC 3339 in UTC.",
    "process": "ingress, intake, verifier, state-machine, streams or poller.",
    "provider": "The provider's name.",
    "endpoint": "The endpoint's name.",
    "code": "A stable code; docs/RUNBOOK.md has a heading for each.",
    "count": "How many.",
    "topic": "A topic's name.",
    "partition": "A partition's number.",
    "offset": "A record's offset.",
    "end": "The offset before which a range of records ends.",
    "group": "A consumer group's name.",
    "exception": "The class of an exception, never its text.",
    "stack": "Our own frames of an exception: file, line, function.",
    "seconds": "A duration.",
    "records": "How many records.",
    "ratio": "A share between 0 and 1.",
    "deaths": "How many times a process died at this offset.",
    "issuer": "The configured name of an issuer of tokens.",
    "watch": "What was read again and again: secrets, certificates, key sets.",
    "reason": "Why, in our own words.",
    "address": "The address the process listens on.",
    "version": "Esito's version.",
    "logger": "The name of a library's logger.",
    "text": "What the library said.",
}
