"""Every user of Kafka may do what contracts/access.py says, on a broker that refuses all else."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from contracts.access import Access, Process, Resource, access_of, group_of, transactional_id
from contracts.topics import Role, Topics
from ops.accesses import accesses
from runtime.kafka_refusals import absent
from runtime.service_configuration import Database
from simulator.pivot import callback_body, new_session
from tests.authorized_kafka import AuthorizedKafka, authorized_kafka
from tests.faults.processes import until
from tests.integration.access_table import access_table
from tests.integration.authorized_site import Site
from tests.integration.remote_stream import RemoteServer
from tests.kafka import Report, run
from tests.kafka_attempts import (
    Attempt,
    cluster_attempt,
    deletion_attempt,
    group_attempts,
    id_attempt,
    topic_attempts,
    tried,
)

PROVIDERS = ("pivot", "send")
ACCESSES = [
    *(access_of(one, PROVIDERS) for one in (Process.INGRESS, Process.STREAMS)),
    access_of(Process.INTAKE, ["send"]),
    access_of(Process.POLLER, ["send"]),
    *(
        access_of(one, [provider])
        for provider in PROVIDERS
        for one in (Process.VERIFIER, Process.STATE_MACHINE)
    ),
    *(
        access_of(one, PROVIDERS)
        for one in (Process.TOPICS, Process.OPERATOR, Process.REPLAY, Process.KEDA)
    ),
]
APPLY = ("reverify", "--provider", "pivot", "--since", "1h", "--apply", "--yes")
STRANGER = "esito-stranger"
DELAYS = "esito_streams_delays_total"
WAITING = {name: f"esito-{name}" for name in ("ingress", "verifier-pivot", "streams")}


@pytest.fixture(scope="module")
def kafka(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthorizedKafka]:
    """Give a broker that knows every user, and lets each do what the table says."""
    users = [*(one.user for one in ACCESSES), STRANGER]
    with authorized_kafka(report, users, tmp_path_factory.mktemp("users")) as found:
        run(found.create_topics([name for one in _topics() for name in one.by_role().values()]))
        run(found.grant(ACCESSES))
        yield found


@pytest.fixture
def site_of(
    kafka: AuthorizedKafka, database: Database, tmp_path: Path, topic_prefix: str
) -> Callable[[str], Site]:
    """Return how to write an installation that reads a remote stream; nobody has a right yet."""
    return partial(Site.written, tmp_path, kafka, topic_prefix, database)


async def test_every_process_does_its_work_with_its_own_rights(
    site_of: Callable[[str], Site], kafka: AuthorizedKafka
) -> None:
    """A callback to its status event, a request to VIEWED, a stream polled, letters written."""
    session = new_session(random.Random(1), payment_type="SINGLE")  # noqa: S311 - not a secret
    opened = callback_body("PAYMENT.PROCESSING", session, status="ACTIVE")
    paid = callback_body("PAYMENT.PAID", session, status="PAID")
    async with RemoteServer().running() as remote:
        site = site_of(remote.url)
        await kafka.grant(accesses(site.configuration))
        applied = await site.esito("esito-topics", "topics", "apply")
        async with site.running() as logs:
            told = await site.told(opened, b"no JSON")
            viewed = await site.sent()
            remote.add("0" * 36, "REQUEST_ACCEPTED")
            await remote.read_empty()
            await site.forged()
            letters = await site.letters(2)
        # Anew: a state machine restores what the former one wrote.
        async with site.running("ingress", "verifier-pivot", "state-machine-pivot"):
            told += await site.told(paid)
            events = await site.events(session.id, 2)
    await site.misjudged(opened)
    done = {
        words: await site.esito(user, *words, typed=session.id)
        for user, words in _commands([one["id"] for one in letters], session.id)
    }

    assert applied.exit_code == 0, applied.output
    assert (told, viewed) == ([200, 200, 200], "VIEWED")
    assert [(one["sequence"], one["status"]) for one in events] == [
        (1, "pending"),
        (2, "completed"),
    ]
    assert [(words, one.output) for words, one in done.items() if one.exit_code] == []
    assert "1 of 1 sent again" in done[APPLY].output
    assert {one["code"] for one in letters} == {"json_invalid", "update_malformed"}
    said = {name: log.read_text() for name, log in logs.items()}
    assert [name for name, text in said.items() if "Authorization" in text] == []
    assert [name for name, text in said.items() if "access.refused" in text] == []


async def test_a_missing_right_is_named_and_shown_until_it_is_given(
    site_of: Callable[[str], Site], kafka: AuthorizedKafka, topic_prefix: str
) -> None:
    """First without any right, then with those to topics, then also to groups; then all."""
    site = site_of("http://127.0.0.1:1")
    given = [one for one in accesses(site.configuration) if one.user in WAITING.values()]
    topics = Topics.of("pivot", prefix=topic_prefix)
    group = group_of(Process.VERIFIER, "pivot", prefix=topic_prefix)
    others = [Topics.of("send", prefix=topic_prefix), topics]
    await kafka.create_topics([name for one in others for name in one.by_role().values()])

    async with site.waiting(*WAITING) as processes:
        await processes["ingress"].says("access.refused", reason=_no(f"topic {topics.raw}"))
        for name, topic in (("verifier-pivot", topics.raw), ("streams", topics.status)):
            await processes[name].says("batch.delayed", reason=absent(topic))
        await until(partial(_delays_beyond, site, 0), "the streams count that they wait for topics")
        await kafka.grant(_only(given, Resource.TOPIC))
        for name, one in (
            ("verifier-pivot", group),
            ("streams", group_of(Process.STREAMS, prefix=topic_prefix)),
        ):
            reason = _no(f"consumer group {one}")
            await processes[name].says("access.refused", reason=reason)
        delays = site.metric("streams", DELAYS)
        await until(
            partial(_delays_beyond, site, delays), "the streams count that they cannot join"
        )
        await kafka.grant(_only(given, Resource.GROUP))
        reason = _no(f"transactional id {transactional_id(group, topics.raw, 0)}")
        await processes["verifier-pivot"].says("access.refused", reason=reason)
        unready = not site.ready("verifier-pivot")
        await kafka.grant(given)
        for name in WAITING:
            await until(partial(site.ready, name), f"{name} is ready")

    assert unready


def _delays_beyond(site: Site, count: float) -> bool:
    return site.metric("streams", DELAYS) > count


async def test_every_attempt_ends_as_the_table_says(kafka: AuthorizedKafka, report: Report) -> None:
    attempts = list(_attempts(deleted=_names()))

    found = {one.user: await tried(kafka.client_settings(one.user), attempts) for one in ACCESSES}

    report(access_table(found))
    assert _differences(found) == []


async def test_somebody_without_a_right_is_refused_everything(kafka: AuthorizedKafka) -> None:
    found = await tried(kafka.client_settings(STRANGER), _attempts(deleted=_names()))

    assert [one for one, allowed in found.items() if allowed] == []


async def test_the_administrator_is_refused_nothing(kafka: AuthorizedKafka) -> None:
    """What the others are refused, they are refused for want of a right, and for nothing else."""
    settings = {"bootstrap_servers": kafka.administrator}
    found = await tried(settings, _attempts(deleted=["somebody-elses"]))

    assert [one for one, allowed in found.items() if not allowed] == []


def _commands(letters: list[str], transaction: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield who runs what; one of the letters goes to a raw topic, one to a verified one."""
    yield "esito-topics", ("topics", "check")
    yield "esito-operator", ("doctor",)
    yield "esito-operator", ("transaction", "show", "pivot-local", transaction)
    yield "esito-operator", ("lag", "--every", "0.2")
    yield "esito-operator", ("person", "find")
    yield "esito-operator", ("reverify", "--provider", "send", "--since", "1h")
    yield "esito-replay", APPLY
    yield "esito-operator", ("dead-letters", "show", letters[0])
    yield "esito-replay", ("dead-letters", "replay", *letters, "--yes")
    yield "esito-operator", ("streams", "rebuild")


def _no(what: str) -> str:
    return f"no right to {what}; see docs/ACCESS.md"


def _only(given: Sequence[Access], resource: Resource) -> list[Access]:
    """Return the rights to one kind of resource alone."""
    return [
        replace(one, grants=tuple(grant for grant in one.grants if grant.resource is resource))
        for one in given
    ]


def _differences(found: Mapping[str, Mapping[Attempt, bool]]) -> list[str]:
    return [
        f"{access.user}, {attempt.what} {attempt.name}: allowed is {allowed}"
        for access in ACCESSES
        for attempt, allowed in found[access.user].items()
        if allowed is not attempt.expected(access)
    ]


def _attempts(*, deleted: Sequence[str]) -> Iterator[Attempt]:
    for topic in [*_names(), "somebody-elses"]:
        yield from topic_attempts(topic)
        if topic in deleted:
            yield deletion_attempt(topic)
    for access in ACCESSES:
        if access.process in {Process.VERIFIER, Process.STATE_MACHINE, Process.STREAMS}:
            yield from group_attempts(group_of(access.process, access.provider))
    for access in _workers():
        group = group_of(access.process, access.provider)
        role = Role.RAW if access.process is Process.VERIFIER else Role.VERIFIED
        topic = Topics.of(access.provider).by_role()[role]
        yield id_attempt(transactional_id(group, topic, 0))
    yield cluster_attempt()


def _workers() -> Iterator[Access]:
    for one in ACCESSES:
        if one.process in {Process.VERIFIER, Process.STATE_MACHINE}:
            yield one


def _names() -> list[str]:
    return [topic for one in _topics() for topic in one.by_role().values()]


def _topics() -> list[Topics]:
    return [Topics.of(provider) for provider in PROVIDERS]
