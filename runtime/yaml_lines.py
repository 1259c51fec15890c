"""Read YAML and remember on which line each key stands, so that an error can name it.

- Mappings, lists, text, numbers, true and false, null: a tag or an alias is refused, so a document
  is never larger than its text, and makes no object of its own choosing.
- `${NAME}` in a value is replaced from the variables given. What comes in is never read as a list
  or a mapping; in quotes it stays text, else it may be a number.
- A date stays text: who needs an instant knows which dates are one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from contracts.errors import Broken

Path = tuple[str | int, ...]
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NOT_TEXT: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")
)


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
        Broken: not YAML, an alias or a tag, a key twice, or an unset variable; the message names
            file, line, key and what to change, never a value.
    """
    try:
        _refuse_aliases_and_tags(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = Document(value={})
        if node is not None:
            document.value = _Reader(file, variables, document.lines).value(node, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Broken(f"{file}:{line}: not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Broken(f"{file}:{line}: not YAML: a character that no text has") from None
    except RecursionError:
        raise Broken(f"{file}: nested too deeply to be a configuration") from None
    return document


def _refuse_aliases_and_tags(text: str, file: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise Broken(f"{file}:{line}: *{event.anchor}: no alias is taken; write the value out")
        if getattr(event, "tag", None) is not None:
            raise Broken(f"{file}:{line}: no tag is taken; put what must be text in quotes")


@dataclass(slots=True)
class _Reader:
    file: str
    variables: Mapping[str, str]
    lines: dict[Path, int]

    def value(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - YAML holds any value
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Broken(f"{self.file}:{line}: {_dotted(path)}: a key must be text")
            key = str(key_node.value)
            inner = (*path, key)
            if key in found:
                raise Broken(f"{self.file}:{line}: {_dotted(inner)}: given twice; keep one")
            self.lines[inner] = line
            found[key] = self.value(value_node, inner)
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:  # noqa: ANN401 - of four types
        text = _VARIABLE.sub(lambda match: self._variable(match[1], node, path), node.value)
        tag = node.tag
        if text != node.value and node.style is None:
            # Read as if it stood there, so numbers stay numbers; only the type is looked for.
            resolve: Callable[..., str] = yaml.SafeLoader("").resolve  # the stubs say nothing of it
            tag = resolve(yaml.ScalarNode, text, (True, False))
        if tag not in _NOT_TEXT:
            return text
        try:
            return yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text))
        except ValueError:
            place = f"{self.file}:{node.start_mark.line + 1}: {_dotted(path)}"
            raise Broken(f"{place}: not a number; put it in quotes if it is text") from None

    def _variable(self, name: str, node: yaml.ScalarNode, path: Path) -> str:
        if name not in self.variables:
            place = f"{self.file}:{node.start_mark.line + 1}: {_dotted(path)}"
            raise Broken(f"{place}: ${{{name}}} is not set; export {name}")
        return self.variables[name]


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path) or "(whole file)"
