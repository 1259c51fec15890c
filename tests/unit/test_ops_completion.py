"""Shell completion, in a real bash: commands, options, names in the file, without a Kafka."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What bash does when somebody presses the tabulator after these words.
PRESSED = 'source /dev/stdin && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _esito_completion esito'

CONFIGURATION = """
endpoints:
  - {name: pivot-id, provider: pivot}
  - {name: pivot-my, provider: pivot}
  - {name: srtp-bank, provider: srtp}
"""
FAULTY = "endpoints: [{name: &a x}, *a, {nome: ${NOBODY"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (("rev",), ["reverify"]),
        (("dead-letters", ""), ["ls", "replay", "show"]),
        (("dead-letters", "replay", "--re"), ["--report"]),
        (("reverify", "--tr"), ["--transaction"]),
        (("tap", "--code", "un"), ["unknown_status", "unsolicited"]),
        (("tap", "--provider", ""), ["pivot", "srtp"]),
        (("tap", "--endpoint", "p"), ["pivot-id", "pivot-my"]),
        (("transaction", "show", ""), ["pivot-id", "pivot-my", "srtp-bank"]),
        (("keys", "rotate", "--configuration", "faulty.yaml", ""), []),
        (("keys", "rotate", "--configuration", "none.yaml", ""), []),
    ],
)
def test_bash_completes_commands_options_and_names(
    tmp_path: Path, words: tuple[str, ...], completed: list[str]
) -> None:
    (tmp_path / "esito.yaml").write_text(CONFIGURATION)
    (tmp_path / "faulty.yaml").write_text(FAULTY)
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
        cwd=tmp_path,
    )

    assert sorted(found.stdout.split()) == completed
    assert found.stderr == ""
