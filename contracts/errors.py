"""Tell three failures apart by who must act.

EsitoError
├── Rejected      the record is at fault: dead letter, go on
├── Unavailable   something we need is away: abort, back off, read again
└── Broken        we are at fault (configuration, code): stop the process with a clear message
"""

from contracts.codes import RejectionCode


class EsitoError(Exception):
    """The base of every error that Esito raises on purpose."""


class Rejected(EsitoError):
    """The record can never become a status; it is kept as a dead letter under `code`.

    `detail` is written to a header, so it names fields and rules, never values of the body.
    """

    def __init__(self, code: RejectionCode, detail: str = "") -> None:
        """Keep the code and the detail; the message is both."""
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class Unavailable(EsitoError):
    """Something outside this process is away; the same record will be read again."""


class Broken(EsitoError):
    """The process cannot do its work as configured; a person must act."""


def why_unread(error: OSError | ValueError) -> str:
    """Return why a file of text cannot be read: the system's words, or that it is no text."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not text"
