"""Run a program that cannot outlive the thread that started it: `tether.py PARENT PROGRAM ...`.

The kernel is asked to kill this process when its parent goes, and then the program takes the
process over. A program of its own rather than a `preexec_fn`, which is unsafe beside threads.
Imports nothing of Esito, so that it starts in 20 ms.
"""

import ctypes
import os
import signal
import sys
from typing import Final

# <linux/prctl.h>
PR_SET_PDEATHSIG: Final = 1


def main(parent: int, program: list[str]) -> None:
    """Replace this process by `program`, tied to the life of the process `parent`."""
    # Elsewhere than on Linux there is no such request, and only `atexit` cleans up.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have gone before the request, which then never fires.
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - there is no shell, and none is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
