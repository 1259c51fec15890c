"""What must hold for each pod: who it runs as, what it may use, how it begins and ends."""

import re
from collections.abc import Iterator

from ops.local.processes import programs_of
from runtime.configuration import Configuration
from tests.deploy.objects import Pod, Rendered

# What the processes need beyond their own budgets: the interpreter, clients that are closed.
SPARE_SECONDS = 4.0
# workers/membership.py, and the management port after it (runtime/management.py).
LEAVE_SECONDS = 5.0
CLOSE_SECONDS = 1.0
_TAG = re.compile(r"[^:@]+(/[^:@]+)*:(?P<tag>[\w.-]+)|[^@]+@sha256:[0-9a-f]{64}")
_RESOURCES = {"cpu", "memory"}
# What each asks, and how long it must go on asking before anything comes of it: a node that is busy
# starts a process in tens of seconds, and an event loop may be held up.
_PROBES = {
    "startupProbe": ("/healthz", 30),
    "livenessProbe": ("/healthz", 30),
    "readinessProbe": ("/readyz", 10),
}


def image_is_pinned(rendered: Rendered) -> Iterator[str]:
    """Demand a version or a digest: nobody can say later what `latest` was."""
    for pod in rendered.pods:
        for container in pod.containers:
            image = container["image"]
            match = _TAG.fullmatch(image)
            if match is None or match["tag"] == "latest":
                yield f"{pod.name}: image {image}"


def nobody_is_root(rendered: Rendered) -> Iterator[str]:
    """Demand what Pod Security calls restricted, and a user that is none of the node's."""
    for pod in rendered.pods:
        spec, whole = pod.spec, pod.spec.get("securityContext", {})
        if any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{pod.name}: sees the node"
        if not whole.get("runAsNonRoot") or whole.get("runAsUser", 0) < 10_000:
            yield f"{pod.name}: may be root"
        if whole.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod.name}: no seccomp profile"
        for container in pod.containers:
            own = container.get("securityContext", {})
            dropped = own.get("capabilities", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield f"{pod.name}: may gain privileges"
            if dropped.get("drop") != ["ALL"] or dropped.get("add"):
                yield f"{pod.name}: has capabilities"
            if own.get("runAsUser") == 0 or own.get("runAsNonRoot") is False:
                yield f"{pod.name}: a container is root"


def root_is_read_only(rendered: Rendered) -> Iterator[str]:
    """Demand a file system that is written to nowhere but in bounded, empty directories."""
    for pod in rendered.pods:
        for container in pod.containers:
            if not container.get("securityContext", {}).get("readOnlyRootFilesystem"):
                yield f"{pod.name}: writes to its image"
        for volume in pod.spec.get("volumes", []):
            if {"hostPath", "persistentVolumeClaim"} & volume.keys():
                yield f"{pod.name}: volume {volume['name']} is of the node's or lasts"
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{pod.name}: volume {volume['name']} has no bound"


def limits_are_set(rendered: Rendered) -> Iterator[str]:
    """Demand requests and limits of CPU and memory."""
    for pod in rendered.pods:
        for container in pod.containers:
            for kind in ("requests", "limits"):
                missing = _RESOURCES - container.get("resources", {}).get(kind, {}).keys()
                for name in sorted(missing):
                    yield f"{pod.name}: no {kind}.{name}"


def probes_are_there(rendered: Rendered) -> Iterator[str]:
    """Demand the three probes with patience, on a management port that is open to kubelet."""
    for pod in rendered.pods:
        if not pod.is_deployed:
            continue
        configuration = rendered.configuration(pod.environ)
        if configuration.management_host != "0.0.0.0":  # noqa: S104 - compared, not bound
            yield f"{pod.name}: kubelet asks the pod's address, not {configuration.management_host}"
        for name, (path, seconds) in _PROBES.items():
            probe = pod.container.get(name, {})
            asked = probe.get("httpGet", {})
            port = pod.ports.get(asked.get("port"), asked.get("port"))
            if (asked.get("path"), port) != (path, configuration.management_port):
                yield f"{pod.name}: {name} is not {path} of the management port"
            if probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) < seconds:
                yield f"{pod.name}: {name} gives up before {seconds} s"


def tokens_stay_away(rendered: Rendered) -> Iterator[str]:
    """Demand an account of its own for each, and no token of it: nobody speaks to the API."""
    accounts = {one["metadata"]["name"]: one for one in rendered.of("ServiceAccount")}
    seen: dict[str, str] = {}
    for pod in rendered.pods:
        name = pod.spec.get("serviceAccountName", "default")
        account = accounts.get(name, {})
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name}: mounts a token"
        if account.get("automountServiceAccountToken") is not False:
            yield f"{pod.name}: its account {name} is not there, or gives tokens"
        if seen.setdefault(name, pod.name) != pod.name:
            yield f"{pod.name}: shares its account with {seen[name]}"
        for volume in pod.spec.get("volumes", []):
            if "projected" in volume:
                yield f"{pod.name}: volume {volume['name']} could bring a token"


def service_links_are_off(rendered: Rendered) -> Iterator[str]:
    """Demand it, for their variables may begin with ESITO_ and are no settings."""
    for pod in rendered.pods:
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.name}: enableServiceLinks"


def grace_is_long_enough(rendered: Rendered) -> Iterator[str]:
    """Demand the time that the process itself takes to end, and that of preStop before it."""
    for pod in rendered.pods:
        if not pod.is_deployed:
            continue
        configuration = rendered.configuration(pod.environ)
        given = pod.spec.get("terminationGracePeriodSeconds", 30)
        before = pod.container.get("lifecycle", {}).get("preStop", {})
        paused = before.get("sleep", {}).get("seconds", 0)
        needed = paused + budget_seconds(pod.process, configuration) + SPARE_SECONDS
        if given < needed:
            yield f"{pod.name}: {given} s to end, and it may take {needed:g} s"
        if _listens(pod) and not paused:
            yield f"{pod.name}: ends before those who call know of it"


def budget_seconds(process: str, configuration: Configuration) -> float:
    """Return how long a process may take from SIGTERM to its end, by its own settings."""
    graces = {
        "ingress": configuration.ingress.grace_seconds,
        "intake": configuration.intake.grace_seconds,
        # The projector gives its partitions back beside the answers in flight.
        "streams": configuration.streams.grace_seconds,
    }
    worker = configuration.worker.revoke_seconds + LEAVE_SECONDS
    return graces.get(process, worker) + CLOSE_SECONDS


def pods_are_spread(rendered: Rendered) -> Iterator[str]:
    """Demand spreading over nodes and zones, in a form that the API server takes."""
    for pod in rendered.pods:
        if not pod.is_deployed:
            continue
        spread = pod.spec.get("topologySpreadConstraints", [])
        keys = {one["topologyKey"] for one in spread}
        if not {"kubernetes.io/hostname", "topology.kubernetes.io/zone"} <= keys:
            yield f"{pod.name}: spread over {sorted(keys)} alone"
        for one in spread:
            labels = one.get("labelSelector", {}).get("matchLabels", {})
            # The API server refuses a key that stands in both.
            for key in set(one.get("matchLabelKeys", [])) & set(labels):
                yield f"{pod.name}: {key} is in labelSelector and matchLabelKeys"
            if not labels.items() <= pod.labels.items():
                yield f"{pod.name}: is spread by the labels of others"


def processes_are_the_programs(rendered: Rendered) -> Iterator[str]:
    """Demand a Deployment for each process that the configuration has work for, and no other."""
    wanted = {one.name: one.arguments for one in programs_of(rendered.configuration())}
    found = {pod.name: pod.arguments for pod in rendered.pods if pod.is_deployed}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield f"{name}: runs {found.get(name)}, and there is work for {wanted.get(name)}"
    for pod in rendered.pods:
        if not pod.is_deployed and pod.arguments[:1] != ("topics",):
            yield f"{pod.name}: a Job runs {pod.arguments}"
        if [one["name"] for one in pod.containers] != ["esito"] or "command" in pod.container:
            yield f"{pod.name}: runs something else than the image's entry point"


def rollouts_keep_who_works(rendered: Rendered) -> Iterator[str]:
    """Demand that a new pod is ready before an old one goes; a poller is one at any time."""
    for pod in rendered.pods:
        strategy = pod.owner["spec"].get("strategy", {})
        if pod.process == "poller":
            if strategy != {"type": "Recreate"}:
                yield f"{pod.name}: a rollout runs two"
        elif pod.is_deployed and strategy.get("type", "RollingUpdate") != "RollingUpdate":
            yield f"{pod.name}: a rollout ends all before others begin"
        elif pod.is_deployed and strategy.get("rollingUpdate") != {
            "maxSurge": 1,
            "maxUnavailable": 0,
        }:
            yield f"{pod.name}: a rollout ends some before others are ready"


def _listens(pod: Pod) -> bool:
    return "http" in pod.ports
