"""What a container is told to be, by its arguments."""

import pytest

from ops.container.__main__ import chosen


@pytest.mark.parametrize(
    ("arguments", "module", "rest"),
    [
        (["ingress"], "ingress", []),
        (["intake", "--help"], "intake", ["--help"]),
        (["streams"], "streams", []),
        (
            ["workers", "verifier", "--provider", "pivot"],
            "workers",
            ["verifier", "--provider", "pivot"],
        ),
        (["doctor", "--json"], "ops", ["doctor", "--json"]),
        (["esito", "topics", "apply"], "ops", ["topics", "apply"]),
        (["streams-of-others"], "ops", ["streams-of-others"]),
        ([], "ops", []),
    ],
)
def test_argument_names_a_process_or_a_command(
    arguments: list[str], module: str, rest: list[str]
) -> None:
    assert chosen(arguments) == (module, rest)
