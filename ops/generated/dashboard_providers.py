"""Hold what the dashboards of all providers and of one provider ask Prometheus."""

from typing import Final

from ops.generated.dashboard_queries import (
    WINDOW,
    durations,
    lines,
    quantile,
    rate,
    rates,
    stat,
    table,
)
from ops.generated.dashboards import Dashboard, Panel, Query

_SLI: Final = "The time from a callback's receipt to its status event: what we promise on."
_BREAKERS: Final = "count(max by (topic) (esito_worker_breaker_open) == 1) or vector(0)"
_ACCEPTED: Final = 'outcome="accepted"'
_REFUSED: Final = 'outcome!="accepted"'
_PROVIDER: Final = 'provider=~"$provider"'
_TOPIC: Final = 'topic=~".*callbacks.($provider)[.].*"'
_ENDPOINT: Final = 'endpoint=~"$endpoint"'

OVERVIEW: Final = Dashboard(
    "overview",
    "Esito: overview",
    (
        stat("Processes", "none", 3, 'sum(up{job="esito"})'),
        stat("Callbacks", "reqps", 3, rate("esito_ingress_callbacks_total")),
        stat("Status events", "cps", 3, rate("esito_state_status_events_total")),
        stat("Slow, of an hour", "percentunit", 4, "max(esito:slow_status_events:ratio1h)"),
        stat("Overdue now", "none", 4, "sum(esito_state_overdue_transactions)"),
        stat("Open breakers", "none", 3, _BREAKERS),
        stat("Dead letters, 1 h", "none", 4, "sum(increase(esito_worker_rejections_total[1h]))"),
        durations("Received to status event", "esito_state_latency_seconds", "provider", "", _SLI),
        rates("Callbacks accepted", "esito_ingress_callbacks_total", "endpoint", _ACCEPTED),
        rates("… and not", "esito_ingress_callbacks_total", "outcome", _REFUSED, nonzero=True),
        lines("Lag", "none", ("sum by (topic) (esito_worker_lag_records)", "{{topic}}")),
        rates("Dead letters", "esito_worker_rejections_total", "code", nonzero=True),
        rates("Anomalies", "esito_state_anomalies_total", "code", nonzero=True),
        lines(
            "Requests under way",
            "none",
            ("sum(esito_ingress_open_requests)", "open"),
            ("sum(esito_ingress_waiting_callbacks)", "waiting for Kafka"),
        ),
        rates("CPU (cores)", "process_cpu_seconds_total", "process, provider", 'job="esito"'),
        lines(
            "Memory",
            "bytes",
            (
                'sum by (process, provider) (process_resident_memory_bytes{job="esito"})',
                "{{process}} {{provider}}",
            ),
        ),
        table(
            "Alerts", "none", 'sum by (alertname, severity) (ALERTS{alertstate="firing"})', width=24
        ),
    ),
)

PROVIDER: Final = Dashboard(
    "provider",
    "Esito: one provider",
    (
        stat("Status events", "cps", 4, rate("esito_state_status_events_total", "", _PROVIDER)),
        stat("p99", "s", 4, quantile(0.99, "esito_state_latency_seconds", "", _PROVIDER)),
        stat("Transactions", "none", 4, f"sum(esito_state_transactions{{{_PROVIDER}}})"),
        stat("Overdue now", "none", 4, f"sum(esito_state_overdue_transactions{{{_PROVIDER}}})"),
        stat("Lag", "none", 4, f"sum(esito_worker_lag_records{{{_TOPIC}}})"),
        stat("Breaker open", "none", 4, f"max(esito_worker_breaker_open{{{_TOPIC}}})"),
        durations(
            "Received to status event", "esito_state_latency_seconds", "provider", _PROVIDER, _SLI
        ),
        Panel(
            "… as a heat map",
            "none",
            (
                Query(
                    f"sum by (le) (increase(esito_state_latency_seconds_bucket{{{_PROVIDER}}}"
                    f"{WINDOW}))",
                    "{{le}}",
                ),
            ),
            "heatmap",
        ),
        rates("Decisions", "esito_state_decisions_total", "outcome", _PROVIDER),
        rates("Status events", "esito_state_status_events_total", "status", _PROVIDER),
        rates("Callbacks", "esito_ingress_callbacks_total", "outcome", _ENDPOINT, nonzero=True),
        durations("Answers", "esito_ingress_request_seconds", "endpoint", _ENDPOINT),
        rates("Credentials", "esito_ingress_credentials_total", "credential, key_id", _ENDPOINT),
        rates("Proofs", "esito_verifier_proofs_total", "scheme, key_id", _ENDPOINT),
        rates("Findings", "esito_verifier_findings_total", "code", _ENDPOINT),
        lines(
            "Lag by partition",
            "none",
            (f"esito_worker_lag_records{{{_TOPIC}}}", "{{topic}} {{partition}}"),
        ),
        rates("Dead letters", "esito_worker_rejections_total", "code", _TOPIC, nonzero=True),
        rates("Anomalies", "esito_state_anomalies_total", "code", _PROVIDER, nonzero=True),
    ),
    (
        ("provider", "esito_state_decisions_total"),
        # What the ingress counts knows no provider.
        ("endpoint", f'esito_keys_refused{{process="verifier", {_PROVIDER}}}'),
    ),
)
