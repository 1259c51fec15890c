"""Write every file that is derived from the code: `python -m ops.generate [--check] [PATH …]`.

With `--check` nothing is written: each file that differs is named, and the exit code is 1.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from contracts.provider import Provider
from contracts.providers import all_providers
from ops.generated.access import access_page
from ops.generated.asyncapi import asyncapi_document
from ops.generated.configuration import configuration_page
from ops.generated.dashboard_operations import KAFKA, KEYS
from ops.generated.dashboard_providers import OVERVIEW, PROVIDER
from ops.generated.dashboard_send import SEND
from ops.generated.dashboards import dashboard_json
from ops.generated.json_schemas import SCHEMAS, json_schema
from ops.generated.kubernetes import kubernetes_files
from ops.generated.licences import licences_page
from ops.generated.lifecycles import lifecycle_pictures, lifecycles_page
from ops.generated.openapi import openapi_document
from ops.generated.openapi_intake import openapi_intake_document
from ops.generated.openapi_streams import openapi_streams_document
from ops.generated.sbom import sbom_document
from ops.generated.telemetry import telemetry_page
from ops.packages.locked import production_lock

ROOT: Final = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or compare the generated files below `root`; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name what differs")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="only these; default: all")
    options = parser.parse_args(arguments)
    files = generated_files()
    unknown = set(options.paths) - set(files)
    if unknown:
        parser.error(f"not generated: {', '.join(sorted(unknown))}; there are {', '.join(files)}")
    chosen = {path: files[path] for path in options.paths or files}
    differing = [path for path, text in chosen.items() if _read(root / path) != text]
    if options.check:
        for path in differing:
            sys.stderr.write(f"{path} differs from its source; make contracts writes it anew\n")
        return 1 if differing else 0
    for path in differing:
        _write(root / path, chosen[path])
        sys.stdout.write(f"{path}\n")
    return 0


def generated_files() -> dict[str, str]:
    """Return the text of each generated file by its path from the root."""
    providers = all_providers()
    return {
        "ingress/doors.json": doors(providers),
        "docs/CONFIGURATION.md": configuration_page(),
        "docs/TELEMETRY.md": telemetry_page(),
        "docs/ACCESS.md": access_page(),
        "docs/LIFECYCLES.md": lifecycles_page(providers.values()),
        "docs/LICENCES.md": licences_page(),
        "docs/sbom.cdx.json": sbom_document(),
        "requirements.production.lock": production_lock(),
        **{f"docs/{path}": text for path, text in lifecycle_pictures(providers.values()).items()},
        "docs/asyncapi.yaml": asyncapi_document(providers.values()),
        "docs/openapi.yaml": openapi_document(),
        "docs/openapi-intake.yaml": openapi_intake_document(),
        "docs/openapi-streams.yaml": openapi_streams_document(),
        **{
            f"deploy/monitoring/dashboards/{one.name}.json": dashboard_json(one)
            for one in (OVERVIEW, PROVIDER, KEYS, KAFKA, SEND)
        },
        **{f"docs/schemas/{name}.schema.json": json_schema(name) for name in SCHEMAS},
        **kubernetes_files(ROOT),
    }


def doors(providers: Mapping[str, Provider]) -> str:
    """Return what the ingress may know of the providers: ingress/doors.json."""
    found = [provider.door.model_dump(mode="json") for provider in providers.values()]
    return json.dumps(found, indent=2) + "\n"


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
