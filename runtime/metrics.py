"""Declare every metric with its meaning and its labels: docs/TELEMETRY.md is rendered from here."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from runtime.metric import Kind, Metric
from runtime.service_metrics import SERVICE_METRICS

__all__ = ["CATALOGUE", "Kind", "Metric", "Metrics"]

CATALOGUE: Final = (
    Metric(
        "esito_ingress_callbacks_total",
        Kind.COUNTER,
        "Requests by outcome: accepted, stale, or a refusal code.",
        ("endpoint", "outcome"),
    ),
    Metric(
        "esito_ingress_credentials_total",
        Kind.COUNTER,
        "Which key authenticated how many callbacks.",
        ("endpoint", "credential", "key_id"),
    ),
    Metric(
        "esito_ingress_request_seconds",
        Kind.HISTOGRAM,
        "From a whole head to the answer, whatever it is.",
        ("endpoint",),
    ),
    Metric("esito_ingress_open_requests", Kind.GAUGE, "Requests under way, bodies included."),
    Metric("esito_ingress_confirm_seconds", Kind.HISTOGRAM, "From enqueued to confirmed by Kafka."),
    Metric(
        "esito_ingress_waiting_bytes",
        Kind.GAUGE,
        "Bodies, and what is kept of heads, held until Kafka confirms them.",
        ("endpoint",),
    ),
    Metric(
        "esito_ingress_waiting_callbacks",
        Kind.GAUGE,
        "Callbacks held until Kafka confirms.",
        ("endpoint",),
    ),
    Metric(
        "esito_ingress_topics_stalled",
        Kind.GAUGE,
        "Raw topics for which callbacks are answered 503: Kafka is away or too slow.",
    ),
    Metric(
        "esito_verifier_proofs_total",
        Kind.COUNTER,
        "Verified callbacks by the scheme and the key that proved them.",
        ("endpoint", "scheme", "key_id"),
    ),
    Metric(
        "esito_verifier_findings_total",
        Kind.COUNTER,
        "Departures from the provider's standard in callbacks that could be processed.",
        ("endpoint", "code"),
    ),
    Metric(
        "esito_verifier_lookups_total",
        Kind.COUNTER,
        "Files (pdf, json) and addresses looked up for requests, by what was found.",
        ("endpoint", "what", "outcome"),
    ),
    Metric(
        "esito_verifier_lookup_seconds",
        Kind.HISTOGRAM,
        "To look up one file or address, waiting for a process included.",
        ("what",),
    ),
    Metric(
        "esito_verifier_judges_ended_total",
        Kind.COUNTER,
        "Processes that a file brought to their end: too_slow, too_much_memory or broken.",
        ("fault",),
    ),
    Metric(
        "esito_keys_refreshes_total",
        Kind.COUNTER,
        "Readings of an issuer's key set by outcome.",
        ("issuer", "outcome"),
    ),
    Metric(
        "esito_keys_reloads_total",
        Kind.COUNTER,
        "Changed secret files by outcome: taken or refused.",
        ("endpoint", "outcome"),
    ),
    Metric("esito_keys_refused", Kind.GAUGE, "1 while a changed file is refused.", ("endpoint",)),
    Metric(
        "esito_keys_expiry_timestamp_seconds",
        Kind.GAUGE,
        "When a key stops being valid, in seconds since 1970; +Inf: never.",
        ("endpoint", "credential", "key_id"),
    ),
    Metric(
        "esito_keys_trust_expiry_timestamp_seconds",
        Kind.GAUGE,
        "When the first trusted certificate ends, or a revocation list is due, in seconds since "
        "1970; by kind: root, intermediate, pinned, crl, credential_root.",
        ("endpoint", "kind"),
    ),
    Metric(
        "esito_keys_set_expiry_timestamp_seconds",
        Kind.GAUGE,
        "When an issuer's key set, not read anew, is too old to be used, in seconds since 1970.",
        ("issuer",),
    ),
    Metric(
        "esito_worker_records_total",
        Kind.COUNTER,
        "Consumed records by outcome: processed or rejected.",
        ("topic", "outcome"),
    ),
    Metric(
        "esito_worker_rejections_total", Kind.COUNTER, "Dead letters by code.", ("topic", "code")
    ),
    Metric(
        "esito_worker_kafka_transactions_total",
        Kind.COUNTER,
        "Kafka transactions by outcome: committed, fenced, or aborted for another reason.",
        ("topic", "outcome"),
    ),
    Metric(
        "esito_worker_kafka_transaction_seconds",
        Kind.HISTOGRAM,
        "From begun to committed.",
        ("topic",),
    ),
    Metric("esito_worker_partitions", Kind.GAUGE, "Partitions taken over.", ("topic",)),
    Metric(
        "esito_worker_topic_partitions",
        Kind.GAUGE,
        "Partitions that the topic has, so many must be owned by all processes together.",
        ("topic",),
    ),
    Metric(
        "esito_worker_delays_total",
        Kind.COUNTER,
        "Attempts that ended because something is away; each is made again.",
        ("topic",),
    ),
    Metric(
        "esito_worker_fenced_total", Kind.COUNTER, "Partitions lost to another process.", ("topic",)
    ),
    Metric(
        "esito_worker_missed_records_total", Kind.COUNTER, "Records deleted unread.", ("topic",)
    ),
    Metric(
        "esito_worker_lag_records", Kind.GAUGE, "Records not processed yet.", ("topic", "partition")
    ),
    Metric(
        "esito_worker_breaker_open",
        Kind.GAUGE,
        "1 while consuming is stopped by rejections.",
        ("topic",),
    ),
    Metric(
        "esito_worker_take_over_seconds",
        Kind.HISTOGRAM,
        "To fence, position and restore a partition.",
        ("topic",),
    ),
    Metric(
        "esito_worker_polls_total",
        Kind.COUNTER,
        "Readings of a remote stream by outcome: read, empty, or why not.",
        ("endpoint", "outcome"),
    ),
    Metric(
        "esito_worker_polled_elements_total",
        Kind.COUNTER,
        "Elements of a remote stream that Kafka has confirmed.",
        ("endpoint",),
    ),
    Metric(
        "esito_worker_polled_timestamp_seconds",
        Kind.GAUGE,
        "When a remote stream was last read and stored, in seconds since 1970.",
        ("endpoint",),
    ),
    Metric(
        "esito_state_decisions_total", Kind.COUNTER, "Updates by decision.", ("provider", "outcome")
    ),
    Metric("esito_state_anomalies_total", Kind.COUNTER, "Anomalies by code.", ("provider", "code")),
    Metric(
        "esito_state_status_events_total",
        Kind.COUNTER,
        "Status events by status.",
        ("provider", "status"),
    ),
    Metric(
        "esito_state_latency_seconds",
        Kind.HISTOGRAM,
        "From received at the ingress to a committed status event.",
        ("provider",),
    ),
    Metric(
        "esito_state_unverified_seconds",
        Kind.GAUGE,
        "How long ago the time was up to which all that was received has been verified.",
        ("topic",),
    ),
    Metric(
        "esito_state_transactions",
        Kind.GAUGE,
        "Transactions held in memory.",
        ("provider", "partition"),
    ),
    Metric(
        "esito_state_overdue_transactions",
        Kind.GAUGE,
        "Transactions past their deadline and still without a final status.",
        ("provider", "partition"),
    ),
    *SERVICE_METRICS,
)

_BUCKETS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    300,
)


_BY_NAME: Final = {one.name: one for one in CATALOGUE}


class Metrics:
    """The metrics of one process, by name; a name outside the catalogue is a KeyError.

    A process shows what it has asked for, and not the zeros of all the others. Ask for a counter's
    children before the first event: `increase()` does not see a series come.
    """

    def __init__(self) -> None:
        """Begin with the metrics of the operating system's process alone."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}

    def counter(self, name: str, *labels: object) -> Counter:
        """Return the counter with these label values; keep the result where it is used often."""
        metric = self._counters.get(name)
        if metric is None:
            one = _declared(name, Kind.COUNTER)
            metric = Counter(name, one.meaning, one.labels, registry=self.registry)
            self._counters[name] = metric
        return metric.labels(*map(str, labels)) if labels else metric

    def gauge(self, name: str, *labels: object) -> Gauge:
        """Return the gauge with these label values."""
        metric = self._gauges.get(name)
        if metric is None:
            one = _declared(name, Kind.GAUGE)
            metric = self._gauges[name] = Gauge(
                name, one.meaning, one.labels, registry=self.registry
            )
        return metric.labels(*map(str, labels)) if labels else metric

    def histogram(self, name: str, *labels: object) -> Histogram:
        """Return the histogram with these label values."""
        metric = self._histograms.get(name)
        if metric is None:
            one = _declared(name, Kind.HISTOGRAM)
            metric = self._histograms[name] = Histogram(
                name, one.meaning, one.labels, registry=self.registry, buckets=_BUCKETS
            )
        return metric.labels(*map(str, labels)) if labels else metric

    def forget_gauge(self, name: str, *labels: object) -> None:
        """Show a gauge no more: what it was about is another process's now."""
        if name in self._gauges:
            self._gauges[name].remove(*map(str, labels))


def _declared(name: str, kind: Kind) -> Metric:
    one = _BY_NAME[name]
    if one.kind is not kind:
        raise KeyError(name)
    return one
