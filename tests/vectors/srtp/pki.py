"""Make the keys and certificates of SRTP's vectors, once: `python -m tests.vectors.srtp.pki`.

They are recorded, because a vector is signed with them and must stay the same; a new PKI would
change every signature.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from simulator.pki import Identity
from simulator.pki_files import make_pki, read_identity, write_pki

DIRECTORY: Final = Path(__file__).parent / "pki"
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def identity(name: str) -> Identity:
    """Return a recorded identity."""
    return read_identity(DIRECTORY, name)


if __name__ == "__main__":
    write_pki(make_pki(now=NOW), DIRECTORY)
