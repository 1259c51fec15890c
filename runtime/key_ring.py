"""Hold the secrets of one credential, valid side by side. Pure: files are read elsewhere."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Key:
    """One secret with the id that logs and metrics may name, and when it may be used."""

    id: str
    secret: bytes = field(repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Hash the secret once: comparing digests hides its length; any guess costs the same."""
        object.__setattr__(self, "digest", hashlib.sha256(self.secret).digest())

    def valid_at(self, moment: datetime) -> bool:
        """Tell whether the key may be used at `moment`."""
        early = self.not_before is not None and moment < self.not_before
        late = self.not_after is not None and moment >= self.not_after
        return not early and not late


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Several keys, each valid in its own time; replaced as a whole when a file changes."""

    keys: tuple[Key, ...]

    def identify(self, presented: bytes, *, at: datetime) -> str | None:
        """Return the id of the key whose secret is `presented`, or None.

        Every key is compared, found or not, so the time taken tells nothing about which one fits.
        """
        digest = hashlib.sha256(presented).digest()
        found = None
        for key in self.keys:
            if hmac.compare_digest(digest, key.digest) and key.valid_at(at):
                found = key.id
        return found

    def lasting(self, *, at: datetime) -> Key | None:
        """Return the key to begin something with: of those valid at `at` the one that ends last.

        What is made with a key that is about to end, such as a path, would end with it.
        """
        never = datetime.max.replace(tzinfo=UTC)
        valid = [key for key in self.keys if key.valid_at(at)]
        return max(valid, key=lambda key: key.not_after or never, default=None)

    def secrets(self, *, at: datetime) -> list[tuple[str, bytes]]:
        """Return id and secret of every key valid at `at`."""
        return [(key.id, key.secret) for key in self.keys if key.valid_at(at)]
