"""Run the verifier under the loop: raw records in, verified records out, keyed by transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from contracts.provider import Provider
from contracts.raw import TRACEPARENT, RawCallback
from contracts.topics import Topics
from contracts.update import JSON_MEDIA_TYPE, Statement, VerifiedUpdate
from runtime.metrics import Metrics
from workers.processor import InputRecord, Output
from workers.verifier.finder import Finder, Wanted
from workers.verifier.lookups import Lookups
from workers.verifier.policy import Policy
from workers.verifier.verify import needs_of, verify


class VerifierProcessor:
    """Without state that outlives a batch: each raw record is judged by itself."""

    def __init__(
        self,
        provider: Provider,
        policies: Mapping[str, Policy],
        topics: Topics,
        metrics: Metrics,
        *,
        finders: Mapping[str, Finder] = MappingProxyType({}),
        partition: int = 0,
    ) -> None:
        """Judge by the policies of the provider's endpoints, by name.

        `finders` look up what requests need, by endpoint.
        """
        self._provider = provider
        self._policies = policies
        self._topics = topics
        self._metrics = metrics
        self._lookups = Lookups(self._wanted, finders, partition) if finders else None
        self._last_offset = -1
        self._verified: Counter[tuple[str, str, str]] = Counter()
        self._findings: Counter[tuple[str, str]] = Counter()

    async def restore(self) -> None:
        """Do nothing: nothing outlives a batch."""

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        """Look up what requests need; return how many of the first records have all of it.

        Raises:
            Unavailable: a store or a registry is away.
        """
        return len(records) if self._lookups is None else await self._lookups.prepare(records)

    def process(self, record: InputRecord) -> Sequence[Output]:
        """Return the verified updates of one raw record."""
        self._last_offset = record.offset
        callback = RawCallback.from_record(record.value, record.headers)
        updates = verify(
            callback,
            provider=self._provider,
            policies=self._policies,
            topic=record.topic,
            at=(record.partition, record.offset),
            evidence=self._lookups.evidence(record) if self._lookups else {},
        )
        outputs = [self._output(update, callback.traceparent) for update in updates]
        self._count(updates)
        return outputs

    def finish(self) -> Sequence[Output]:
        """Return nothing: each record stands alone."""
        return ()

    def committed(self) -> None:
        """Publish what was counted in the batch, and forget what was looked up for it."""
        if self._lookups is not None:
            self._lookups.forget(self._last_offset)
        for (endpoint, scheme, key_id), number in self._verified.items():
            self._metrics.counter("esito_verifier_proofs_total", endpoint, scheme, key_id).inc(
                number
            )
        for (endpoint, code), number in self._findings.items():
            self._metrics.counter("esito_verifier_findings_total", endpoint, code).inc(number)
        self.aborted()

    def aborted(self) -> None:
        """Forget what was counted."""
        self._verified.clear()
        self._findings.clear()

    async def close(self) -> None:
        """End the lookups that are under way."""
        if self._lookups is not None:
            await self._lookups.close()

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> Sequence[Output]:
        """Return nothing: verification has no deadlines."""
        del now_milliseconds, keys_max, given_up
        return ()

    def _wanted(self, record: InputRecord) -> Wanted | None:
        """Return what a record needs; None of one that will not get so far: `process` says why."""
        try:
            callback = RawCallback.from_record(record.value, record.headers)
            needs = needs_of(callback, provider=self._provider, policies=self._policies)
        except Exception:  # noqa: BLE001 - as it fails here it fails there, where that is told
            return None
        return Wanted(callback, needs) if needs else None

    def _count(self, updates: Sequence[VerifiedUpdate]) -> None:
        for update in updates[:1]:  # one proof and one list of findings for all of a callback
            proof = update.proof
            self._verified[update.endpoint, proof.scheme, proof.key_id] += 1
            if isinstance(update.what, Statement):
                self._findings.update(
                    (update.endpoint, finding.code) for finding in update.what.findings
                )

    def _output(self, update: VerifiedUpdate, traceparent: str) -> Output:
        headers = [("content-type", JSON_MEDIA_TYPE)]
        if traceparent:
            headers.append((TRACEPARENT, traceparent.encode()))
        return Output(
            topic=self._topics.verified,
            key=update.key.encode(),
            value=update.model_dump_json(exclude_defaults=True).encode(),
            headers=headers,
        )
