"""Build the example subscribers as their READMEs' readers do, and run them as processes."""

import os
import shutil
import signal
import subprocess
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.generate import ROOT
from tests.deploy.tools import SECONDS_MAX, called, tool

EXAMPLES: Final = ROOT / "examples"
_MAIN_CLASS: Final = "example.Subscriber"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One built example: its language, and the words that start it."""

    language: str
    command: Sequence[str]

    def start(self, settings: Mapping[str, str], errors: Path) -> subprocess.Popen[bytes]:
        """Start it with `settings` in its environment; what it complains of goes to `errors`."""
        with errors.open("ab") as file:
            return subprocess.Popen(
                self.command, env={**os.environ, **settings}, stdout=file, stderr=file
            )


def python_subscriber(directory: Path) -> Subscriber:
    """Install what the lock names into an environment of its own, for the Python one."""
    folder = _copy("python", directory)
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    locked = ("--require-hashes", "--requirement", "requirements.lock")
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *locked)
    subprocess.run([python, *pip], cwd=folder, check=True, timeout=SECONDS_MAX)
    return Subscriber("python", (python, str(folder / "subscribe.py")))


def java_subscriber(directory: Path) -> Subscriber:
    """Compile the Java one in a copy of its folder."""
    folder = _copy("java", directory)
    # To a file: Debian's mvn prints codes that reset a terminal's colours, whatever it is told.
    path = folder / "class-path.txt"
    echo = ("exec:exec", "-Dexec.executable=echo", "-Dexec.args=%classpath")
    goals = ("compiler:compile", *echo, f"-Dexec.outputFile={path}")
    called("mvn", "--batch-mode", "--quiet", *goals, directory=folder)
    class_path = path.read_text().strip()
    # Without the file of counters that a JVM makes: a test lets no file grow so long.
    return Subscriber("java", (tool("java"), "-XX:-UsePerfData", "-cp", class_path, _MAIN_CLASS))


def typescript_subscriber(directory: Path) -> Subscriber:
    """Install what the lock names and compile the TypeScript one in a copy of its folder."""
    folder = _copy("typescript", directory)
    called("npm", "ci", "--no-audit", "--no-fund", directory=folder)
    called("npm", "run", "build", directory=folder)
    return Subscriber("typescript", (tool("node"), str(folder / "dist" / "subscribe.js")))


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Send a signal; return the exit code."""
    process.send_signal(number)
    return process.wait(timeout=30)


def _copy(language: str, directory: Path) -> Path:
    built = shutil.ignore_patterns(".venv", "node_modules", "dist", "target")
    return Path(shutil.copytree(EXAMPLES / language, directory / language, ignore=built))
