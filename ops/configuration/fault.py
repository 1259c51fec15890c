"""Say what is wrong with a configuration: the key, what it is, and what to do about it."""

from dataclasses import dataclass

from runtime.yaml_lines import Path as Key


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, or will be: where it stands, and what to do."""

    key: Key
    what: str
    fix: str

    @property
    def name(self) -> str:
        """Return the key as people write it."""
        return ".".join(str(part) for part in self.key)
