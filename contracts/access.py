"""Say what each process may do in Kafka: what it does, and nothing else.

`WORK` is the one table of who reads and writes what. Consumer groups and transactional ids have
their names here, docs/ACCESS.md and the users of deploy/k8s are generated from it, and a test runs
every process with these rights alone.

Kafka gives some rights with others, and they are not given twice: who may read or write a topic,
a group or an id may describe it, and who may write to any topic may be an idempotent producer. So
nobody has a right to the cluster.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.topics import Role, Topics


class Process(StrEnum):
    """Who has a user of its own in Kafka, called `esito-` and this."""

    INGRESS = "ingress"
    INTAKE = "intake"
    POLLER = "poller"
    VERIFIER = "verifier"
    STATE_MACHINE = "state-machine"
    STREAMS = "streams"
    TOPICS = "topics"
    OPERATOR = "operator"
    REPLAY = "replay"
    KEDA = "keda"


class Resource(StrEnum):
    """What a right is to, by Strimzi's name."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactionalId"


class Operation(StrEnum):
    """What a right is for, by Kafka's name."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a process does in the topics of one provider; `said` is for people."""

    said: str
    reads: tuple[Role, ...] = ()
    writes: tuple[Role, ...] = ()
    describes: tuple[Role, ...] = ()
    creates: bool = False  # each topic of the provider, and compares its settings
    compares: bool = False
    in_group: bool = False
    # Its group takes part in Kafka transactions, with an id for each partition of this topic.
    transactions_of: Role | None = None
    watches: tuple[Process, ...] = ()  # how far these have come
    for_one_provider: bool = False


_ALL: Final = tuple(Role)
_WORKERS: Final = (Process.VERIFIER, Process.STATE_MACHINE)

WORK: Final[Mapping[Process, Work]] = {
    Process.INGRESS: Work(said="stores callbacks", writes=(Role.RAW,)),
    Process.INTAKE: Work(said="stores requests of public bodies", writes=(Role.RAW,)),
    Process.POLLER: Work(
        said="stores what it reads elsewhere", writes=(Role.RAW,), for_one_provider=True
    ),
    Process.VERIFIER: Work(
        said="proves and translates",
        reads=(Role.RAW,),
        writes=(Role.VERIFIED, Role.REJECTED),
        in_group=True,
        transactions_of=Role.RAW,
        for_one_provider=True,
    ),
    Process.STATE_MACHINE: Work(
        said="decides; what waited for an id goes on as a verified update",
        reads=(Role.VERIFIED, Role.STATE),
        writes=(Role.VERIFIED, Role.REJECTED, Role.STATUS, Role.ANOMALIES, Role.STATE),
        describes=(Role.RAW,),  # alarms wait until all that was received has been verified
        watches=(Process.VERIFIER,),
        in_group=True,
        transactions_of=Role.VERIFIED,
        for_one_provider=True,
    ),
    Process.STREAMS: Work(
        said="projects into PostgreSQL, which has its offsets", reads=(Role.STATUS,), in_group=True
    ),
    Process.TOPICS: Work(
        said="`esito topics apply`, `check`", describes=_ALL, creates=True, compares=True
    ),
    Process.OPERATOR: Work(
        said="every other command of `esito`", reads=_ALL, compares=True, watches=_WORKERS
    ),
    Process.REPLAY: Work(
        said="`esito dead-letters replay`, `esito reverify --apply`",
        reads=(Role.RAW, Role.VERIFIED, Role.REJECTED, Role.STATUS),  # and what becomes of them
        writes=(Role.RAW, Role.VERIFIED),
        watches=(Process.VERIFIER,),
    ),
    Process.KEDA: Work(
        said="the autoscaler, which asks for the lag",
        describes=(Role.RAW, Role.VERIFIED),
        watches=_WORKERS,
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One right: to what, and for what; to every name with this beginning where `is_prefix`."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    is_prefix: bool = False

    def covers(self, operation: Operation, resource: Resource, name: str) -> bool:
        """Tell whether this right gives `operation` on `name`, with what Kafka gives beside it."""
        named = name.startswith(self.name) if self.is_prefix else name == self.name
        given = set(self.operations)
        if given & {Operation.READ, Operation.WRITE}:
            given.add(Operation.DESCRIBE)
        return resource is self.resource and named and operation in given


@dataclass(frozen=True, slots=True)
class Access:
    """All that one user may do."""

    process: Process
    provider: str  # empty for a process of all providers
    grants: tuple[Grant, ...]

    @property
    def user(self) -> str:
        """Return the user's name."""
        return f"esito-{_worker(self.process, self.provider)}"

    def allows(self, operation: Operation, resource: Resource, name: str) -> bool:
        """Tell whether Kafka lets the user do it."""
        return any(grant.covers(operation, resource, name) for grant in self.grants)


def access_of(process: Process, providers: Iterable[str], *, prefix: str = "") -> Access:
    """Return what a process may do, in the topics of `providers` under `prefix`."""
    work = WORK[process]
    providers = tuple(providers)
    own = providers[0] if work.for_one_provider else ""
    grants = [
        grant
        for provider in providers
        for grant in _topics(work, Topics.of(provider, prefix=prefix))
    ]
    groups = [
        Grant(Resource.GROUP, group_of(other, provider, prefix=prefix), (Operation.DESCRIBE,))
        for provider in providers
        for other in work.watches
    ]
    if work.in_group:
        group = group_of(process, own, prefix=prefix)
        groups.append(Grant(Resource.GROUP, group, (Operation.READ,)))
        if work.transactions_of is not None:
            topic = Topics.of(own, prefix=prefix).by_role()[work.transactions_of]
            ids = transactional_id(group, topic)
            groups.append(Grant(Resource.TRANSACTIONAL_ID, ids, (Operation.WRITE,), is_prefix=True))
    return Access(process, own, (*grants, *groups))


def group_of(process: Process, provider: str = "", *, prefix: str = "") -> str:
    """Return the name of a process's consumer group."""
    return f"{prefix}esito.{_worker(process, provider, '.')}"


def transactional_id(group: str, topic: str, partition: int | None = None) -> str:
    """Return the id of the producer of one input partition; without one, how all of them begin."""
    # With the last dot: rights to what begins so are no rights to a longer name.
    return f"{group}.{topic}.{'' if partition is None else partition}"


def _worker(process: Process, provider: str, between: str = "-") -> str:
    return f"{process}{between}{provider}" if provider else process.value


def _topics(work: Work, topics: Topics) -> Iterable[Grant]:
    for role, name in topics.by_role().items():
        wanted = {
            Operation.READ: role in work.reads,
            Operation.WRITE: role in work.writes,
            Operation.CREATE: work.creates,
            Operation.DESCRIBE: role in work.describes,
            Operation.DESCRIBE_CONFIGS: work.compares,
        }
        operations = tuple(one for one, is_wanted in wanted.items() if is_wanted)
        if operations:
            yield Grant(Resource.TOPIC, name, operations)
