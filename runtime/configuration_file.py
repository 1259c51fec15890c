"""Read the configuration: a YAML file for endpoints and limits, the environment for infrastructure.

Precedence: environment over file over default. Every environment variable starts with `ESITO_`;
unknown ones are errors, so a misspelt name is found at start and not in an incident. Relative paths
in the file are relative to the file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.errors import Broken
from runtime.configuration import PREFIX, Configuration
from runtime.yaml_lines import Document, read_yaml

DEFAULT_FILE: Final = Path("esito.yaml")
# Read by __main__ modules and tests; they are not settings of the running system.
OTHER_VARIABLES: Final = frozenset(
    {
        "ESITO_CONFIGURATION",
        "ESITO_FAILPOINT",
        "ESITO_INGRESS_INDEX",
        "ESITO_TEST_KAFKA",
        "ESITO_CACHE",
    }
)


def load_configuration(file: Path, *, environ: Mapping[str, str]) -> Configuration:
    """Return the configuration in `file`, overridden by `environ`.

    Raises:
        Broken: one line for each fault, naming file, line, key and rule; never a value.
    """
    _refuse_unknown_variables(environ)
    try:
        text = file.read_text()
    except OSError as error:
        raise Broken(
            f"{file}: cannot be read ({error.strerror}); name another with --configuration or "
            "ESITO_CONFIGURATION"
        ) from None
    document = read_yaml(text, file=str(file), variables=environ)
    if not isinstance(document.value, dict):
        raise Broken(f"{file}:1: must be a mapping that has the key endpoints")
    try:
        return Configuration(**_anchored(document.value, file.resolve().parent))
    except ValidationError as error:
        raise Broken(_faults(error, document, file)) from None


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Configuration.model_fields}
    for name in environ:
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            head = name.split("__")[0]
            if head not in known:
                raise Broken(
                    f"{name} is not a setting; see docs/CONFIGURATION.md for the names there are"
                )


def _anchored(value: Any, directory: Path) -> Any:  # noqa: ANN401 - YAML holds any value
    if isinstance(value, list):
        return [_anchored(item, directory) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(directory / item)
        if isinstance(item, str) and (key == "file" or key.endswith("_file"))
        else _anchored(item, directory)
        for key, item in value.items()
    }


def _faults(error: ValidationError, document: Document, file: Path) -> str:
    lines = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        path = tuple(fault["loc"])
        key = ".".join(str(part) for part in path) or "(whole file)"
        line = document.line_of(path)
        place = f"{file}:{line}" if line and path and path[0] in document.value else str(file)
        lines.append(f"{place}: {key}: {fault['msg']}")
    return "\n".join(lines)
