"""Hold what the dashboard of SEND and the streams asks Prometheus."""

from typing import Final

from ops.generated.dashboard_queries import durations, lines, rates, stat
from ops.generated.dashboards import Dashboard

SEND: Final = Dashboard(
    "send",
    "Esito: SEND and streams",
    (
        stat("Intake stalled", "none", 4, "max(esito_intake_stalled)"),
        stat("Waiting requests", "none", 4, "sum(esito_intake_waiting_requests)"),
        stat("Relayed, 1 h", "none", 4, "sum(increase(esito_intake_relayed_total[1h]))"),
        stat("Streams' lag", "none", 4, "sum(esito_streams_lag_records)"),
        stat("Waiting readers", "none", 4, "sum(esito_streams_waiting_readers)"),
        stat("Open uploads", "none", 4, "sum(esito_intake_open_uploads)"),
        rates("Intake: calls", "esito_intake_requests_total", "operation, status"),
        durations("Intake: answers", "esito_intake_request_seconds", "operation"),
        rates("Intake: problems", "esito_intake_problems_total", "code", nonzero=True),
        durations("Intake: reserved to sent", "esito_intake_confirm_seconds"),
        rates("Uploads", "esito_intake_uploads_total", "outcome", nonzero=True),
        durations("Uploads: time", "esito_intake_upload_seconds"),
        rates("Uploaded bytes", "esito_intake_uploaded_bytes_total", "endpoint"),
        rates("Janitor's rounds", "esito_intake_janitor_rounds_total", "outcome"),
        lines(
            "Held by the intake",
            "none",
            ("sum(esito_intake_waiting_requests)", "requests"),
            ("sum(esito_intake_waiting_bytes)", "bytes"),
        ),
        rates("Lookups", "esito_verifier_lookups_total", "what, outcome"),
        durations("Lookups: time", "esito_verifier_lookup_seconds", "what"),
        rates("Judging processes ended", "esito_verifier_judges_ended_total", "fault"),
        rates("Remote streams: readings", "esito_worker_polls_total", "outcome", nonzero=True),
        rates("Remote streams: elements", "esito_worker_polled_elements_total", "endpoint"),
        lines(
            "Remote streams: not read for",
            "s",
            (
                "time() - max by (endpoint) (esito_worker_polled_timestamp_seconds)",
                "{{endpoint}}",
            ),
        ),
        rates("Streams: events", "esito_streams_events_total", "outcome"),
        durations("Received to readable", "esito_streams_latency_seconds"),
        durations("Streams: one batch", "esito_streams_write_seconds"),
        rates("Readers: requests", "esito_streams_requests_total", "operation, status"),
        durations("Readers: answers", "esito_streams_request_seconds", "operation"),
        rates("Rows removed", "esito_streams_purged_total", "cause"),
        lines("Streams: lag", "none", ("sum by (topic) (esito_streams_lag_records)", "{{topic}}")),
        rates("Streams: put off", "esito_streams_delays_total", "process"),
        rates("Streams: fenced", "esito_streams_fenced_total", "process"),
    ),
)
