"""Tell which public body calls, by its API key, and which groups of it the key is for.

A key is compared with every key of every body, so the time taken tells nothing about any of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from contracts.send.rules import BodyRules, SendRules
from intake.problems import Code, Problem
from runtime.caller_keys import CallerKeys
from runtime.endpoint_configuration import Endpoint
from runtime.endpoint_keys import KeyFile
from runtime.notification_rules import notifications_of, send_rules

API_KEY_HEADER: Final = "x-api-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A public body that proved who it is; a key without `groups` sees all of the body."""

    endpoint: str
    body: BodyRules
    rules: SendRules
    key_id: str
    groups: tuple[str, ...] = ()

    @property
    def principal(self) -> str:
        """Return what a raw record says of who called."""
        return f"api_key:{self.body.id}.{self.key_id}"


class Tenants:
    """The public bodies of all endpoints that take notification requests."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every body's keys once; `on_reload(endpoint/body, outcome)` hears of changes.

        Raises:
            Broken: a key's file cannot be used, or two bodies have one key.
        """
        self._callers: dict[tuple[str, str], Caller] = {}
        keys: dict[str, Sequence[KeyFile]] = {}
        for endpoint, section in notifications_of(endpoints).items():
            rules = send_rules(section)
            for body in section.bodies:
                name = f"{endpoint}/{body.id}"
                keys[name] = body.keys
                for key in body.keys:
                    self._callers[name, key.id] = Caller(
                        endpoint=endpoint,
                        body=rules.bodies[body.id],
                        rules=rules,
                        key_id=key.id,
                        groups=key.groups,
                    )
        self.keys = CallerKeys(keys, on_reload)

    def authenticate(self, request: web.BaseRequest) -> Caller:
        """Return who calls.

        Raises:
            Problem: 401; the same for a key that is absent, doubled or wrong.
        """
        given = request.headers.getall(API_KEY_HEADER, [])
        # Two readers of one request could pick different ones; aiohttp decodes by surrogateescape.
        presented = given[0].encode("utf-8", "surrogateescape") if len(given) == 1 else b""
        found = self.keys.identify(presented)
        if found is None:
            raise Problem(
                HTTPStatus.UNAUTHORIZED, Code.CREDENTIALS, "no valid API key", closing=True
            )
        return self._callers[found]
