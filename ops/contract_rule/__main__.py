"""Tell what changed in the contracts since the last release, and what of it breaks others.

`python -m ops.contract_rule` prints every change, after `make contracts`; the exit code is 1 if one
breaks. With `--release` the contracts as they are become those of the project's version, unless
something breaks, or changed under the version that was released. The rule in words:
docs/CONTRACTS_CHANGELOG.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ops.contract_rule.changes import contract_changes
from ops.contract_rule.surface import surface
from ops.generate import ROOT
from ops.generated.yaml_text import project_version

RELEASED: Final = "ops/contract_rule/released.json"


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Print the changes, or make them part of the release; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.contract_rule", description=__doc__)
    parser.add_argument("--release", action="store_true", help="release what is")
    options = parser.parse_args(arguments)
    now, version = surface(ROOT / "docs"), project_version()
    # Without the file nothing was released that could break.
    before = released(root) if (root / RELEASED).exists() else None
    changes = list(contract_changes(before["surface"], now)) if before else []
    for change in changes:
        sys.stdout.write(f"{'breaks' if change.breaks else 'passes'} {change}\n")
    if any(change.breaks for change in changes):
        return 1
    if options.release:
        if before and before["version"] == version and before["surface"] != now:
            sys.stderr.write(f"{version} is released as it was: raise the project's version\n")
            return 1
        text = json.dumps({"version": version, "surface": now}, indent=1, ensure_ascii=False)
        (root / RELEASED).write_text(f"{text}\n", encoding="utf-8")
    return 0


def released(root: Path = ROOT) -> dict[str, Any]:
    """Return version and surface of the last release."""
    found: dict[str, Any] = json.loads((root / RELEASED).read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit(main())
