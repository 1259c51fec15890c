"""Describe what must be looked up before a payload can be judged, and what was found.

A provider's `needs` names them; the verifier's lookups find them, whatever the provider; its
`translate` reads what was found. Nothing here may be logged: file names and addresses are personal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

CONTENT_BYTES_MAX: Final = 1_048_576  # of a JSON file. F24 metadata has 2 kB.
# Of all JSON files of one request: 2,000 files of F24 metadata. A partition holds what 32 requests
# need (lookups.py): 128 MiB at the worst.
CONTENTS_BYTES_MAX: Final = 4_194_304

SignatureOutcome = Literal[
    "valid", "tampered", "changed_later", "partial", "untrusted", "expired", "unsupported"
]
PdfFault = Literal[
    "",
    "no_pdf",
    "broken",
    "encrypted",
    "scripted",
    "too_complex",
    "too_slow",
    "too_much_memory",
]


@dataclass(frozen=True, slots=True)
class FileNeed:
    """A stored file that a request names.

    `sha256` is the declared digest, in base64; `body` is the public body that must have uploaded
    it. `pades` is the policy for signatures in it.
    """

    kind: Literal["pdf", "json"]
    key: str
    version_token: str
    sha256: str
    body: str
    pades: Literal["required", "if_present", "off"] = "off"


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """What one signature in a PDF amounts to.

    `changed_later`: a revision after it changes what is shown. `partial`: it does not cover the
    revision that it ends.
    """

    outcome: SignatureOutcome


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a PDF is. `fault` is empty where its structure could be read within the limits."""

    fault: PdfFault
    pages: int = 0
    signatures: tuple[PdfSignature, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was found of a file; `sha256` in base64 and `bytes_total` are of what is stored.

    `absent`: never uploaded, or uploaded by another body. `gone`: removed, or its time is over.
    `content` is given of a JSON file within the limits above.
    """

    outcome: Literal["found", "absent", "gone"]
    sha256: str = ""
    bytes_total: int = 0
    pdf: PdfFacts | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AddressNeed:
    """A recipient's address: to be normalised, or to be looked up where there is none."""

    recipient: int
    tax_id: str = field(repr=False)
    recipient_type: Literal["PF", "PG"]
    address: Mapping[str, str] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddressFound:
    """What a registry says. `failed`: it gave no answer before the time was over."""

    outcome: Literal["found", "not_found", "not_valid", "failed"]
    address: Mapping[str, str] | None = field(default=None, repr=False)
