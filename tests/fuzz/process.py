"""Fuzz one target: what `tests.fuzz` starts, a process for each target."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

INSTRUMENTED = ("contracts", "runtime", "workers")


def main() -> int:
    """Read the arguments and run until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.process", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    if given.plain:
        loading = nullcontext()
    else:
        import atheris  # noqa: PLC0415 - only some machines have it

        # Before anything of ours is imported: what is loaded already cannot be watched.
        loading = atheris.instrument_imports(include=list(INSTRUMENTED))
    with loading:
        from tests.fuzz.engine import Session, fuzz  # noqa: PLC0415 - see above
        from tests.fuzz.targets import target_named  # noqa: PLC0415 - see above
    target = target_named(given.target)
    session = Session(target, given.seconds, given.seed, given.directory, given.findings)
    fuzz(session, coverage=not given.plain)
    return 0


if __name__ == "__main__":
    sys.exit(main())
