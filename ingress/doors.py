"""Know the providers' doors as data, so that no module with a payload model is ever imported.

`doors.json` is generated from contracts/providers by `make contracts`; the gate compares it.
"""

from importlib.resources import files

from pydantic import TypeAdapter

from contracts.errors import Broken
from contracts.provider import Door
from runtime.configuration import Endpoint


def load_doors() -> dict[str, Door]:
    """Return each provider's door by the provider's name."""
    text = files("ingress").joinpath("doors.json").read_text()
    return {door.provider: door for door in TypeAdapter(list[Door]).validate_json(text)}


def door_of(endpoint: Endpoint, doors: dict[str, Door]) -> Door:
    """Return the door of the endpoint's provider, with the endpoint's own header names in it.

    Raises:
        Broken: the provider is unknown, or the endpoint lacks a credential that it demands.
    """
    door = doors.get(endpoint.provider)
    if door is None:
        raise Broken(
            f"endpoint {endpoint.name}: no provider {endpoint.provider}; "
            f"there are {', '.join(doors)}"
        )
    for credential in ("api_key", "hmac"):
        given, demanded = getattr(endpoint, credential) is not None, credential in door.credentials
        if demanded and not given:
            raise Broken(
                f"endpoint {endpoint.name}: provider {door.provider} needs the key {credential}"
            )
        if given and not demanded:
            # Whoever configures a check must not believe that it is made.
            raise Broken(
                f"endpoint {endpoint.name}: provider {door.provider} offers no {credential}; "
                "remove the key"
            )
    if endpoint.api_key and endpoint.api_key.header:
        return door.model_copy(update={"api_key_header": endpoint.api_key.header})
    return door
