"""Read the project's own source as syntax trees, once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
SHIPPED: Final = (
    "contracts",
    "runtime",
    "ingress",
    "intake",
    "workers",
    "streams",
    "ops",
    "simulator",
)
OWN: Final = (*SHIPPED, "benchmarks", "tests")

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One file: its dotted name, its path from the root, its text and its tree."""

    name: str
    path: str
    text: str
    tree: ast.Module = field(repr=False)

    @property
    def package(self) -> str:
        """Return the top-level package."""
        return self.name.partition(".")[0]

    @property
    def is_pure(self) -> bool:
        """Tell whether the file promises purity: in its first lines, or as a part of contracts."""
        opening = (ast.get_docstring(self.tree) or "").partition("\n\n")[0]
        return self.package == "contracts" or "Pure." in opening or "Pure:" in opening

    def functions(self) -> Iterator[AnyFunction]:
        """Yield every function and method."""
        for node in ast.walk(self.tree):
            if isinstance(node, AnyFunction):
                yield node

    def imported(self, *, everywhere: bool = True) -> frozenset[str]:
        """Return the modules this one imports, own submodules by their full name.

        Without `everywhere`, only those imported when the module is: not inside functions.
        """
        return _imported(self.name, everywhere=everywhere)

    def texts(self) -> frozenset[str]:
        """Return every text that stands in the module."""
        return _texts(self.name)


@cache
def modules() -> dict[str, Module]:
    """Return every module of the project by its name."""
    found = {}
    for package in OWN:
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT)
            if "node_modules" in path.parts:  # what `make deploy` installs
                continue
            name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            text = file.read_text()
            found[name] = Module(name, str(path), text, ast.parse(text))
    return found


def shipped() -> list[Module]:
    """Return the modules that are installed."""
    return [module for module in modules().values() if module.package in SHIPPED]


@cache
def _imported(name: str, *, everywhere: bool) -> frozenset[str]:
    tree = modules()[name].tree
    found: set[str] = set()
    for node in ast.walk(tree) if everywhere else _outside_functions(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {_target(node.module, alias.name) for alias in node.names}
    return frozenset(found)


@cache
def _texts(name: str) -> frozenset[str]:
    return frozenset(
        node.value
        for node in ast.walk(modules()[name].tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def length(function: AnyFunction) -> int:
    """Return the lines of a function, from its name to its end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, AnyFunction | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def _target(module: str, name: str) -> str:
    """Return what `from module import name` imports: a module of ours, or the module itself."""
    file = ROOT / Path(*module.split("."), name)
    is_module = file.with_suffix(".py").exists() or (file / "__init__.py").exists()
    return f"{module}.{name}" if is_module else module
