"""The house style, as far as a syntax tree can tell."""

import ast
import re

import pytest

from tests.architecture.source import ROOT, length, modules, shipped

FUNCTION_LINES_MAX = 40
FUNCTION_LINES_P90_MAX = 25
FILE_LINES_MAX = 300
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
}
FORBIDDEN_FILES = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "base",
    "core",
    "impl",
    "manager",
}
# Other people's names for what has a name here; OpenAPI's own keyword is its writer's to use.
FORBIDDEN_WORDS = ("webhook", "helper", "utils", "manager", "impl")
# Who may read the environment, and why; everybody else is given arguments.
ENVIRONMENT_READERS = {
    "runtime/process.py": "what every __main__ of a process begins with",
    "ingress/processes.py": "hands it on to the processes it starts",
    "ops/local/processes.py": "hands it on to the processes it starts",
    "ops/command_line.py": "what every command begins with",
    "ops/commands/config.py": "shows what the processes would read",
}
MAKERS_OF_PROVEN_VALUES = {
    "SignedBytes": {"workers/verifier/prove.py"},
    "SignedFields": {"workers/verifier/decode.py", "workers/verifier/decode_xml.py"},
}
NOQA = re.compile(r"#\s*noqa\b(?P<rest>[^\n]*)")
NOQA_WITH_REASON = re.compile(r": [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - \S.{4,}")


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name} {length(function)}"
        for module in modules().values()
        for function in module.functions()
        if length(function) > FUNCTION_LINES_MAX
    ]

    assert long == []


def test_nine_functions_in_ten_are_short() -> None:
    lengths = sorted(length(function) for module in shipped() for function in module.functions())

    assert lengths[len(lengths) * 9 // 10] <= FUNCTION_LINES_P90_MAX


def test_no_file_is_longer_than_one_can_read() -> None:
    long = {
        module.path: lines
        for module in modules().values()
        if (lines := len(module.text.splitlines())) > FILE_LINES_MAX
    }

    assert long == {}


def test_no_file_and_no_name_is_called_after_nothing() -> None:
    files = [
        module.path
        for module in modules().values()
        if FORBIDDEN_FILES & set(module.name.lower().split("."))
    ]
    names = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if any(word in node.name.lower() for word in FORBIDDEN_WORDS)
    ]

    assert files == []
    assert names == []


def test_every_exception_from_a_rule_has_its_reason() -> None:
    bare = [
        f"{module.path}:{number} {line.strip()}"
        for module in modules().values()
        if module.name != __name__
        for number, line in enumerate(module.text.splitlines(), 1)
        if (found := NOQA.search(line)) and not NOQA_WITH_REASON.match(found["rest"])
    ]

    assert bare == []


def test_only_the_beginnings_of_processes_read_the_environment() -> None:
    reading = {
        module.path
        for module in shipped()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
        if not module.path.endswith("__main__.py")
    }

    assert reading <= set(ENVIRONMENT_READERS)


@pytest.mark.parametrize("value", MAKERS_OF_PROVEN_VALUES)
def test_proven_values_are_made_by_the_verifier_alone(value: str) -> None:
    makers = {
        module.path
        for module in shipped()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _called(node) == value
    }

    assert makers == MAKERS_OF_PROVEN_VALUES[value]


def test_pure_modules_never_ask_for_the_time_nor_draw_lots() -> None:
    """Chance, like the time, is given to them: a `random.Random` as an argument."""
    asking = [
        f"{module.path}:{node.lineno}"
        for module in modules().values()
        if module.is_pure
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name)
        if (node.value.id, node.attr) in CLOCKS
        or (node.value.id == "random" and node.attr != "Random")
    ]

    assert asking == []


def test_tests_neither_sleep_nor_skip_nor_patch_our_code() -> None:
    forbidden = {"skip", "skipif", "xfail", "importorskip", "setattr"}
    found = [
        f"{module.path}:{node.lineno} {ast.unparse(node)}"
        for module in modules().values()
        if module.package == "tests"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (
            (node.value.id in {"pytest", "mark", "monkeypatch"} and node.attr in forbidden)
            or (node.value.id == "time" and node.attr == "sleep")
        )
    ]
    mocking = [
        module.path
        for module in modules().values()
        if "unittest.mock" in module.imported() or "unittest" in module.imported()
    ]

    assert found == []
    assert mocking == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    """A clone must work anywhere; names are put together here so that this file passes too."""
    named = re.compile(
        "|".join(("/work" + "/", "/root" + "/", "pypi" + r"\.org", "repo1" + r"\.maven"))
    )

    found = [
        f"{module.path}: {hit[0]}"
        for module in modules().values()
        if (hit := named.search(module.text))
    ]

    assert found == []
    assert not named.search((ROOT / "pyproject.toml").read_text())


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
