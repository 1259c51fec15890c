"""Hold what every part of the configuration is made of: a closed section, and its small types."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$", to_lower=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Days = Positive
Seconds = Positive
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """The base of every part of the file: closed to unknown keys, no values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
