"""Say how many pods of each process there may be: KEDA's ScaledObjects, or plain autoscalers.

A worker follows the lag of its own topic, up to one pod for each partition: more would sit idle.
What takes requests follows CPU, and the callbacks that wait for Kafka.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.topics import Topics
from ops.local.processes import Program, programs_of
from runtime.configuration import Configuration

Resource = dict[str, Any]

# About two seconds of one process's work (benchmarks/RESULTS.md), of verifiers by provider; a
# request of SEND has files that take a second each.
_LAG_RECORDS: Final = {"srtp": 2_000, "wallet": 5_000, "send": 100}
_LAG_RECORDS_ELSE: Final = 10_000
# A fifth of what one process lets wait before it answers 429 or 503.
_WAITING_CALLBACKS: Final = 1_600
_CPU_PERCENT: Final = 70
# So that a node may go.
_PODS_MIN: Final = 2
_PODS_MAX: Final = 12
# A worker that comes or goes moves partitions, and whoever gets one restores its state first.
_BEHAVIOR: Final = {
    "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
    "scaleDown": {
        "stabilizationWindowSeconds": 600,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 120}],
    },
}


@dataclass(frozen=True, slots=True)
class _Work:
    """What a worker works off: its topic, its group, and what lag is none."""

    topic: str
    group: str
    lag_records: int
    marker_records: int


def scaled_objects(configuration: Configuration) -> Iterator[Resource]:
    """Yield a ScaledObject for each process of the configuration but the pollers."""
    for program in _scaled(configuration):
        work = _work(configuration, program)
        triggers = [_kafka(configuration, work)] if work else [_cpu(), *_waiting(program)]
        yield {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": {"name": program.name},
            "spec": {
                "scaleTargetRef": {"name": program.name},
                "minReplicaCount": _PODS_MIN,
                "maxReplicaCount": _pods_max(configuration, work),
                "pollingInterval": 15,
                "cooldownPeriod": 600,
                "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _BEHAVIOR}},
                **_fallback(work),
                "triggers": triggers,
            },
        }


def autoscalers(configuration: Configuration) -> Iterator[Resource]:
    """Yield a HorizontalPodAutoscaler for each process, with the metrics of /metrics by pod."""
    for program in _scaled(configuration):
        work = _work(configuration, program)
        metrics = [_by_cpu()]
        if work:
            metrics = [_by_pods("esito_worker_lag_records", work.lag_records)]
        elif program.name == "ingress":
            metrics.append(_by_pods("esito_ingress_waiting_callbacks", _WAITING_CALLBACKS))
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": program.name},
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": program.name,
                },
                "minReplicas": _PODS_MIN,
                "maxReplicas": _pods_max(configuration, work),
                "behavior": _BEHAVIOR,
                "metrics": metrics,
            },
        }


def _scaled(configuration: Configuration) -> list[Program]:
    # Two pollers would read one remote stream in turns, from one position.
    return [one for one in programs_of(configuration) if "poller" not in one.arguments]


def _work(configuration: Configuration, program: Program) -> _Work | None:
    if program.arguments[0] != "workers":
        return None
    _, role, _, provider = program.arguments
    topics = Topics.of(provider, prefix=configuration.topic_prefix)
    group = f"{configuration.topic_prefix}esito.{role}.{provider}"
    if role == "verifier":  # nobody writes raw records in a Kafka transaction
        lag_records = _LAG_RECORDS.get(provider, _LAG_RECORDS_ELSE)
        return _Work(topics.raw, group, lag_records=lag_records, marker_records=0)
    # The marker of a Kafka transaction is a record that nobody processes. The verifier has one
    # producer for each raw partition, and what they write at the same time ends with a marker of
    # each, in each partition of the verified topic (tests/faults/test_idle_lag.py).
    markers = configuration.topics.partitions**2
    return _Work(topics.verified, group, lag_records=_LAG_RECORDS_ELSE, marker_records=markers)


def _pods_max(configuration: Configuration, work: _Work | None) -> int:
    return configuration.topics.partitions if work else _PODS_MAX


def _kafka(configuration: Configuration, work: _Work) -> Resource:
    is_tls = "SSL" in configuration.kafka_security_protocol
    return {
        "type": "kafka",
        "metadata": {
            "bootstrapServers": configuration.kafka_bootstrap_servers,
            "consumerGroup": work.group,
            "topic": work.topic,
            "lagThreshold": str(work.lag_records),
            # Active above it, not at it.
            "activationLagThreshold": str(work.marker_records),
            "offsetResetPolicy": "earliest",
            "allowIdleConsumers": "false",
            # An open breaker leaves a lag that stands still, and it must go on to count.
            "excludePersistentLag": "false",
            "version": "2.5.0",
            "tls": "enable" if is_tls else "disable",
        },
        **({"authenticationRef": {"name": "kafka"}} if is_tls else {}),
    }


def _cpu() -> Resource:
    return {
        "type": "cpu",
        "metricType": "Utilization",
        "metadata": {"value": str(_CPU_PERCENT), "containerName": "esito"},
    }


def _waiting(program: Program) -> Iterator[Resource]:
    if program.name == "ingress":
        yield {
            "type": "prometheus",
            "metadata": {
                "serverAddress": "http://prometheus-operated.monitoring.svc:9090",
                "query": 'sum(esito_ingress_waiting_callbacks{namespace="esito"})',
                "threshold": str(_WAITING_CALLBACKS),
            },
        }


def _fallback(work: _Work | None) -> Mapping[str, Any]:
    """Keep what runs while Kafka does not say the lag; KEDA has none for a trigger on CPU."""
    if work is None:
        return {}
    return {
        "fallback": {
            "failureThreshold": 3,
            "replicas": _PODS_MIN,
            "behavior": "currentReplicasIfHigher",
        }
    }


def _by_cpu() -> Resource:
    target = {"type": "Utilization", "averageUtilization": _CPU_PERCENT}
    return {
        "type": "ContainerResource",
        "containerResource": {"name": "cpu", "container": "esito", "target": target},
    }


def _by_pods(metric: str, average: int) -> Resource:
    target = {"type": "AverageValue", "averageValue": str(average)}
    return {"type": "Pods", "pods": {"metric": {"name": metric}, "target": target}}
