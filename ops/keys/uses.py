"""Look for a key: which processes hold it, who came with it, and what has still to be verified."""

import sys
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Final

from contracts import dead_letter, raw
from contracts.access import Process, group_of
from contracts.errors import Unavailable
from contracts.topics import Topics
from ops.cluster import connected
from ops.groups import committed_offsets, members
from ops.keys.rotation import Held, Rotation, Use
from ops.running import running_process
from ops.terminal import text_of
from ops.topic_reader import OnProgress, StoredRecord, all_partitions, read_to_end
from runtime.configuration import Configuration

# Whether the caller has the new key is looked for a day back, however short --quiet is.
_LOOKED_BACK: Final = timedelta(days=1)


async def held_by(address: str, rotation: Rotation) -> Held | None:
    """Return what the process with this management address holds; None: it does not answer."""
    try:
        found = await running_process(address)
    except Unavailable:
        return None
    return Held(found.keys.get((rotation.endpoint, rotation.credential)), found.is_ingress)


async def uses_of(
    configuration: Configuration, provider: str, rotation: Rotation, on_progress: OnProgress
) -> Rotation:
    """Return the rotation with its uses lately, and with what the verifiers have still to pass.

    A long outage leaves records with the old key behind that are older than what was used lately:
    they are looked for from the committed offsets on, which are read first.
    """
    uses = {rotation.old: Use(), rotation.new: Use()}
    topic = Topics.of(provider, prefix=configuration.topic_prefix).raw
    group = group_of(Process.VERIFIER, provider, prefix=configuration.topic_prefix)
    since = int((rotation.now - max(rotation.quiet, _LOOKED_BACK)).timestamp() * 1000)
    waiting = 0
    async with connected(configuration) as cluster:
        partitions = all_partitions(await cluster.partitions(topic))
        reached = await committed_offsets(cluster, group, partitions)
        spans = {one: (reached.get(one, 0), sys.maxsize) for one in partitions}
        lately = read_to_end(
            cluster.clients, partitions, since_milliseconds=since, on_progress=on_progress
        )
        async with aclosing(lately):
            async for record in lately:
                # A replay says nothing of today's callers.
                if record.header(dead_letter.REPLAYED_FROM) is None:
                    for name in _used(record, rotation):
                        uses[name] = uses[name].once_more(record.written_at)
        unread = read_to_end(cluster.clients, partitions, spans=spans, on_progress=on_progress)
        async with aclosing(unread):
            async for record in unread:
                waiting += rotation.old in _used(record, rotation)
        verifiers = await members(cluster, group)
    return replace(rotation, uses=uses, waiting=waiting, verifiers=verifiers)


def _used(record: StoredRecord, rotation: Rotation) -> set[str]:
    """Return which of the two keys a record came with."""
    if text_of(record.header(raw.ENDPOINT)) != rotation.endpoint:
        return set()
    principal = text_of(record.header(raw.PRINCIPAL)).split()
    # Our own side's keys are told apart from the provider's by what the record is.
    ours = record.header(raw.SOURCE) == raw.Source.EXPECTATION.value.encode()
    if ours != (rotation.credential == "expectations"):
        return set()
    scheme = "api_key" if ours else rotation.credential
    return {name for name in (rotation.old, rotation.new) if f"{scheme}:{name}" in principal}
