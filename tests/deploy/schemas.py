"""Judge objects by schemas that their makers publish; nothing of them lies in this project.

- Kubernetes' own: the strict schemas of the package kubernetes-validate, for several versions.
- KEDA, Gateway API, cert-manager: their CustomResourceDefinitions, from their Go modules. Their
  expressions (CEL) are the API server's to evaluate.
- Strimzi, Prometheus operator: no registry has their definitions, so their resources are read by
  the Java classes that Strimzi itself, and a client of the other, read them with.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.deploy.objects import Object
from tests.deploy.rendering import LOADER, ROOT

KUBERNETES_VERSIONS = ("1.30", "1.33", "1.35", "1.37")
# The last that Go 1.26 takes is 1.6.3: 1.7.0 wants Go 1.27.
MODULES = {
    "keda.sh": ("github.com/kedacore/keda/v2@v2.21.0", "config/crd/bases"),
    "gateway.networking.k8s.io": ("sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard"),
    "cert-manager.io": ("github.com/cert-manager/cert-manager@v1.21.2", "deploy/crds"),
}
READ_BY_OPERATORS = frozenset({"kafka.strimzi.io", "monitoring.coreos.com"})
_OPERATORS = Path(__file__).parent / "operators"
_KEPT = ROOT / ".esito" / "deploy"
_CLASSPATH_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
_SECONDS_MAX = 300
_ANY_TOP: Object = {"apiVersion": {}, "kind": {}, "metadata": {}}


def group_of(one: Object) -> str:
    """Return the group of a custom resource; nothing for what is built into Kubernetes."""
    group = str(one["apiVersion"]).rpartition("/")[0]
    custom = group in MODULES or group in READ_BY_OPERATORS
    return group if custom else ""


def kubernetes_faults(objects: list[Object], version: str) -> Iterator[str]:
    """Yield what a version of Kubernetes would refuse, unknown fields as well."""
    package: Any = import_module("kubernetes_validate")  # installed by `make deploy` alone
    for one in objects:
        try:
            package.validate(one, version, strict=True)
        except (package.ValidationError, package.SchemaNotFoundError) as error:
            yield f"{_name(one)}: {str(error).splitlines()[0]}"


def definition_faults(objects: list[Object]) -> Iterator[str]:
    """Yield what the definition of a custom resource does not allow."""
    for one in objects:
        group, _, version = one["apiVersion"].rpartition("/")
        schema = _schemas(group).get((one["kind"], version))
        if schema is None:
            yield f"{_name(one)}: {group} has no {version} of it"
            continue
        for error in Draft202012Validator(schema).iter_errors(one):
            yield f"{_name(one)}: {error.json_path}: {error.message}"


def operator_faults(objects: list[Object]) -> list[str]:
    """Return what the operators' own classes refuse, or would ignore."""
    java = _tool("java", "openjdk-17-jdk-headless")
    done = subprocess.run(
        [java, "-cp", _classpath(), str(_OPERATORS / "Read.java")],
        input=json.dumps(objects),
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=True,
    )
    return done.stdout.splitlines()


@cache
def _schemas(group: str) -> dict[tuple[str, str], Object]:
    module, folder = MODULES[group]
    found = {}
    for file in sorted((_module(module) / folder).glob("*.yaml")):
        for one in yaml.load_all(file.read_text(), Loader=LOADER):
            if one and one["kind"] == "CustomResourceDefinition":
                for version in one["spec"]["versions"]:
                    schema = _strict(version["schema"]["openAPIV3Schema"])
                    schema["properties"] |= _ANY_TOP
                    found[one["spec"]["names"]["kind"], version["name"]] = schema
    return found


def _strict(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return the schema as the API server means it: what it does not name is no field."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: {name: _strict(one) for name, one in value.items()}
        if key == "properties"
        else _strict(value)
        for key, value in schema.items()
    }
    if made.pop("x-kubernetes-int-or-string", False):
        made["type"] = ["integer", "string"]
    if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    is_object = made.get("type") == "object" and "properties" in made
    if is_object and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


@cache
def _module(module: str) -> Path:
    go = _tool("go", "golang-go")
    done = subprocess.run(
        [go, "mod", "download", "-json", module],
        cwd=_OPERATORS,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )
    answer = json.loads(done.stdout or "{}")
    if "Dir" not in answer:
        raise RuntimeError(f"{module}: {answer.get('Error') or done.stderr}")
    return Path(answer["Dir"])


@cache
def _classpath() -> str:
    project = (_OPERATORS / "pom.xml").read_bytes()
    kept = _KEPT / f"classpath-{hashlib.sha256(project).hexdigest()[:16]}"
    if not kept.exists() or not all(Path(one).exists() for one in kept.read_text().split(":")):
        maven = _tool("mvn", "maven")
        kept.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [maven, "-q", "-B", _CLASSPATH_GOAL, f"-Dmdep.outputFile={kept}"],
            cwd=_OPERATORS,
            timeout=_SECONDS_MAX,
            check=True,
        )
    return kept.read_text()


def _tool(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not there: install it, in Debian as {package}")
    return found


def _name(one: Object) -> str:
    return f"{one['kind']} {one['metadata']['name']}"
