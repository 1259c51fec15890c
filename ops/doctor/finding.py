"""Say what the doctor found: one sentence, how bad it is, and the fix."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; only `fail` makes the doctor end with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    level: Level
    subject: str
    said: str
    fix: str = ""


def good(subject: str, said: str) -> Finding:
    """Return a finding that needs nobody."""
    return Finding(Level.OK, subject, said)


def doubtful(subject: str, said: str, fix: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(Level.WARN, subject, said, fix)


def bad(subject: str, said: str, fix: str) -> Finding:
    """Return a finding with which Esito does not work."""
    return Finding(Level.FAIL, subject, said, fix)
