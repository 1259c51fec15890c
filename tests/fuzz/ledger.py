"""Share with the watching process what a fuzzing process does, also when that one is killed.

A file in memory: how many inputs have run, and the input at hand, written before it runs.
"""

import mmap
from pathlib import Path
from struct import Struct
from typing import Final, Self

from tests.fuzz.target import BYTES_MAX

_HEAD: Final = Struct("<dQQ")  # seconds when the first input began, executions, bytes of the input


class Ledger:
    """The file, open in one of the two processes."""

    def __init__(self, file: Path) -> None:
        """Open the file, which `new` has made."""
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 0)
        self._executions = self.executions

    @classmethod
    def new(cls, file: Path) -> Self:
        """Make the file, and open it."""
        file.write_bytes(bytes(_HEAD.size + BYTES_MAX))
        return cls(file)

    @property
    def began(self) -> float:
        """Return the monotonic second when the first input began; 0: none has."""
        return float(_HEAD.unpack_from(self._memory)[0])

    @property
    def executions(self) -> int:
        """Return how many inputs have begun."""
        return int(_HEAD.unpack_from(self._memory)[1])

    @property
    def at_hand(self) -> bytes:
        """Return the input that began last."""
        length = _HEAD.unpack_from(self._memory)[2]
        return self._memory[_HEAD.size : _HEAD.size + length]

    def begin(self, now: float) -> None:
        """Note that the first input is about to run."""
        _HEAD.pack_into(self._memory, 0, now, self._executions, 0)

    def note(self, data: bytes) -> None:
        """Note that this input is about to run."""
        kept = data[:BYTES_MAX]
        self._executions += 1
        _HEAD.pack_into(self._memory, 0, self.began, self._executions, len(kept))
        self._memory[_HEAD.size : _HEAD.size + len(kept)] = kept
