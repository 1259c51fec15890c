"""Be the process that a container is told to be: its arguments are those after `python -m`.

`ingress`, `intake`, `streams` and `workers …` are the processes; `health [ready]` asks the one that
runs beside it; everything else is a command of `esito`.

It becomes that process instead of starting it, so that SIGTERM reaches who has to act on it. The
kernel gives the first process of a container no signal that it has no handler for: until the
process has its own, the one here ends it.
"""

import os
import runpy
import signal
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from ops.container.health import Probe, holds

_PROCESSES: Final = frozenset({"ingress", "intake", "streams", "workers"})
_COMMANDS: Final = "ops"
_DEFAULT_PORT: Final = 9090  # as in runtime/configuration.py, which loads too slowly for a probe


def main() -> None:
    """Become the process that the command line names."""
    signal.signal(signal.SIGTERM, _end)
    arguments = sys.argv[1:]
    if arguments[:1] == ["health"]:
        port = int(os.environ.get("ESITO_MANAGEMENT_PORT", _DEFAULT_PORT))
        probe = Probe.READY if arguments[1:] == ["ready"] else Probe.ALIVE
        sys.exit(0 if holds(probe, port=port) else 1)
    module, sys.argv[1:] = chosen(arguments)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def chosen(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the module to run and its arguments."""
    first, rest = arguments[:1], list(arguments[1:])
    if first and first[0] in _PROCESSES:
        return first[0], rest
    return _COMMANDS, rest if first == ["esito"] else list(arguments)


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
