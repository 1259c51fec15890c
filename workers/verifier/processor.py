"""Run the verifier under the loop: raw records in, verified records out, keyed by transaction."""

from collections.abc import Mapping, Sequence

from contracts.provider import Provider
from contracts.raw import TRACEPARENT, RawCallback
from contracts.topics import Topics
from contracts.update import JSON_MEDIA_TYPE, VerifiedUpdate
from workers.processor import InputRecord, Output
from workers.verifier.prove import Policy
from workers.verifier.verify import verify


class VerifierProcessor:
    """Stateless: each raw record is judged by itself."""

    def __init__(self, provider: Provider, policies: Mapping[str, Policy], topics: Topics) -> None:
        """Judge by the policies of the provider's endpoints, by name."""
        self._provider = provider
        self._policies = policies
        self._topics = topics

    async def restore(self) -> None:
        """Return at once: there is no state."""

    def process(self, record: InputRecord) -> Sequence[Output]:
        """Return the verified updates of one raw record."""
        callback = RawCallback.from_record(record.value, record.headers)
        updates = verify(
            callback,
            provider=self._provider,
            policies=self._policies,
            topic=record.topic,
            at=(record.partition, record.offset),
        )
        return [self._output(update, callback.traceparent) for update in updates]

    def finish(self) -> Sequence[Output]:
        """Return nothing: each record stands alone."""
        return ()

    def committed(self) -> None:
        """Nothing to keep."""

    def aborted(self) -> None:
        """Nothing to forget."""

    def alarms(self, now_milliseconds: int) -> Sequence[Output]:
        """Return nothing: verification has no deadlines."""
        del now_milliseconds
        return ()

    def _output(self, update: VerifiedUpdate, traceparent: str) -> Output:
        headers = [("content-type", JSON_MEDIA_TYPE)]
        if traceparent:
            headers.append((TRACEPARENT, traceparent.encode()))
        return Output(
            topic=self._topics.verified,
            key=update.key.encode(),
            value=update.model_dump_json(exclude_none=True).encode(),
            headers=headers,
        )
