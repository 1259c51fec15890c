"""Say what passes between the verifier and the processes that judge files for it. Pure.

Messages are JSON behind four bytes of length; the file itself is an open descriptor beside it.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.needs import PdfFacts, PdfFault, PdfSignature, SignatureOutcome
from runtime.notification_configuration import Pdf

LENGTH_BYTES: Final = 4
READY: Final = b"ready"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(_Message):
    """What a judging process is told once. `roots` are certificates, DER in base64."""

    memory_bytes_max: int
    seconds_max: float
    pages_max: int
    objects_max: int
    encrypted_taken: bool
    scripts_taken: bool
    roots: tuple[str, ...] = Field((), repr=False)

    @classmethod
    def of(cls, pdf: Pdf, roots: tuple[str, ...]) -> "Settings":
        """Return the settings that the section `pdf` of an endpoint amounts to."""
        return cls(
            memory_bytes_max=pdf.memory_bytes_max,
            seconds_max=pdf.seconds_max,
            pages_max=pdf.pages_max,
            objects_max=pdf.objects_max,
            encrypted_taken=pdf.encrypted == "taken",
            scripts_taken=pdf.scripts == "taken",
            roots=roots,
        )


class Job(_Message):
    """What to find out of one file; `at` is when the request that names it was received."""

    kind: Literal["pdf", "json"]
    signatures: bool = False
    at: str = ""


class Digest(_Message):
    """What a process says of any file first: SHA-256 of all bytes, in base64."""

    sha256: str
    bytes_total: int


class Found(_Message):
    """What a process says of a PDF behind that."""

    fault: PdfFault = ""
    pages: int = 0
    signatures: tuple[SignatureOutcome, ...] = ()

    def facts(self) -> PdfFacts:
        """Return it as evidence."""
        return PdfFacts(self.fault, self.pages, tuple(map(PdfSignature, self.signatures)))


def framed(message: bytes) -> bytes:
    """Return a message behind its length."""
    return len(message).to_bytes(LENGTH_BYTES) + message
