"""Shell completion, in a real bash: commands, their commands, options, without a Kafka."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What bash does when somebody presses the tabulator after these words.
PRESSED = 'source /dev/stdin && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _esito_completion esito'


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (("rev",), ["reverify"]),
        (("dead-letters", ""), ["ls", "replay", "show"]),
        (("dead-letters", "replay", "--re"), ["--report"]),
        (("reverify", "--tr"), ["--transaction"]),
    ],
)
def test_bash_completes_commands_and_options(words: tuple[str, ...], completed: list[str]) -> None:
    folder = Path(sys.executable).parent
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    script = subprocess.run(
        ["esito"],  # noqa: S607 - found in this environment's folder
        check=True,
        capture_output=True,
        text=True,
        env={**environment, "_ESITO_COMPLETE": "source_bash"},
    )
    found = subprocess.run(
        ["bash", "-c", f'{PRESSED}; printf "%s\\n" "${{COMPREPLY[@]}}"', "bash", "esito", *words],  # noqa: S607 - wherever it is
        check=True,
        capture_output=True,
        text=True,
        input=script.stdout,
        env=environment,
    )

    assert sorted(map(str.strip, found.stdout.splitlines())) == completed
