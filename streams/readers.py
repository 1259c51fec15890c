"""Say who may read: public bodies of SEND their own notifications, consumers whole endpoints."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from runtime.caller_keys import CallerKeys
from runtime.configuration import Configuration
from runtime.endpoint_keys import KeyFile


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever presented a key: `owner` is whose streams it may see.

    `groups` are those of the key: a key without groups sees all of its body's.
    """

    owner: str
    endpoints: frozenset[str]
    sender: str | None = None
    groups: frozenset[str] = field(default=frozenset())

    def may_touch(self, groups: frozenset[str]) -> bool:
        """Tell whether the key may touch a stream of these groups.

        https://github.com/pagopa/pn-stream (StreamRequestV28.groups): a key with groups needs all
        of the stream's, and a stream without any is for keys without groups alone.
        """
        return not self.groups or (bool(groups) and groups <= self.groups)


class Readers:
    """The readers of one kind by their API keys."""

    def __init__(
        self,
        readers: dict[str, Reader],
        keys: dict[str, tuple[KeyFile, ...]],
        groups: dict[tuple[str, str], frozenset[str]],
        on_reload: Callable[[str, str], None],
    ) -> None:
        """Read the keys of every reader.

        Raises:
            Broken: as CallerKeys.
        """
        self._readers = readers
        self._groups = groups
        self.keys = CallerKeys(keys, on_reload)

    def identify(self, presented: str) -> Reader | None:
        """Return who presents this key, or None."""
        found = self.keys.identify(presented.encode("utf-8", "surrogateescape"))
        if found is None:
            return None
        groups = self._groups.get(found, frozenset())
        return replace(self._readers[found[0]], groups=groups)


def bodies(configuration: Configuration, on_reload: Callable[[str, str], None]) -> Readers:
    """Return the public bodies of every endpoint that takes notifications."""
    readers: dict[str, Reader] = {}
    keys: dict[str, tuple[KeyFile, ...]] = {}
    groups: dict[tuple[str, str], frozenset[str]] = {}
    for endpoint in configuration.endpoints:
        if endpoint.notifications is None:
            continue
        for body in endpoint.notifications.bodies:
            name = f"{endpoint.name}/{body.id}"
            owner = f"body:{endpoint.name}:{body.id}"
            readers[name] = Reader(owner, frozenset({endpoint.name}), body.id)
            keys[name] = body.keys
            groups |= {(name, key.id): frozenset(key.groups) for key in body.keys}
    return Readers(readers, keys, groups, on_reload)


def consumers(configuration: Configuration, on_reload: Callable[[str, str], None]) -> Readers:
    """Return the consumers of `streams.consumers`.

    Raises:
        Broken: as Readers.
    """
    readers = {}
    keys: dict[str, tuple[KeyFile, ...]] = {}
    for one in configuration.streams.consumers:
        readers[one.id] = Reader(f"consumer:{one.id}", frozenset(one.endpoints))
        keys[one.id] = one.keys
    return Readers(readers, keys, {}, on_reload)
