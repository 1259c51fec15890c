"""Read YAML and remember on which line each key stands, so that an error can name it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from contracts.errors import Broken

Path = tuple[str | int, ...]
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(slots=True)
class Document:
    """The plain value of a YAML document, and the line (from 1) of every path in it."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int | None:
        """Return the line of `path`, or of the nearest parent that is written down."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)


def read_yaml(text: str, *, file: str, variables: Mapping[str, str]) -> Document:
    """Return the document in `text`, with each `${NAME}` replaced from `variables`.

    Raises:
        Broken: not YAML, a key twice, or an unset variable; the message names file, line and key.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Broken(f"{file}:{line}: not YAML: {error.problem}") from None
    document = Document(value={})
    if node is not None:
        document.value = _Reader(file, variables, document.lines).value(node, ())
    return document


@dataclass(slots=True)
class _Reader:
    file: str
    variables: Mapping[str, str]
    lines: dict[Path, int]

    def value(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - YAML holds any value
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                raise Broken(f"{self.file}:{line}: {key}: given twice; keep one")
            self.lines[(*path, key)] = line
            found[key] = self.value(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:  # noqa: ANN401
        line = node.start_mark.line + 1

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self.variables:
                key = ".".join(str(part) for part in path)
                raise Broken(f"{self.file}:{line}: {key}: ${{{name}}} is not set; export {name}")
            return self.variables[name]

        text = _VARIABLE.sub(replace, node.value)
        if text != node.value:
            # A replaced value is read as YAML would read it in place, so numbers stay numbers.
            return yaml.safe_load(text)
        return yaml.SafeLoader("").construct_object(node)  # type: ignore[no-untyped-call]
