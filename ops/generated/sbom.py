"""Write the software bill of materials from the lock, as CycloneDX 1.6: docs/sbom.cdx.json.

It has neither a serial number nor a time, so the same lock makes the same bytes. The hashes of each
package's files stay in the lock: CycloneDX has room for one file's hash a component.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from ops.embedded.jars import LOCK_PATH
from ops.packages.licences import licence_of
from ops.packages.locked import (
    ROOT,
    LockedPackage,
    dependencies,
    locked_packages,
    production_packages,
)

_OWN = "esito"


def sbom_document() -> str:
    """Return docs/sbom.cdx.json."""
    packages = locked_packages()
    production = {one.purl for one in production_packages()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": _OWN,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"expression": project["license"]}],
            }
        },
        "components": [*(_component(one, production) for one in packages), *_jars()],
        "dependencies": _graph(packages),
    }
    return json.dumps(document, indent=2) + "\n"


def _component(package: LockedPackage, production: set[str]) -> dict[str, Any]:
    """Describe a package: required everywhere in production, on some machines, or for tests."""
    wanted = "optional" if package.marker else "required"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "scope": wanted if package.purl in production else "excluded",
        "licenses": [{"expression": licence_of(package.name)}],
        "purl": package.purl,
    }
    if package.marker:
        component["properties"] = [{"name": "esito:marker", "value": package.marker}]
    return component


def _jars() -> list[dict[str, Any]]:
    """Describe the files of the broker that demo and tests download."""
    lines = (line.split() for line in LOCK_PATH.read_text(encoding="utf-8").splitlines())
    return [
        {
            "type": "file",
            "bom-ref": f"jar:{name}",
            "name": name,
            "scope": "excluded",
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for digest, name in lines
    ]


def _graph(packages: Iterable[LockedPackage]) -> list[Mapping[str, Any]]:
    every = tuple(packages)
    direct = [one.purl for one in every if _OWN in one.asked_for_by]
    return [
        {"ref": _OWN, "dependsOn": direct},
        *({"ref": ref, "dependsOn": asked} for ref, asked in dependencies(every)),
    ]
