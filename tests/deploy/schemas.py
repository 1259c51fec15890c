"""Judge objects by schemas that lie in packages; nothing of them lies in this project.

- Kubernetes' own: the strict schemas of the package kubernetes-validate, for several versions.
- Custom resources: the validators of the npm packages @kubernetes-models, by a script in Node.
  Expressions (CEL) are the API server's to evaluate.
- Envoy Gateway's: by none, for no package has them; test_client_certificates.py compares them.
"""

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.deploy.objects import Object
from tests.deploy.rendering import tool

KUBERNETES_VERSIONS = ("1.30", "1.33", "1.35", "1.37")
CUSTOM_GROUPS = frozenset(
    {
        "cert-manager.io",
        "gateway.networking.k8s.io",
        "kafka.strimzi.io",
        "keda.sh",
        "monitoring.coreos.com",
    }
)
# No package has their definitions.
UNJUDGED_GROUPS = frozenset({"gateway.envoyproxy.io"})
_SCRIPT = Path(__file__).parent / "custom_resources.mjs"
_SECONDS_MAX = 60


def is_custom(one: Object) -> bool:
    """Tell a custom resource from what is built into Kubernetes."""
    return _group(one) in CUSTOM_GROUPS


def is_built_in(one: Object) -> bool:
    """Tell what is judged by Kubernetes' own schemas: all that no operator brings along."""
    return _group(one) not in CUSTOM_GROUPS | UNJUDGED_GROUPS


def kubernetes_faults(objects: list[Object], version: str) -> Iterator[str]:
    """Yield what a version of Kubernetes would refuse, unknown fields as well."""
    for one in objects:
        file = _schemas(version) / f"{one['kind'].lower()}-{_file_of(one['apiVersion'])}.json"
        if not file.exists():
            yield f"{_name(one)}: there is no {one['apiVersion']} of it"
            continue
        for error in _validator(file).iter_errors(one):
            yield f"{_name(one)}: {error.json_path}: {error.message}"


def custom_faults(objects: list[Object]) -> list[list[str]]:
    """Return for each custom resource what its definition does not allow or does not know."""
    done = subprocess.run(
        [tool("node", "20"), str(_SCRIPT)],
        input=json.dumps(objects),
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{_SCRIPT}: {done.stderr}")
    found: list[list[str]] = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        [f"{_name(one)}{fault}" for fault in faults]
        for one, faults in zip(objects, found, strict=True)
    ]


# The package's own function reads two megabytes for each object: twenty times as slow.
@cache
def _validator(file: Path) -> Draft202012Validator:
    return Draft202012Validator(
        json.loads(file.read_text()), registry=_definitions(file.with_name("_definitions.json"))
    )


@cache
def _definitions(file: Path) -> Registry[Any]:
    definitions: Resource[Any] = Resource.from_contents(json.loads(file.read_text()))
    return definitions @ Registry()


def _schemas(version: str) -> Path:
    package = import_module("kubernetes_validate")  # installed by `make deploy` alone
    return Path(package.__path__[0], "kubernetes-json-schema", f"v{version}.0-local-strict")


def _file_of(api_version: str) -> str:
    """Return `networking-v1` for `networking.k8s.io/v1`."""
    group, _, version = api_version.rpartition("/")
    return f"{group.partition('.')[0]}-{version}" if group else version


def _group(one: Object) -> str:
    return str(one["apiVersion"]).partition("/")[0]


def _name(one: Object) -> str:
    return f"{one['kind']} {one['metadata']['name']}"
