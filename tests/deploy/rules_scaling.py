"""What must hold for autoscalers: whom each scales, by what, and how far."""

from collections.abc import Iterator

from contracts.topics import Topics
from runtime.configuration import Configuration
from tests.deploy.objects import Object, Pod, Rendered

# Beyond the workers, which follow the lag of their own topic and nothing else.
_KEDA = {"ingress": ["cpu", "prometheus"], "intake": ["cpu"], "streams": ["cpu"]}
_PLAIN = {**_KEDA, "ingress": ["cpu", "esito_ingress_waiting_callbacks"]}
_PLAIN_OF_WORKERS = ["esito_worker_lag_records"]
# A pod beyond these is a fault, or an attack that somebody pays for.
_FRONTS_MAX = 12
# Of all topics, those alone that are written in Kafka transactions end with markers.
_WITHOUT_MARKERS = ".raw."


def pods_are_bounded(rendered: Rendered) -> Iterator[str]:
    """Demand two pods, so that a node may go, up to one for each partition, or the bound."""
    partitions = rendered.configuration().topics.partitions
    for name, spec, pod in _scaled(rendered):
        most = partitions if _is_worker(pod) else _FRONTS_MAX
        bounds = {
            spec.get("minReplicaCount", spec.get("minReplicas")),
            spec.get("maxReplicaCount", spec.get("maxReplicas")),
        }
        if bounds != {2, most}:
            yield f"{name}: {bounds} pods, and 2 to {most} are of use"


def workers_scale_by_their_topic(rendered: Rendered) -> Iterator[str]:
    """Demand of each autoscaler what its process goes by: of a worker its own topic's lag."""
    for name, spec, pod in _scaled(rendered):
        configuration = rendered.configuration(pod.environ)
        if "metrics" in spec:
            found = [_metric_of(one) for one in spec["metrics"]]
            wanted = _PLAIN_OF_WORKERS if _is_worker(pod) else _PLAIN[pod.process]
        else:
            found = [one["type"] for one in spec["triggers"]]
            wanted = ["kafka"] if _is_worker(pod) else _KEDA[pod.process]
        if found != wanted:
            yield f"{name}: goes by {found}, not by {wanted}"
        for trigger in spec.get("triggers", ()):
            if trigger["type"] == "kafka":
                yield from _kafka_faults(name, trigger, pod, configuration)


def _kafka_faults(
    name: str, trigger: Object, pod: Pod, configuration: Configuration
) -> Iterator[str]:
    topics = Topics.of(pod.provider or "", prefix=configuration.topic_prefix)
    is_tls = "SSL" in configuration.kafka_security_protocol
    said = trigger["metadata"]
    wanted = {
        "bootstrapServers": configuration.kafka_bootstrap_servers,
        "topic": {"verifier": topics.raw, "state-machine": topics.verified}.get(pod.process),
        "consumerGroup": f"{configuration.topic_prefix}esito.{pod.process}.{pod.provider}",
        "tls": "enable" if is_tls else "disable",
    }
    for key, value in wanted.items():
        if said.get(key) != value:
            yield f"{name}: {key} is {said.get(key)}, not {value}"
    if is_tls and "authenticationRef" not in trigger:
        yield f"{name}: asks Kafka without a credential"
    # One for each producer, of which there is one for each raw partition, in each partition.
    markers = 0 if _WITHOUT_MARKERS in said["topic"] else configuration.topics.partitions**2
    if int(said["activationLagThreshold"]) < markers:
        yield f"{name}: {markers} markers would keep it active for ever"
    if int(said["lagThreshold"]) <= markers:
        yield f"{name}: markers alone would ask for a second pod"


def autoscalers_have_targets(rendered: Rendered) -> Iterator[str]:
    """Demand a Deployment for each autoscaler, an autoscaler for each but the pollers, or none."""
    found = {spec["scaleTargetRef"]["name"] for _, spec in _autoscalers(rendered)}
    deployed = {pod.name for pod in rendered.pods if pod.is_deployed}
    for name in sorted(found - deployed):
        yield f"{name}: is scaled and not deployed"
    scaled = {pod.name for pod in rendered.pods if pod.is_deployed and pod.process != "poller"}
    for name in sorted(scaled - found if found else ()):
        yield f"{name}: is deployed and not scaled"
    for one in rendered.of("Deployment"):
        if one["metadata"]["name"] in found and "replicas" in one["spec"]:
            yield f"{one['metadata']['name']}: each apply would set its pods back"


def _autoscalers(rendered: Rendered) -> Iterator[tuple[str, Object]]:
    for kind in ("ScaledObject", "HorizontalPodAutoscaler"):
        for one in rendered.of(kind):
            yield one["metadata"]["name"], one["spec"]


def _scaled(rendered: Rendered) -> Iterator[tuple[str, Object, Pod]]:
    pods = {pod.name: pod for pod in rendered.pods}
    for name, spec in _autoscalers(rendered):
        if spec["scaleTargetRef"]["name"] in pods:
            yield name, spec, pods[spec["scaleTargetRef"]["name"]]


def _is_worker(pod: Pod) -> bool:
    return pod.provider is not None


def _metric_of(metric: Object) -> str:
    if metric["type"] == "ContainerResource":
        return str(metric["containerResource"]["name"])
    return str(metric["pods"]["metric"]["name"])
