"""Call tools from outside PyPI; one that is missing is an error that says what to install."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SECONDS_MAX: Final = 240
_INSTALL: Final = {
    "node": "Node.js 20 or later",
    "npm": "npm 11 or later, which comes with Node.js",
    "mvn": "Apache Maven 3.8 or later (Debian: maven)",
    "java": "a JDK, 17 or later (Debian: openjdk-17-jdk-headless)",
}


def tool(name: str) -> str:
    """Return the path of a tool.

    Raises: AssertionError when it is not installed.
    """
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed: {_INSTALL[name]} is needed"
    return found


def call(
    *words: str, directory: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Return what a tool printed, whether it ended well or not; the first word is its name."""
    return subprocess.run(
        [tool(words[0]), *words[1:]],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def called(*words: str, directory: Path) -> str:
    """Return what a tool printed.

    Raises: AssertionError with all of it, when the tool ended with another code than 0.
    """
    done = call(*words, directory=directory)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout
