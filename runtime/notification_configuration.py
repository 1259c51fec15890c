"""Declare how SEND's part of an endpoint is configured: public bodies, files, checks of a request.

One endpoint of the provider `send` has a `notifications` section: the intake takes requests for it,
the verifier judges them by it, and its path takes the timeline elements of the delivery system.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from runtime.endpoint_keys import KeyFile, Keys
from runtime.section import Count, Name, Seconds, Section

TaxId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{11,16}$")]
# Of one SEND deployment; higher than any PDF the manual allows (200 MB).
_FILE_BYTES_MAX = 209_715_200


class BodyKey(KeyFile):
    """One API key of a public body; a key with groups sees what belongs to one of them alone."""

    groups: tuple[str, ...] = Field((), description="Default: the key sees all of its body.")


class Body(Section):
    """A public body that sends notifications; it sees nothing of the others."""

    id: Name = Field(description="Part of events and records: never change it.")
    tax_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")] = Field(
        description="A request's senderTaxId must be this one."
    )
    keys: Annotated[tuple[BodyKey, ...], Field(min_length=1)] = Field(
        description="Its API keys (header x-api-key), all valid side by side."
    )
    pades: Literal["required", "if_present", "off"] = Field(
        "if_present", description="Whether the PDFs it sends must be signed."
    )
    addresses_looked_up: bool = Field(
        default=False, description="A recipient without a physical address is looked up."
    )
    sheets_max: Count | None = Field(
        None, description="The most sheets of paper of one envelope; default: no bound."
    )


class Pdf(Section):
    """What a PDF attachment must be."""

    bytes_max: Annotated[int, Field(gt=0, le=_FILE_BYTES_MAX)] = Field(
        _FILE_BYTES_MAX, description="A larger one is FILE_PDF_TOOBIG_ERROR."
    )
    pages_max: Count = Field(5_000, description="More pages are refused.")
    objects_max: Count = Field(200_000, description="More objects are refused.")
    seconds_max: Seconds = Field(20, description="How long one file may take to be judged.")
    memory_bytes_max: Count = Field(
        1_073_741_824, description="Address space of the process that judges files."
    )
    encrypted: Literal["refused", "taken"] = Field("refused", description="Encrypted PDFs.")
    scripts: Literal["refused", "taken"] = Field(
        "refused", description="PDFs with JavaScript, launch actions or embedded files."
    )
    trust_files: tuple[Path, ...] = Field(
        (),
        description="PEM: roots that signatures in PDFs must lead to; without, none is trusted.",
    )
    processes: Count = Field(1, description="Processes that judge files, beside the worker's own.")


class Registry(Section):
    """Where addresses are looked up and normalised."""

    kind: Literal["local", "http"] = Field(
        "local", description="local: a deterministic one of ours; http: a service."
    )
    url: Annotated[str, StringConstraints(pattern=r"^https://")] | None = Field(
        None, description="Of the service.", examples=["https://addresses/v1"]
    )
    ca_file: Path | None = Field(
        None, description="PEM: who signed the service's certificate; default: the system's."
    )
    api_key_file: Path | None = Field(
        None, description="Holds our key there alone (header x-api-key); default: none is sent."
    )
    timeout_seconds: Seconds = Field(5, description="Of one attempt to ask.")
    give_up_seconds: Seconds = Field(
        86_400,
        description="From receipt; a request still without an answer is ADDRESS_SEARCH_FAILED.",
    )

    @model_validator(mode="after")
    def _service_has_a_url(self) -> Self:
        if (self.kind == "http") != bool(self.url):
            raise ValueError("kind: http needs url; kind: local takes none")
        return self


class Attachments(Section):
    """Where files are uploaded, and for how long a slot and a file are kept."""

    slot_keys: Annotated[tuple[KeyFile, ...], Field(min_length=1)] = Field(
        description="Seal upload slots and version tokens; the first valid one makes new ones. "
        "Put a new one first and let the old one end unused_days later."
    )
    slot_minutes: Count = Field(60, description="How long a slot may be used.")
    unused_days: Count = Field(7, description="A file that no accepted request names is removed.")
    retained_days: Count = Field(120, description="Files of an accepted request are kept so long.")
    # SEND publishes none of its own: these are far above a request as it is, and each file may cost
    # its partition 20 seconds.
    recipients_max: Count = Field(20, description="Of one request; one with more is answered 400.")
    documents_max: Count = Field(15, description="Of one request; one with more is answered 400.")
    payments_max: Count = Field(
        40, description="Of all recipients of one request; one with more is answered 400."
    )


class Notifications(Section):
    """SEND: who may send, where files lie, how requests are judged."""

    bodies: Annotated[tuple[Body, ...], Field(min_length=1)] = Field(
        description="The public bodies."
    )
    attachments: Attachments = Field(description="Upload slots and files.")
    request_days: Count = Field(
        120,
        description="Requests are shown so long, refused ones attachments.unused_days; "
        "then PostgreSQL forgets what they say.",
    )
    iun_keys: Keys = Field(
        description="Permute the numbers of IUNs; a new one begins with a month (UTC)."
    )
    iun_half: Literal[0, 1] = Field(
        0, description="The other half of the numbers: for raw topics created anew within a month."
    )
    pdf: Pdf = Field(Pdf(), description="What PDF attachments must be.")
    registry: Registry = Field(Registry(), description="Where addresses are looked up.")
    tax_ids_accepted: tuple[TaxId, ...] = Field((), description="Taken without a check.")
    tax_ids_refused: tuple[TaxId, ...] = Field((), description="Never taken.")
    tax_ids_checked: bool = Field(default=True, description="Whether check letters are verified.")
    address_rows_checked: bool = Field(
        default=True, description="Whether rows and characters of addresses are checked."
    )

    @model_validator(mode="after")
    def _bodies_differ(self) -> Self:
        for what in ("id", "tax_id"):
            if len({getattr(body, what) for body in self.bodies}) != len(self.bodies):
                raise ValueError(f"two bodies have one {what}; give each its own")
        return self
