"""Read the configuration: a YAML file for endpoints and limits, the environment for infrastructure.

Precedence: environment over file over default. Every environment variable starts with `ESITO_`;
unknown ones are errors, so a misspelt name is found at start and not in an incident. Relative paths
in the file are relative to the file, those in the environment to the working directory.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from contracts.errors import Broken, why_unread
from runtime.configuration import PREFIX, Configuration
from runtime.section import Section
from runtime.yaml_lines import Document, read_yaml

# The keys whose values are paths: a file or a directory, a list of files, or files by name.
_PATHS: Final = re.compile(r"(^|_)(file|files|directory)$")
DEFAULT_FILE: Final = Path("esito.yaml")
# Read by __main__ modules and tests; they are not settings of the running system.
OTHER_VARIABLES: Final = frozenset(
    {
        "ESITO_CONFIGURATION",
        "ESITO_FAILPOINT",
        "ESITO_INGRESS_INDEX",
        "ESITO_TEST_KAFKA",
        "ESITO_TEST_POSTGRES",
        "ESITO_CACHE",
    }
)


# For each name in the environment, without the prefix: whether it is a section, set key by key.
# The endpoints are a list, and a list is written in the file.
_VARIABLES: Final = {
    name.upper(): isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    for name, field in Configuration.model_fields.items()
    if name != "endpoints"
}
# Where pydantic says what is wrong but not what to do.
_FIXES: Final = {
    "extra_forbidden": "not a key here; see docs/CONFIGURATION.md for those there are",
    "missing": "missing, and there is no default; add it",
    "string_type": "must be text; put it in quotes",
    "int_parsing": "must be a whole number",
    "timezone_aware": "must have an offset, such as Z",
}


def load_configuration(file: Path, *, environ: Mapping[str, str]) -> Configuration:
    """Return the configuration in `file`, overridden by `environ`.

    Raises:
        Broken: one line for each fault, naming file, line (or the variable), key and what to
            change; never a value.
    """
    _refuse_unknown_variables(environ)
    try:
        text = read_file(file).decode()
    except UnicodeDecodeError:
        raise Broken(f"{file}: not UTF-8; save it as that") from None
    document = read_yaml(text, file=str(file), variables=environ)
    if not isinstance(document.value, dict):
        raise Broken(f"{file}:1: must be a mapping that has the key endpoints")
    given = _anchored(document.value, file.resolve().parent)
    for key in given:
        if key.startswith("_"):  # pydantic-settings takes such names for its own options
            raise Broken(f"{file}:{document.lines[key,]}: {key}: {_FIXES['extra_forbidden']}")
    try:
        return Configuration(**_overridden(given, _settings(environ)))
    except ValidationError as error:
        raise Broken(_faults(error, document, file, environ)) from None


def read_file(file: Path) -> bytes:
    """Return the configuration as it is written.

    Raises:
        Broken: there is no such file, or it is not ours to read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise Broken(
            f"{file}: cannot be read ({why_unread(error)}); name another with --configuration or "
            "ESITO_CONFIGURATION"
        ) from None


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    for name in environ:
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES:
            continue
        head, _, key = name.removeprefix(PREFIX).partition("__")
        # A section is set key by key: ESITO_INGRESS__PORT, never a whole ESITO_INGRESS.
        if head not in _VARIABLES or bool(key) != _VARIABLES[head]:
            raise Broken(
                f"{name} is not a setting; see docs/CONFIGURATION.md for the names there are"
            )


def _settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment sets, nested as the file is."""
    source = EnvSettingsSource(Configuration)
    # Given, not looked up: only __main__ modules know the environment.
    source.env_vars = {
        name.lower(): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    try:
        return source()
    except SettingsError as error:
        # 'error parsing value for field "worker" from …': a section inside it is given whole.
        head = PREFIX + str(error).split('"')[1].upper()
        raise Broken(f"{head}__…: a section is not set whole; set one key of it") from None


def _overridden(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        former = merged.get(key)
        if isinstance(former, dict) and isinstance(value, dict):
            merged[key] = _overridden(former, value)
        else:
            merged[key] = value
    return merged


def _anchored(value: Any, below: Path, *, paths: bool = False) -> Any:  # noqa: ANN401 - any YAML
    """Return `value` with every path in it below `below`; `paths`: its own texts are paths."""
    if isinstance(value, str):
        return str(below / value) if paths else value
    if isinstance(value, list):
        return [_anchored(item, below, paths=paths) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _anchored(item, below, paths=paths or _PATHS.search(str(key)) is not None)
        for key, item in value.items()
    }


def _faults(
    error: ValidationError, document: Document, file: Path, environ: Mapping[str, str]
) -> str:
    lines = []
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    parents = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    for fault in faults:
        path = fault["loc"]
        # pydantic leaves faulty items out of a list, and then may find the list too short.
        if fault["type"] == "too_short" and path in parents:
            continue
        message = _FIXES.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        variable = PREFIX + "__".join(str(part).upper() for part in path)
        if variable in environ:
            lines.append(f"{variable}: {message}")
        else:
            key = ".".join(str(part) for part in path) or "(whole file)"
            lines.append(f"{file}:{document.line_of(path) or 1}: {key}: {message}")
    return "\n".join(lines)
