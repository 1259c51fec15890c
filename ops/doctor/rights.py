"""Compare what Kafka lets this user do with what the operator's commands need."""

from collections.abc import AsyncGenerator, Iterator
from typing import Final

from aiokafka.errors import GroupAuthorizationFailedError

from contracts.access import Access, Operation, Process, Resource, access_of
from ops.allowed_operations import allowed_operations
from ops.cluster import Cluster
from ops.doctor.finding import Finding, bad, doubtful, good
from ops.groups import members
from ops.topics import planned_topics
from runtime.configuration import Configuration

_FIX: Final = "give its user the rights of esito-operator (docs/ACCESS.md), or use that one"
Allowed = dict[str, frozenset[str]]


async def rights(cluster: Cluster, configuration: Configuration) -> AsyncGenerator[Finding]:
    """Yield which rights are missing, and which are more than most commands need."""
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    needed = access_of(Process.OPERATOR, providers, prefix=configuration.topic_prefix)
    planned = [plan.name for plan in planned_topics(configuration)]
    allowed = await allowed_operations(cluster.admin)
    known = [name for name in planned if name in allowed]
    if len(known) < len(planned):
        count = f"{len(planned) - len(known)} of {len(planned)} topics"
        yield bad("rights", f"this user may not describe {count}, or they are missing", _FIX)
    for operation, lacking in _lacking(needed, allowed):
        yield bad("rights", f"this user has no right to {operation} {_named(lacking)}", _FIX)
    refused = [group async for group in _refused_groups(cluster, needed)]
    if refused:
        said = f"this user has no right to {Operation.DESCRIBE} the group {_named(refused)}"
        yield bad("rights", said, _FIX)
    writing = sum("Write" in allowed[name] for name in known)
    ruling = sum(bool(allowed[name] & {"Alter", "Delete"}) for name in known)
    said = f"this user may write {writing} of {len(planned)} topics, and alter or delete {ruling}"
    if ruling:
        fix = "a user that only reads is enough for all but replays; is an authorizer on?"
        yield doubtful("rights", said, fix)
    else:
        yield good("rights", said)


def _lacking(needed: Access, allowed: Allowed) -> Iterator[tuple[Operation, list[str]]]:
    """Yield, of topics that the user may describe, what it may not do with which."""
    for operation in Operation:
        lacking = [
            grant.name
            for grant in needed.grants
            if grant.resource is Resource.TOPIC
            and operation in grant.operations
            and grant.name in allowed
            and operation not in allowed[grant.name]
        ]
        if lacking:
            yield operation, lacking


async def _refused_groups(cluster: Cluster, needed: Access) -> AsyncGenerator[str]:
    for grant in needed.grants:
        if grant.resource is Resource.GROUP:
            try:
                await members(cluster, grant.name)
            except GroupAuthorizationFailedError:
                yield grant.name


def _named(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
