"""Declare how secrets are configured: by the files that hold them, several side by side."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from runtime.section import Name, Section


class KeyFile(Section):
    """One secret, named by the file that holds it; the id is what logs and metrics show."""

    id: Name = Field(description="What logs and metrics call the key.", examples=["2026-11"])
    file: Path = Field(
        description="Holds the secret alone; a line feed at its end is no part of it.",
        examples=["keys/pivot-api-key"],
    )
    not_before: AwareDatetime | None = Field(
        None,
        description="The key is refused for callbacks received earlier; default: no bound.",
        examples=["2026-11-01T00:00:00Z"],
    )
    not_after: AwareDatetime | None = Field(
        None,
        description="The key is refused for callbacks received from then on; default: no bound.",
        examples=["2027-11-01T00:00:00Z"],
    )


class Keys(Section):
    """The keys of one credential, all valid side by side."""

    keys: Annotated[tuple[KeyFile, ...], Field(min_length=1)] = Field(
        description="All are valid side by side, so a key is changed without a gap."
    )

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ValueError("two keys have one id; give each its own")
        return self
