"""Know the providers' doors as data, so that no module with a payload model is ever imported.

`doors.json` is generated from contracts/providers by `make contracts`; the gate compares it.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from pydantic import TypeAdapter

from contracts.errors import Broken
from contracts.provider import Door
from runtime.endpoint_configuration import Endpoint

# In the order in which a record's principal names them.
CREDENTIALS: Final = ("api_key", "hmac", "path_token", "client_certificate")
# QA suite of pagoPA's SRTP: these three are mandatory; the digest's name has a default.
DETACHED_SIGNATURE: Final = (
    "x-srtp-signature",
    "x-srtp-signature-certificate",
    "x-srtp-signature-certificate-chain",
)

_SECRET_HEADERS: Final = ("authorization", "cookie", "proxy-authorization")


def load_doors() -> dict[str, Door]:
    """Return each provider's door by the provider's name."""
    text = files("ingress").joinpath("doors.json").read_text()
    return {door.provider: door for door in TypeAdapter(list[Door]).validate_json(text)}


def door_of(endpoint: Endpoint, doors: dict[str, Door]) -> Door:
    """Return the door of the endpoint's provider, with the endpoint's own header names in it.

    Raises:
        Broken: the provider is unknown, or the endpoint lacks a credential that it demands, or has
            one that it does not offer.
    """
    door = doors.get(endpoint.provider)
    if door is None:
        raise Broken(
            f"endpoint {endpoint.name}: no provider {endpoint.provider}; "
            f"there are {', '.join(doors)}"
        )
    for credential, missing in odd_credentials(endpoint, door):
        what = (
            f"needs the key {credential}" if missing else f"offers no {credential}; remove the key"
        )
        raise Broken(f"endpoint {endpoint.name}: provider {door.provider} {what}")
    changes: dict[str, object] = {}
    if endpoint.api_key and endpoint.api_key.header:
        changes["api_key_header"] = endpoint.api_key.header
    if endpoint.detached_jws:
        changes["kept_headers"] = _with_header(endpoint.detached_jws.header, door)
    return door.model_copy(update=changes) if changes else door


def odd_credentials(endpoint: Endpoint, door: Door) -> Iterator[tuple[str, bool]]:
    """Yield each credential that is demanded and missing (True), or configured for nothing (False).

    Whoever configures a check must not believe that it is made.
    """
    for credential in CREDENTIALS:
        given = getattr(endpoint, credential) is not None
        if not given and credential in door.credentials:
            yield credential, True
        if given and credential not in (*door.credentials, *door.offered):
            yield credential, False


def signature_headers(endpoint: Endpoint) -> tuple[tuple[str, ...], ...]:
    """Return the sets of headers of which one must come with every callback; empty: none must.

    They are the trace that a signature leaves in the head of a request, and all there is to ask for
    where an endpoint has no credential.

    Raises:
        Broken: the endpoint has neither a credential nor a signature.
    """
    if any(getattr(endpoint, credential) is not None for credential in CREDENTIALS):
        return ()
    by_header = [
        (endpoint.detached_signature, DETACHED_SIGNATURE),
        (endpoint.detached_jws, (endpoint.detached_jws.header,) if endpoint.detached_jws else ()),
    ]
    given = [(section.required, names) for section, names in by_header if section]
    if not given and endpoint.xmldsig is None:
        raise Broken(
            f"endpoint {endpoint.name}: nothing tells who is calling; "
            f"configure one of {', '.join(CREDENTIALS)}, xmldsig, detached_signature, detached_jws"
        )
    required = [name for is_required, names in given if is_required for name in names]
    if required:
        return (tuple(required),)
    # A signature inside the document leaves no trace in the head.
    return () if endpoint.xmldsig else tuple(names for _, names in given)


def _with_header(name: str, door: Door) -> tuple[str, ...]:
    if name in {*_SECRET_HEADERS, door.api_key_header}:
        raise Broken(f"detached_jws.header: {name} holds a credential, and no record may keep one")
    return door.kept_headers if name in door.kept_headers else (*door.kept_headers, name)
