"""Render an overlay with the tool that its users have, and let no warning pass."""

import shutil
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml

from tests.deploy.objects import Object, Rendered

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "k8s"
CLUSTERS = ("kafka/cluster", "kafka/plaintext")
OVERLAYS = ("overlays/dev", "overlays/production", "overlays/single-provider")
# Both are safe; the one in C reads in a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SECONDS_MAX = 60


@cache
def rendered_text(directory: str) -> str:
    """Return what the tool makes of a directory of deploy/k8s.

    Raises:
        RuntimeError: there is no tool, or it warned or failed; the message says what to do.
    """
    command = [tool("kubectl", "1.27"), "kustomize", str(FOLDER / directory)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False
    )
    if done.returncode or done.stderr:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.returncode}")
    return done.stdout


def rendered(directory: str) -> Rendered:
    """Return the objects of a directory of deploy/k8s; they may be changed."""
    return Rendered(deepcopy(_objects(directory)))


def tool(name: str, version: str) -> str:
    """Return where a program is.

    Raises:
        RuntimeError: it is not there; the message says what to do.
    """
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not there: install it, {version} or later")
    return found


@cache
def _objects(directory: str) -> list[Object]:
    return [one for one in yaml.load_all(rendered_text(directory), Loader=LOADER) if one]
