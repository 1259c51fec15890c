"""Declare the metrics of intake, streams and every process: a part of the catalogue."""

from typing import Final

from runtime.metric import Kind, Metric

SERVICE_METRICS: Final = (
    Metric(
        "esito_intake_uploads_total",
        Kind.COUNTER,
        "Uploads by what became of them: Stored, or S3's code for an error.",
        ("endpoint", "outcome"),
    ),
    Metric(
        "esito_intake_uploaded_bytes_total",
        Kind.COUNTER,
        "Bytes of the files that were stored.",
        ("endpoint",),
    ),
    Metric("esito_intake_upload_seconds", Kind.HISTOGRAM, "From a slot's proof to a stored file."),
    Metric("esito_intake_open_uploads", Kind.GAUGE, "Uploads under way."),
    Metric(
        "esito_intake_pruned_files_total",
        Kind.COUNTER,
        "Files that the janitor removed.",
        ("endpoint",),
    ),
    Metric(
        "esito_intake_janitor_rounds_total",
        Kind.COUNTER,
        "Rounds of the janitor by outcome: done or missed.",
        ("outcome",),
    ),
    Metric(
        "esito_intake_stalled",
        Kind.GAUGE,
        "1 while requests are answered 503 because of it: database or kafka.",
        ("what",),
    ),
    Metric(
        "esito_streams_delays_total",
        Kind.COUNTER,
        "Batches put off because database or Kafka are away; each is tried again.",
    ),
    Metric(
        "esito_streams_events_total",
        Kind.COUNTER,
        "Status events by outcome: projected, duplicate or unreadable.",
        ("outcome",),
    ),
    Metric(
        "esito_streams_write_seconds", Kind.HISTOGRAM, "One database transaction of the projector."
    ),
    Metric(
        "esito_streams_latency_seconds",
        Kind.HISTOGRAM,
        "From received at the ingress to readable in the database.",
    ),
    Metric(
        "esito_streams_lag_records",
        Kind.GAUGE,
        "Status events not projected yet.",
        ("topic", "partition"),
    ),
    Metric(
        "esito_streams_fenced_total",
        Kind.COUNTER,
        "Batches undone because another projector had gone on.",
    ),
    Metric(
        "esito_streams_requests_total",
        Kind.COUNTER,
        "Requests of readers by operation and HTTP status.",
        ("operation", "status"),
    ),
    Metric(
        "esito_streams_request_seconds",
        Kind.HISTOGRAM,
        "From a request to its answer, long polls and event streams left out.",
        ("operation",),
    ),
    Metric(
        "esito_streams_waiting_readers", Kind.GAUGE, "Long polls and event streams that are open."
    ),
    Metric(
        "esito_streams_purged_total",
        Kind.COUNTER,
        "Rows removed by why: acknowledged, expired, removed or old.",
        ("cause",),
    ),
    Metric(
        "esito_intake_requests_total",
        Kind.COUNTER,
        "Calls of public bodies by operation and HTTP status.",
        ("operation", "status"),
    ),
    Metric(
        "esito_intake_problems_total",
        Kind.COUNTER,
        "Calls answered with an error, by the first code of the answer.",
        ("code",),
    ),
    Metric(
        "esito_intake_request_seconds",
        Kind.HISTOGRAM,
        "From the head of a call to its answer.",
        ("operation",),
    ),
    Metric(
        "esito_intake_confirm_seconds",
        Kind.HISTOGRAM,
        "A batch of requests, from reserved to marked as sent.",
    ),
    Metric(
        "esito_intake_waiting_requests",
        Kind.GAUGE,
        "Requests held until database and Kafka have them.",
    ),
    Metric("esito_intake_waiting_bytes", Kind.GAUGE, "Bytes of these requests."),
    Metric(
        "esito_intake_relayed_total",
        Kind.COUNTER,
        "Requests that a process had left unsent and another process sent.",
    ),
    Metric(
        "esito_intake_removed_total",
        Kind.COUNTER,
        "Bodies of requests removed because their time was over.",
    ),
    Metric(
        "esito_process_configuration_info",
        Kind.GAUGE,
        "1; by which settings the process runs: a digest of each section, see `esito doctor`.",
        ("section", "digest"),
    ),
)
