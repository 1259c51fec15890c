"""Write who may do what in Kafka, for people: docs/ACCESS.md."""

from collections.abc import Iterator
from typing import Final

from contracts.access import WORK, Access, Grant, Operation, Process, Resource, Work, access_of
from contracts.topics import Role
from ops.generated.markdown import code, page, table

_PROVIDER: Final = "${PROVIDER}"
_PREFIX: Final = "${PREFIX}"
_OPTIONS: Final = {
    Resource.TOPIC: "--topic",
    Resource.GROUP: "--group",
    Resource.TRANSACTIONAL_ID: "--transactional-id",
}
_IMPLIED: Final = """\
Kafka gives some rights with others, and they are not given twice:

- Who may read or write a topic, read in a group, or write with a transactional id may also describe
  it. Reading in a group is what joining it and committing in it take.
- Who may write to any topic at all may be an idempotent producer. Nobody has `IdempotentWrite`, nor
  any other right to the cluster.
- A transactional id is named by how it begins, since each partition has its own:
  `<group>.<topic>.<partition>`. Whoever may write with another's id can shut its owner out."""
_NOBODY: Final = """\
Nobody alters or deletes a topic, deletes records, or gives rights: that is the cluster's
administrator. Where Strimzi makes the topics, `esito-topics` compares them and has no `create`.
Subscribers have users of their own, with `read` on the status topics they subscribe to and on a
group of theirs; `callbacks.*` and `…state.v1` are for nobody outside.

Two users are for people. `esito-operator` looks and cannot change anything. `esito-replay` puts
dead letters back and can do nothing else: who may write a raw topic can claim that an API key was
right, and who may write a verified topic can state what no provider said. So its credentials belong
in no standing configuration: set its `kafka_` keys for the one command."""
_SHELL: Final = """\
`deploy/k8s/kafka/<overlay>/users.yaml` has all this as Strimzi's `KafkaUser`s. Without Strimzi,
with Kafka's own tool: once for each provider, leaving out the users of processes you do not run.
`KAFKA` is how the tool reaches the cluster, `PREFIX` is `topic_prefix`. The poller is of a provider
with `remote_stream`, the intake of one with `notifications`."""
_MISSING: Final = """\
A process without a right goes on trying, logs `access.refused` with the topic, group or id, and
answers 503 at `/readyz`. docs/RUNBOOK.md says what to do."""


def access_page() -> str:
    """Return the page."""
    return page(
        "Who may do what in Kafka",
        "The source is `contracts/access.py`. tests/integration/test_access.py runs every process "
        "with these rights alone, on a real Kafka whose authorizer is on, tries everything else by "
        "the bare protocol, and finds it refused.",
        "A user is called `esito-` and what follows; where a process serves one provider, `-` and "
        "the provider. The columns are the six topics of a provider; a process of all providers "
        "has the same rights to the topics of each.",
        table(("user", "what it does", *Role), (_row(one, work) for one, work in WORK.items())),
        table(("user", "consumer group", "transactional ids"), _group_rows()),
        "`compare` is `DescribeConfigs`, the right to see a topic's settings; `watch` is "
        "`Describe`, which shows a group's members and offsets.",
        _IMPLIED,
        "## What nobody may do, and people",
        _NOBODY,
        "## Give the rights",
        _SHELL,
        "\n".join(("```sh", *_commands(), "```")),
        "## When one is missing",
        _MISSING,
    )


def _row(process: Process, work: Work) -> tuple[str, ...]:
    return code(_user(process, work)), work.said, *(_cell(work, role) for role in Role)


def _cell(work: Work, role: Role) -> str:
    words = {
        "read": role in work.reads,
        "write": role in work.writes,
        "describe": role in work.describes,
        "create": work.creates,
        "compare": work.compares,
    }
    return ", ".join(word for word, is_so in words.items() if is_so)


def _group_rows() -> Iterator[tuple[str, ...]]:
    for process, work in WORK.items():
        access = access_of(process, ["<provider>"])
        groups = [
            f"{'read in' if Operation.READ in one.operations else 'watch'} {code(one.name)}"
            for one in access.grants
            if one.resource is Resource.GROUP
        ]
        ids = [
            f"write with {code(one.name + '…')}"
            for one in access.grants
            if one.resource is Resource.TRANSACTIONAL_ID
        ]
        if groups or ids:
            yield code(_user(process, work)), ", ".join(groups), ", ".join(ids)


def _user(process: Process, work: Work) -> str:
    return f"esito-{process}-<provider>" if work.for_one_provider else f"esito-{process}"


def _commands() -> Iterator[str]:
    for process in WORK:
        access = access_of(process, [_PROVIDER], prefix=_PREFIX)
        for grant in access.grants:
            yield _command(access, grant)


def _command(access: Access, grant: Grant) -> str:
    operations = " ".join(f"--operation {one}" for one in grant.operations)
    prefixed = " --resource-pattern-type prefixed" if grant.is_prefix else ""
    return (
        f'kafka-acls.sh $KAFKA --add --allow-principal "User:{access.user}" {operations} '
        f'{_OPTIONS[grant.resource]} "{grant.name}"{prefixed}'
    )
