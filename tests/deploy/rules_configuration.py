"""What must hold between manifests and configuration: variables, files, topics, autoscalers."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from contracts.errors import Broken
from contracts.topics import Topics
from ops.topics import planned_topics
from runtime.configuration import PREFIX
from runtime.configuration_file import OTHER_VARIABLES
from tests.deploy.objects import Object, Rendered
from tests.deploy.secret_files import named_files

_HASHED = re.compile(r"esito-config-[a-z0-9]{10}")
# Of all topics, those alone that are written in Kafka transactions end with markers.
_WITHOUT_MARKERS = ".raw."


def settings_are_the_codes(rendered: Rendered) -> Iterator[str]:
    """Demand that each pod's process takes its file and its variables."""
    for pod in rendered.pods:
        try:
            rendered.configuration(pod.environ)
        except Broken as error:
            yield f"{pod.name}: {error}"
        for one in pod.container.get("env", []):
            # A secret is a file: a variable shows in crash reports, and never changes.
            if "valueFrom" in one or not one["name"].startswith(PREFIX):
                yield f"{pod.name}: variable {one['name']}"
            if one["name"] in OTHER_VARIABLES - {"ESITO_CONFIGURATION"}:
                yield f"{pod.name}: variable {one['name']} is for tests"
        if pod.container.get("envFrom"):
            yield f"{pod.name}: takes variables that nobody sees here"


def configuration_is_mounted(rendered: Rendered) -> Iterator[str]:
    """Demand the file where the variable says, from a ConfigMap whose name changes with it."""
    for pod in rendered.pods:
        named = PurePosixPath(pod.environ.get("ESITO_CONFIGURATION", ""))
        found = [
            source["name"]
            for place, _, source in pod.mounts("configMap")
            if place / "esito.yaml" == named
        ]
        if not found:
            yield f"{pod.name}: nothing is mounted at {named}"
        for name in found:
            if not _HASHED.fullmatch(name):
                yield f"{pod.name}: {name} has no hash, so a change would start no rollout"


def mounts_are_whole_directories(rendered: Rendered) -> Iterator[str]:
    """Demand no subPath, which kubelet never renews, and no mount inside another."""
    for pod in rendered.pods:
        mounts = pod.container.get("volumeMounts", [])
        places = [PurePosixPath(one["mountPath"]) for one in mounts]
        for mount, place in zip(mounts, places, strict=True):
            if {"subPath", "subPathExpr"} & mount.keys():
                yield f"{pod.name}: {place} is a subPath"
            # Of a volume that is read only, nobody could make the directory to mount at.
            if any(other in place.parents for other in places):
                yield f"{pod.name}: {place} lies within another mount"


def secrets_are_those_read(rendered: Rendered) -> Iterator[str]:
    """Demand in each pod every file that its process reads, and no Secret that it does not."""
    configuration = rendered.configuration()
    files = named_files(configuration)
    for pod in rendered.pods:
        directories = {place for place, _, _ in pod.mounts("secret")}
        needed = {
            one.path for one in files if one.is_read_by(pod.process, pod.provider, configuration)
        }
        for path in sorted(needed):
            if path.parent not in directories:
                yield f"{pod.name}: {path} is in none of its Secrets"
        for directory in sorted(directories - {path.parent for path in needed}):
            yield f"{pod.name}: needs nothing of {directory}"
        for place, mount, source in pod.mounts("secret"):
            if not mount.get("readOnly") or source.get("optional"):
                yield f"{pod.name}: {place} must be there, and be read only"


def secrets_are_of_their_place(rendered: Rendered) -> Iterator[str]:
    """Demand the Secret that a directory is named after, and each process's own KafkaUser."""
    for pod in rendered.pods:
        for place, _, source in pod.mounts("secret"):
            path = "-".join(place.relative_to("/etc/esito").parts)
            wanted = f"esito-{pod.name if path == 'kafka-user' else path}"
            if source["secretName"] != wanted:
                yield f"{pod.name}: {source['secretName']} lies at {place}"


def paths_are_absolute(rendered: Rendered) -> Iterator[str]:
    """Demand it: a relative one begins where the file's link leads to, not where the file is."""
    for one in named_files(rendered.configuration()):
        if not one.path.is_relative_to("/etc/esito"):
            yield f"esito.yaml: {one.key}: {one.path.name}"


def topics_are_known(rendered: Rendered) -> Iterator[str]:
    """Demand that each KafkaTopic is the plan's, and all of the plan where there is one."""
    plans = {plan.name: plan for plan in planned_topics(rendered.configuration())}
    found = {one["spec"]["topicName"]: one["spec"] for one in rendered.of("KafkaTopic")}
    for name, spec in found.items():
        plan = plans.get(name)
        if plan is None:
            yield f"{name}: nobody writes or reads this topic"
        elif (spec["partitions"], spec["replicas"], spec["config"]) != (
            plan.partitions,
            plan.replication_factor,
            plan.settings,
        ):
            yield f"{name}: is not as planned"
    for name in sorted(plans.keys() - found.keys() if found else ()):
        yield f"{name}: is missing"


def workers_scale_by_their_topic(rendered: Rendered) -> Iterator[str]:
    """Demand of each ScaledObject its own worker's topic and group, and bounds that make sense."""
    configuration = rendered.configuration()
    partitions = configuration.topics.partitions
    for one in rendered.of("ScaledObject"):
        name, spec = one["metadata"]["name"], one["spec"]
        pod = next(
            (pod for pod in rendered.pods if pod.name == spec["scaleTargetRef"]["name"]), None
        )
        if pod is None:
            yield f"{name}: scales nothing"
            continue
        for trigger in spec["triggers"]:
            if trigger["type"] != "kafka":
                continue
            topics = Topics.of(pod.provider or "", prefix=configuration.topic_prefix)
            own = {"verifier": topics.raw, "state-machine": topics.verified}.get(pod.process)
            group = f"{configuration.topic_prefix}esito.{pod.process}.{pod.provider}"
            if (trigger["metadata"]["topic"], trigger["metadata"]["consumerGroup"]) != (own, group):
                yield f"{name}: follows the lag of another worker"
            if spec["maxReplicaCount"] != partitions:
                yield f"{name}: {spec['maxReplicaCount']} pods for {partitions} partitions"
            yield from _threshold_faults(name, trigger["metadata"], partitions)
        if spec.get("minReplicaCount", 0) < 1 and pod.process == "state-machine":
            yield f"{name}: nobody would ring its deadlines"


def _threshold_faults(name: str, trigger: Object, partitions: int) -> Iterator[str]:
    # One for each producer, of which there is one for each raw partition, in each partition.
    markers = 0 if _WITHOUT_MARKERS in trigger["topic"] else partitions**2
    if int(trigger["activationLagThreshold"]) < markers:
        yield f"{name}: {markers} markers would keep it active for ever"
    if int(trigger["lagThreshold"]) <= markers:
        yield f"{name}: markers alone would ask for a second pod"


def autoscalers_have_targets(rendered: Rendered) -> Iterator[str]:
    """Demand a Deployment for each autoscaler, an autoscaler for each but the pollers, or none."""
    found = {
        one["spec"]["scaleTargetRef"]["name"]
        for kind in ("ScaledObject", "HorizontalPodAutoscaler")
        for one in rendered.of(kind)
    }
    deployed = {pod.name for pod in rendered.pods if pod.is_deployed}
    for name in sorted(found - deployed):
        yield f"{name}: is scaled and not deployed"
    scaled = {pod.name for pod in rendered.pods if pod.is_deployed and pod.process != "poller"}
    for name in sorted(scaled - found if found else ()):
        yield f"{name}: is deployed and not scaled"
    for one in rendered.of("Deployment"):
        if one["metadata"]["name"] in found and "replicas" in one["spec"]:
            yield f"{one['metadata']['name']}: each apply would set its pods back"
