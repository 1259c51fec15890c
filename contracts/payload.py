"""Validate a payload: strict about what a decision needs, silent about what may be added."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from contracts.codes import RejectionCode
from contracts.errors import Rejected

_FRACTION_DIGITS_MAX: Final = 9
_WHOLE_DIGITS_MAX: Final = 18  # Pivot's own bound for amounts in strings
_ERRORS_SHOWN_MAX: Final = 3


class Payload(BaseModel):
    """The base of payload models: unknown members are ignored, types are not coerced."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=Payload)


def validate(model: type[Model], members: Mapping[str, Any]) -> Model:
    """Return `members` as `model`.

    Raises:
        Rejected: `payload_invalid`; the detail names fields and rules, never values.
    """
    try:
        return model.model_validate(members)
    except ValidationError as error:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, rules_broken(error)) from None


def rules_broken(error: ValidationError) -> str:
    """Return which fields break which rules, for a person; never a value."""
    # str(error) would print the input: personal data in a header.
    found = error.errors(include_input=False, include_url=False, include_context=False)
    rules = [f"{'.'.join(str(part) for part in one['loc'])}: {one['type']}" for one in found]
    return "; ".join(rules[:_ERRORS_SHOWN_MAX])


def decimal_text(given: object) -> str:
    """Return an amount as decimal text with the digits given: a JSON number, or a string of digits.

    The decoder hands over JSON numbers as int or Decimal: no digit is lost to a float on the way.

    Raises:
        ValueError: it is neither, or has more digits than money has.
    """
    if isinstance(given, bool) or not isinstance(given, int | str | Decimal):
        raise ValueError("not an amount")  # noqa: TRY004 - pydantic takes a TypeError for a bug
    text = str(given)
    if isinstance(given, Decimal):
        exponent = given.as_tuple().exponent
        if not isinstance(exponent, int) or exponent > 0:
            raise ValueError("written with an exponent: not the digits of money")
        text = format(given, "f")
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction).isascii() and (whole + fraction).isdigit()
    if not digits or not whole or (text.endswith(".")):
        raise ValueError("not a plain non-negative decimal")
    if len(whole) > _WHOLE_DIGITS_MAX or len(fraction) > _FRACTION_DIGITS_MAX:
        raise ValueError("more digits than money has")
    return text


PlainDecimal = Annotated[str, BeforeValidator(decimal_text)]
"""Money as text: `10001`, `"500.00"` and `"100000"` are taken as given and never multiplied."""
