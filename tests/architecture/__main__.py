"""Show what is longest, and who imports whom: `python -m tests.architecture`."""

import sys
from graphlib import TopologicalSorter

from tests.architecture.source import SHIPPED, length, modules, shipped


def main() -> None:
    """Print the three tables."""
    _show("longest functions, lines", sorted(_functions(), reverse=True)[:10])
    files = [(len(module.text.splitlines()), module.path) for module in shipped()]
    _show("longest files, lines", sorted(files, reverse=True)[:10])
    graph = _packages()
    sys.stdout.write("packages, in an order in which each imports only those before it\n")
    for package in TopologicalSorter(graph).static_order():
        sys.stdout.write(f"  {package:<24} imports {', '.join(sorted(graph[package])) or '-'}\n")
    circles = {name: module.imported(everywhere=False) for name, module in modules().items()}
    count = len(list(TopologicalSorter(circles).static_order()))
    sys.stdout.write(f"modules without a circle of imports: {count} (libraries included)\n")


def _functions() -> list[tuple[int, str]]:
    return [
        (length(function), f"{module.path}:{function.lineno} {function.name}")
        for module in shipped()
        for function in module.functions()
    ]


def _packages() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {package: set() for package in SHIPPED}
    for module in shipped():
        targets = {name.partition(".")[0] for name in module.imported()}
        graph[module.package] |= (targets & set(SHIPPED)) - {module.package}
    return graph


def _show(title: str, rows: list[tuple[int, str]]) -> None:
    sys.stdout.write(f"{title}\n")
    for number, name in rows:
        sys.stdout.write(f"  {number:>4}  {name}\n")


if __name__ == "__main__":
    main()
