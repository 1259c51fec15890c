"""Look at rendered manifests: which pods there are, what they run, and what they see as files."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from ops.generate import ROOT
from runtime.configuration import PREFIX, Configuration
from runtime.configuration_file import load_configuration

Object = dict[str, Any]
CONFIGURATION_VOLUME = "config"


@dataclass(frozen=True)
class Rendered:
    """All objects of one overlay."""

    objects: list[Object]

    def of(self, kind: str) -> list[Object]:
        """Return the objects of a kind."""
        return [one for one in self.objects if one["kind"] == kind]

    def named(self, kind: str, name: str) -> Object:
        """Return one object."""
        return next(one for one in self.of(kind) if one["metadata"]["name"] == name)

    @cached_property
    def configuration_text(self) -> str:
        """Return the esito.yaml of the overlay."""
        maps = [one for one in self.of("ConfigMap") if "esito.yaml" in one["data"]]
        return str(maps[0]["data"]["esito.yaml"])

    def configuration(self, environ: Mapping[str, str] | None = None) -> Configuration:
        """Return the configuration as a process with these variables reads it."""
        return _loaded(self.configuration_text, tuple(sorted((environ or {}).items())))

    @cached_property
    def pods(self) -> list["Pod"]:
        """Return the pod template of each Deployment and Job."""
        return [Pod(one) for one in self.objects if one["kind"] in {"Deployment", "Job"}]


@dataclass(frozen=True)
class Pod:
    """The pods of one Deployment or Job."""

    owner: Object

    @property
    def name(self) -> str:
        """Return the name of what makes them."""
        return str(self.owner["metadata"]["name"])

    @property
    def spec(self) -> Object:
        """Return their specification."""
        return dict(self.owner["spec"]["template"]["spec"])

    @property
    def labels(self) -> Mapping[str, str]:
        """Return their labels."""
        return dict(self.owner["spec"]["template"]["metadata"].get("labels", {}))

    @property
    def is_deployed(self) -> bool:
        """Tell whether they run until they are told to stop."""
        return bool(self.owner["kind"] == "Deployment")

    @property
    def containers(self) -> list[Object]:
        """Return every container, those that run first as well."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def container(self) -> Object:
        """Return the container that runs Esito."""
        return next(one for one in self.spec["containers"] if one["name"] == "esito")

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return what the image's entry point is given."""
        return tuple(self.container.get("args", ()))

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables of the image and of the container: both win over the file."""
        own = {one["name"]: one.get("value", "") for one in self.container.get("env", [])}
        return {**image_environ(), **own}

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports of the container by name."""
        return {one["name"]: one["containerPort"] for one in self.container.get("ports", [])}

    @property
    def process(self) -> str:
        """Return the kind of process: ingress, verifier, topics and so on."""
        return self.arguments[1] if self.arguments[0] == "workers" else self.arguments[0]

    @property
    def provider(self) -> str | None:
        """Return the provider of a worker."""
        return self.arguments[3] if self.arguments[0] == "workers" else None

    def mounts(self, kind: str) -> Iterator[tuple[PurePosixPath, Object, Object]]:
        """Yield place, mount and source of each volume of a kind: secret, configMap, emptyDir."""
        volumes = {one["name"]: one for one in self.spec.get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if kind in volume:
                yield PurePosixPath(mount["mountPath"]), mount, volume[kind]


@cache
def image_environ() -> dict[str, str]:
    """Return our variables as the last stage of the Dockerfile sets them."""
    stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    lines = [line for line in stage.splitlines() if line.startswith("ENV ")]
    pairs = (word.split("=", 1) for line in lines for word in shlex.split(line)[1:])
    return {name: value for name, value in pairs if name.startswith(PREFIX)}


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector takes a pod; an empty one takes all."""
    if selector.get("matchExpressions"):
        raise NotImplementedError("matchExpressions: no manifest of ours has them yet")
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


@cache
def _loaded(text: str, environ: tuple[tuple[str, str], ...]) -> Configuration:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "esito.yaml"
        file.write_text(text)
        return load_configuration(file, environ=dict(environ))
