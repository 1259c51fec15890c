"""Verify one raw record as the provider's verifier would do now, and write nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from contracts.errors import Broken, Rejected, Unavailable
from contracts.provider import Provider
from contracts.providers import provider_named
from contracts.raw import RawCallback
from ops.replay.outcomes import UNAVAILABLE, Outcome, outcome_of
from ops.topic_reader import StoredRecord
from runtime.configuration import Configuration
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from runtime.object_store import ObjectStore
from workers.verifier.finder import Finder, Wanted
from workers.verifier.jwks_source import JwksSource
from workers.verifier.notification_sources import NotificationSources
from workers.verifier.policies import Sources, endpoint_policies
from workers.verifier.policy import Policy
from workers.verifier.trust_source import TrustSource
from workers.verifier.verify import needs_of, verify

# For key sets to be read and stores to answer, of all records together.
_PATIENCE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2
POISONED: Final = "poisoned"


class SecondVerdict:
    """Judge raw records of one provider, with the keys and files that there are now."""

    def __init__(
        self, provider: Provider, policies: Mapping[str, Policy], finders: Mapping[str, Finder]
    ) -> None:
        """Judge by `policies`, look up by `finders`, both by endpoint."""
        self._provider = provider
        self._policies = policies
        self._finders = finders
        self._patience = _PATIENCE_SECONDS

    async def of(self, record: StoredRecord) -> Outcome:
        """Return what the verifier would say of `record` now."""
        found: list[Wanted] = []
        while True:
            began = time.monotonic()
            try:
                return await self._verified(record, found)
            except Rejected as error:
                return Outcome(code=error.code.value, detail=error.detail)
            except (Unavailable, Broken) as error:
                if self._patience <= 0:
                    return Outcome(code=UNAVAILABLE, detail=str(error))
                await asyncio.sleep(_POLL_SECONDS)
                self._patience -= time.monotonic() - began
            except Exception as error:  # noqa: BLE001 - the loop would isolate it: one verdict too
                return Outcome(code=POISONED, detail=type(error).__name__)

    async def _verified(self, record: StoredRecord, found: list[Wanted]) -> Outcome:
        """Return the outcome; `found` keeps from one try to the next what was looked up."""
        callback = RawCallback.from_record(record.value, record.headers)
        needs = needs_of(callback, provider=self._provider, policies=self._policies)
        evidence: Mapping[str, Any] = {}
        if needs:
            found[:] = found or [Wanted(callback, needs)]
            await self._finders[callback.endpoint].complete(found[0], record.partition)
            evidence = found[0].found
        return outcome_of(
            verify(
                callback,
                provider=self._provider,
                policies=self._policies,
                topic=record.topic,
                at=(record.partition, record.offset),
                evidence=evidence,
            )
        )


@asynccontextmanager
async def second_verdict(configuration: Configuration, name: str) -> AsyncIterator[SecondVerdict]:
    """Give the judge of a provider's raw records; key sets are kept up to date meanwhile.

    Raises:
        Broken: keys or files cannot be used; the message names them.
    """
    provider, endpoints = provider_named(name), configuration.endpoints_of(name)
    issuers = [issuer for one in endpoints.values() if one.tokens for issuer in one.tokens.issuers]
    key_sets = JwksSource(issuers, _nobody)
    notifications = None
    if any(endpoint.notifications for endpoint in endpoints.values()):
        store = ObjectStore(configuration.object_store)
        notifications = NotificationSources(endpoints, store, Metrics(), _nobody)
    sources = Sources(
        KeySource(endpoints, _nobody), TrustSource(endpoints, _nobody), key_sets.key, notifications
    )
    policies = endpoint_policies(provider, endpoints, sources)
    reading = asyncio.create_task(key_sets.run())
    try:
        yield SecondVerdict(provider, policies, notifications.finders if notifications else {})
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        if notifications is not None:
            await notifications.close()


def _nobody(*_: object) -> None:
    """Tell nobody that something was read."""
