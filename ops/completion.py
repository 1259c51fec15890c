"""Complete names from the configuration while somebody types: no Kafka, no word of faults."""

from pathlib import Path
from typing import Final

import typer

# That of runtime.configuration_file, which takes 0.3 s to import.
_DEFAULT_FILE: Final = "esito.yaml"


def endpoint_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the endpoints that a shell may complete `incomplete` to."""
    return _written(ctx, "name", incomplete)


def provider_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the providers that a shell may complete `incomplete` to."""
    return _written(ctx, "provider", incomplete)


def _written(ctx: typer.Context, key: str, incomplete: str) -> list[str]:
    """Return the values of `key` in the file's endpoints; none if anything is wrong with it."""
    import yaml  # noqa: PLC0415 - nothing else that the command line imports needs it

    file = Path(ctx.params.get("configuration") or _DEFAULT_FILE)
    try:
        found = {one[key] for one in yaml.safe_load(file.read_text())["endpoints"]}
        return sorted(one for one in found if one.startswith(incomplete))
    except Exception:  # noqa: BLE001 - half a line is no place to tell of a fault
        return []
