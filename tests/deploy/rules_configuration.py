"""What must hold between manifests and configuration: variables, files, topics, autoscalers."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from contracts.errors import Broken
from ops.topics import planned_topics
from runtime.configuration import PREFIX, Configuration
from runtime.configuration_file import OTHER_VARIABLES
from runtime.section import Section
from tests.deploy.objects import Rendered
from tests.deploy.secret_files import named_files

_HASHED = re.compile(r"esito-config-[a-z0-9]{10}")
_LOCAL = re.compile(r"\b127\.|\blocalhost\b|\[?::1\b|^file:")
# Beside what stands at the top of the file, the endpoints and `tracing`.
_SECTIONS = {
    "ingress": frozenset({"ingress"}),
    "intake": frozenset({"intake", "database", "object_store"}),
    "streams": frozenset({"streams", "database"}),
}


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


def nothing_is_of_this_machine(rendered: Rendered) -> Iterator[str]:
    """Demand that every address which a process reads is given: defaults are of one machine."""
    for pod in rendered.pods:
        configuration = rendered.configuration(pod.environ)
        read = {"tracing"} | _SECTIONS.get(pod.process, frozenset())
        if pod.process == "verifier" and _judges_files(configuration, pod.provider):
            read |= {"object_store"}
        for name in type(configuration).model_fields:
            value = getattr(configuration, name)
            if name in read or not isinstance(value, Section):
                for key, text in _texts(name, value):
                    if _LOCAL.search(text):
                        yield f"{pod.name}: {key} is {text}"


def database_is_proven(rendered: Rendered) -> Iterator[str]:
    """Demand that PostgreSQL proves who it is, wherever Kafka does: else anybody could be it."""
    for pod in rendered.pods:
        configuration = rendered.configuration(pod.environ)
        if "database" in _SECTIONS.get(pod.process, ()) and _has_tls(configuration):
            options = parse_qs(urlsplit(configuration.database.url).query)
            if options.get("sslmode") != ["verify-full"]:
                yield f"{pod.name}: database.url is without sslmode=verify-full"


def _has_tls(configuration: Configuration) -> bool:
    return configuration.kafka_security_protocol.endswith("SSL")


def _judges_files(configuration: Configuration, provider: str | None) -> bool:
    return any(one.notifications for one in configuration.endpoints_of(provider or "").values())


def _texts(key: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _texts(f"{key}.{name}", getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(key, one)
