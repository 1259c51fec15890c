"""Run a program that refuses to be run by root: `unprivileged.py DIRECTORY PROGRAM ...`.

PostgreSQL is such a program, and containers often have no other user. As root, the program gets a
user namespace in which this user is called `nobody`: it owns DIRECTORY as before, and no account is
made and no permission of a path above is loosened. Where the kernel allows none, DIRECTORY is given
to the real `nobody`. For anybody else the program is simply run.
Imports nothing of Esito, so that it starts in 20 ms.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

# <linux/sched.h>
CLONE_NEWUSER: Final = 0x10000000
# /etc/passwd of every system has it: PostgreSQL asks for its user's name.
NOBODY: Final = 65_534


def main(directory: Path, program: list[str]) -> None:
    """Replace this process by `program`, run by somebody who is not root."""
    if os.geteuid() == 0 and not _renamed():
        for path in (directory, *directory.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.execv(program[0], program)  # noqa: S606 - there is no shell, and none is wanted


def _renamed() -> bool:
    """Enter a user namespace in which root is `nobody`; tell whether the kernel let us."""
    if sys.platform != "linux" or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        return False
    own = Path("/proc/self")
    # user_namespaces(7): a process may map its own id alone once it has given up setgroups.
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{NOBODY} 0 1")
    (own / "gid_map").write_text(f"{NOBODY} 0 1")
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
