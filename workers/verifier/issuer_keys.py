"""Choose the key of one issuer that a token names, wait for it, or give it up. Pure.

A sender that changes its keys may use the new one before we have read it, so a key that is not
there is waited for, within bounds:

1. A set that was read `unknown_key_seconds` after the callback came has the last word.
2. A kid that has been waited for that long, with the set's server away or without success, is given
   up; a later callback that names it waits for one more reading, no longer.
3. A token without a kid waits like one of an unknown kid, if no key of the set signed it.
4. Where many kids are being waited for, somebody makes them up: a new one waits for one reading.

So a rotation loses no callback whose key is published within `unknown_key_seconds`, and a token
made up by somebody else holds up the callbacks behind it no longer than that.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected, Unavailable
from runtime.token_configuration import TokenIssuer
from workers.verifier.jwk import Jwk

WAITED_FOR_MAX: Final = 20  # a sender in the middle of a rotation has one or two new keys
# After that, a kid that was given up is new again: a test system may publish a key next week.
_GIVEN_UP_FOR: Final = timedelta(minutes=10)

Signer = Callable[[Sequence[Jwk]], Jwk | None]
"""Keys → the one of them that signed the token at hand; None: none did."""


def the_only(keys: Sequence[Jwk]) -> Jwk | None:
    """Return the only key, where there is no token at hand to try them on."""
    return keys[0] if len(keys) == 1 else None


class IssuerKeys:
    """The keys of one issuer as last read, and the kids that are being waited for."""

    def __init__(self, issuer: TokenIssuer) -> None:
        """Begin with nothing read."""
        self._name = issuer.issuer
        self._patience = timedelta(seconds=issuer.unknown_key_seconds)
        self._stale = timedelta(seconds=issuer.stale_seconds_max)
        # A file that is gone says nothing about its keys; only a server can be away.
        self._ages = issuer.jwks_uri is not None
        self._keys: tuple[Jwk, ...] = ()
        self._by_kid: dict[str, Jwk] = {}
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._asked: dict[str | None, datetime] = {}

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._keys)

    @property
    def usable_until(self) -> datetime | None:
        """Return when the set, not read anew, is too old; None: never, or it was never read."""
        return self._read_at + self._stale if self._ages and self._read_at else None

    def take(self, keys: Sequence[Jwk], *, read_at: datetime) -> bool:
        """Take what the set has, read at or after `read_at`; tell whether that is something new."""
        before = {(key.kid, key.thumbprint, key.algorithms) for key in self._keys}
        self._keys = tuple(keys)
        self._by_kid = {key.kid: key for key in keys if key.kid is not None}
        self._read_at = read_at
        for kid in self._by_kid:
            self._asked.pop(kid, None)
        return before != {(key.kid, key.thumbprint, key.algorithms) for key in keys}

    def tried(self, *, began: datetime) -> None:
        """Note that a reading that began then has ended, well or not."""
        former, self._tried_at = self._tried_at, began
        if former is None:
            return
        # By the former reading: what nobody could have been given up by yet is still waited for.
        bound = self._patience + _GIVEN_UP_FOR
        for kid in [kid for kid, since in self._asked.items() if former - since > bound]:
            del self._asked[kid]

    def key(
        self,
        kid: str | None,
        algorithm: str,
        *,
        received_at: datetime,
        now: datetime,
        signer: Signer = the_only,
    ) -> Jwk:
        """Return the key of this `kid`; without one, the `signer` among those of `algorithm`.

        Raises:
            Unavailable: no set is there, or it is too old, or the key may still come.
            Rejected: `token_key_unknown`.
        """
        read_at = self._read_at
        if read_at is None:
            raise Unavailable(f"the key set of {self._name} has not been read yet")
        if self._ages and now - read_at > self._stale:
            raise Unavailable(f"the key set of {self._name} is too old to be used")
        if kid is None:
            found = signer([key for key in self._keys if algorithm in key.algorithms])
        else:
            found = self._by_kid.get(kid)
        if found is not None:
            return found
        # Differences, not sums: the last day of the year 9999 has no tomorrow.
        if read_at - received_at >= self._patience:
            raise _unknown("the key set was read after the callback had waited")
        if self._had_its_time(kid, received_at=received_at, now=now):
            raise _unknown("waited for in vain")
        raise Unavailable(f"a key of {self._name} is not in its set yet")

    def _had_its_time(self, kid: str | None, *, received_at: datetime, now: datetime) -> bool:
        since = self._asked.get(kid)
        if since is None and len(self._asked) < WAITED_FOR_MAX:
            self._asked[kid] = now
            return False
        # Of a clock so far ahead of ours no reading will come after the callback.
        ahead = received_at - now >= self._patience
        if self._tried_at is None or (self._tried_at < received_at and not ahead):
            return False
        return since is None or self._tried_at - since >= self._patience


def _unknown(rule: str) -> Rejected:
    return Rejected(RejectionCode.TOKEN_KEY_UNKNOWN, rule)
