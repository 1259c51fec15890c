"""Hold what the dashboards of keys and of Kafka transactions ask Prometheus."""

from typing import Final

from ops.generated.dashboard_queries import WINDOW, durations, lines, rate, rates, stat, table
from ops.generated.dashboards import Dashboard

_DAYS: Final = "- time()) / 86400"
_TOPIC: Final = 'topic=~"$topic"'
_KEYS: Final = "min by (endpoint, credential, key_id) (esito_keys_expiry_timestamp_seconds)"
_TRUST: Final = "min by (endpoint, kind) (esito_keys_trust_expiry_timestamp_seconds)"
_SETS: Final = "min by (issuer) (esito_keys_set_expiry_timestamp_seconds)"
_COUNTED: Final = "esito_worker_kafka_transactions_total"

KEYS: Final = Dashboard(
    "keys",
    "Esito: keys",
    (
        stat("First key ends in", "d", 8, f"(min(esito_keys_expiry_timestamp_seconds) {_DAYS}"),
        stat(
            "First certificate or list ends in",
            "d",
            8,
            f"(min(esito_keys_trust_expiry_timestamp_seconds) {_DAYS}",
        ),
        stat(
            "First key set is too old in",
            "s",
            8,
            "min(esito_keys_set_expiry_timestamp_seconds) - time()",
        ),
        table("Days until a key ends", "d", f"sort(({_KEYS} {_DAYS})"),
        table("Days until a certificate ends or a list is due", "d", f"sort(({_TRUST} {_DAYS})"),
        lines("Key sets: time left", "s", (f"{_SETS} - time()", "{{issuer}}")),
        rates("Readings of key sets", "esito_keys_refreshes_total", "outcome", nonzero=True),
        rates("Changed files", "esito_keys_reloads_total", "endpoint, outcome"),
        rates("Callers by key", "esito_ingress_credentials_total", "endpoint, key_id"),
        rates("Proofs by key", "esito_verifier_proofs_total", "endpoint, key_id"),
        rates(
            "Refused credentials",
            "esito_ingress_callbacks_total",
            "endpoint, outcome",
            'outcome=~"credentials_.*"',
            nonzero=True,
        ),
    ),
)

KAFKA: Final = Dashboard(
    "kafka",
    "Esito: Kafka transactions",
    (
        stat("Committed", "cps", 4, rate(_COUNTED, "", 'outcome="committed"')),
        stat("Aborted, 1 h", "none", 4, f'sum(increase({_COUNTED}{{outcome="aborted"}}[1h]))'),
        stat("Fenced, 1 h", "none", 4, "sum(increase(esito_worker_fenced_total[1h]))"),
        stat(
            "Partitions without an owner",
            "none",
            4,
            "sum(max by (topic) (esito_worker_topic_partitions)"
            " - sum by (topic) (esito_worker_partitions))",
        ),
        stat("Raw topics stalled", "none", 4, "max(esito_ingress_topics_stalled)"),
        stat("Lag", "none", 4, "sum(esito_worker_lag_records)"),
        rates("Kafka transactions", _COUNTED, "topic, outcome", _TOPIC, nonzero=True),
        durations(
            "From begun to committed", "esito_worker_kafka_transaction_seconds", "topic", _TOPIC
        ),
        lines(
            "Records in a Kafka transaction",
            "none",
            (
                (
                    f"{rate('esito_worker_records_total', 'topic', _TOPIC)}\n"
                    f"/ {rate(_COUNTED, 'topic', _TOPIC)}"
                ),
                "{{topic}}",
            ),
        ),
        rates("Fenced", "esito_worker_fenced_total", "topic", _TOPIC),
        rates("Put off: something is away", "esito_worker_delays_total", "topic", _TOPIC),
        durations("To take a partition over", "esito_worker_take_over_seconds", "topic", _TOPIC),
        lines(
            "Partitions owned, of those there are",
            "none",
            (f"sum by (topic) (esito_worker_partitions{{{_TOPIC}}})", "{{topic}}"),
            (f"max by (topic) (esito_worker_topic_partitions{{{_TOPIC}}})", "{{topic}}: all"),
        ),
        lines(
            "Lag by partition",
            "none",
            (f"esito_worker_lag_records{{{_TOPIC}}}", "{{topic}} {{partition}}"),
        ),
        lines(
            "Lag: change per second",
            "none",
            (
                f"sum by (topic) (deriv(esito_worker_lag_records{{{_TOPIC}}}{WINDOW}))",
                "{{topic}}",
            ),
        ),
        durations("Ingress: confirmed by Kafka", "esito_ingress_confirm_seconds"),
        rates("Records", "esito_worker_records_total", "topic, outcome", _TOPIC),
    ),
    (("topic", "esito_worker_kafka_transactions_total"),),
)
