"""The example subscribers read what a real run published, and more that a subscriber may meet."""

import resource
import secrets
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from tests.deploy.published import (
    Published,
    published,
    records_left,
    with_a_gap,
    with_later_events,
    with_one_event,
)
from tests.deploy.subscriber_rights import shown_user, tls_kafka
from tests.deploy.subscribers import (
    Subscriber,
    end,
    java_subscriber,
    python_subscriber,
    typescript_subscriber,
)
from tests.faults.processes import until
from tests.kafka import Kafka, Report
from tests.kafka import run as kafka_run

SECONDS_MAX = 60
# About what one line has.
EFFECT_BYTES = 100


@dataclass(frozen=True, slots=True)
class Read:
    """What one subscriber had written: on a full disk, when it was killed, at its orderly end."""

    published: frozenset[str]
    full: str
    full_code: int
    killed: list[str]
    ended: list[str]
    exit_code: int
    left: int


@pytest.fixture(scope="session")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[Subscriber]]]:
    """Build them while Esito runs."""
    directory = tmp_path_factory.mktemp("examples")
    with ThreadPoolExecutor() as pool:
        makers = (python_subscriber, java_subscriber, typescript_subscriber)
        yield [pool.submit(make, directory) for make in makers]


@pytest.fixture(scope="session")
def run(
    kafka: Kafka,
    building: list[Future[Subscriber]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Published:
    assert building
    return kafka_run(published(kafka, tmp_path_factory.mktemp("esito")))


@pytest.fixture(scope="session")
def subscribers(building: list[Future[Subscriber]]) -> list[Subscriber]:
    return [one.result() for one in building]


@pytest.fixture(scope="session")
def reads(
    run: Published,
    subscribers: list[Subscriber],
    tmp_path_factory: pytest.TempPathFactory,
    report: Report,
) -> dict[str, Read]:
    """Let each subscriber run out of disk amid its effects, go on, be killed, and end in order.

    Between the last two it loses its offsets, so that it reads all of it again, and more.
    """
    directory = tmp_path_factory.mktemp("effects")
    first, second = secrets.token_hex(4), secrets.token_hex(4)
    full_codes = read_until_the_disk_is_full(subscribers, run, directory, first)
    full = {one.language: (directory / f"{one.language}.txt").read_text() for one in subscribers}
    killed, _ = read_to_the_end(subscribers, run, directory, first, signal.SIGKILL)
    later = kafka_run(with_later_events(run))
    ended, codes = read_to_the_end(subscribers, later, directory, second, signal.SIGTERM)
    for name, written in ended.items():
        report(f"{name}: {len(written)} effects, {len(sequences(written))} transactions")
    return {
        name: Read(
            published=later.identifiers,
            full=full[name],
            full_code=full_codes[name],
            killed=killed[name],
            ended=written,
            exit_code=codes[name],
            left=sum(kafka_run(records_left(later, f"{second}.{name}")).values()),
        )
        for name, written in ended.items()
    }


def test_subscribers_do_the_same_in_every_language(reads: dict[str, Read]) -> None:
    found = {name: sorted(read.ended) for name, read in reads.items()}

    assert found["python"] == found["java"] == found["typescript"]


def test_subscribers_take_all_that_was_published(reads: dict[str, Read]) -> None:
    for read in reads.values():
        assert {line.split("\t")[2] for line in read.ended} == read.published


def test_subscribers_see_nothing_that_was_aborted(reads: dict[str, Read]) -> None:
    for read in reads.values():
        assert [line for line in read.ended if "ABORTED" in line] == []


def test_subscribers_take_every_event_once_and_in_order(reads: dict[str, Read]) -> None:
    for read in reads.values():
        identifiers = [line.split("\t")[2] for line in read.ended]
        found = sequences(read.ended)

        assert len(set(identifiers)) == len(identifiers)
        assert found == {key: list(range(1, len(one) + 1)) for key, one in found.items()}


def test_subscriber_killed_and_without_its_offsets_does_nothing_again(
    reads: dict[str, Read],
) -> None:
    for read in reads.values():
        assert read.ended[: len(read.killed)] == read.killed
        assert len(read.ended) > len(read.killed)


def test_subscriber_that_cannot_write_an_effect_ends_and_commits_nothing_of_it(
    reads: dict[str, Read],
) -> None:
    """The same group went on from the last commit, and everything was taken once (above)."""
    for name, read in reads.items():
        done, _, torn = read.full.rpartition("\n")

        assert read.full_code == 1
        assert torn, name
        assert read.killed[: len(done.splitlines())] == done.splitlines()
        assert len(read.killed) > len(done.splitlines())


def test_subscriber_has_committed_all_it_did_when_it_ends(reads: dict[str, Read]) -> None:
    assert {name: read.left for name, read in reads.items()} == dict.fromkeys(reads, 0)


def test_subscriber_leaves_what_it_does_not_know_to_a_person(reads: dict[str, Read]) -> None:
    for read in reads.values():
        asked = [line.split("\t")[3:5] for line in read.ended if "\task\t" in line]

        assert asked == [["ask", "suspended"]]


def test_subscriber_ends_in_order_on_sigterm(reads: dict[str, Read]) -> None:
    # The JVM's own code of an end by SIGTERM, even where its hook has done all there was to do.
    assert {name: read.exit_code for name, read in reads.items()} == {
        "python": 0,
        "java": 143,
        "typescript": 0,
    }


def test_subscriber_stops_at_a_missing_event(
    run: Published, subscribers: list[Subscriber], tmp_path: Path
) -> None:
    other = kafka_run(with_a_gap(run))

    with running(subscribers, other, tmp_path, "gap") as processes:
        codes = {name: process.wait(timeout=SECONDS_MAX) for name, process in processes.items()}

    assert codes == {"python": 1, "java": 1, "typescript": 1}
    for name in processes:
        said = (tmp_path / f"{name}.err").read_text()
        assert "an event is missing: " in said
        assert "sequence 3 came after 1" in said
        assert len(effects(tmp_path, name)) <= 1
        left = kafka_run(records_left(other, f"gap.{name}"))
        assert sum(left.values()) >= 1


@pytest.fixture(scope="session")
def deployed(
    run: Published, report: Report, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    """Give one event in a Kafka that asks for certificates, to the user of the page."""
    user = shown_user()
    with tls_kafka(report, user["metadata"]["name"], tmp_path_factory.mktemp("tls")) as kafka:
        found = kafka_run(with_one_event(run, kafka.administrator))
        kafka_run(kafka.grant(user))
        yield replace(found, bootstrap_servers=kafka.users, files=kafka.files)


def test_subscriber_reads_by_its_certificate_with_the_rights_of_the_page(
    deployed: Published, subscribers: list[Subscriber], tmp_path: Path
) -> None:
    written, _ = read_to_the_end(subscribers, deployed, tmp_path, "shop", signal.SIGTERM)

    assert {name: len(lines) for name, lines in written.items()} == dict.fromkeys(written, 1)


def test_subscriber_ends_where_it_has_no_right_and_says_so(
    deployed: Published, subscribers: list[Subscriber], tmp_path: Path
) -> None:
    with running(subscribers, deployed, tmp_path, "other") as processes:
        codes = {name: process.wait(timeout=SECONDS_MAX) for name, process in processes.items()}

    assert codes == {"python": 1, "java": 1, "typescript": 1}
    for name in processes:
        said = (tmp_path / f"{name}.err").read_text()
        assert "group" in said.lower(), said
        assert "authoriz" in said.lower(), said
        assert "an event is missing" not in said


@contextmanager
def running(
    subscribers: list[Subscriber], run: Published, directory: Path, group: str
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Give the subscribers as processes, each in its group; killed in the end."""
    processes = {}
    for one in subscribers:
        settings = {
            "BOOTSTRAP_SERVERS": run.bootstrap_servers,
            "TOPICS": ",".join(run.topics),
            "GROUP": f"{group}.{one.language}",
            "EFFECTS_FILE": str(directory / f"{one.language}.txt"),
            **run.files,
        }
        processes[one.language] = one.start(settings, directory / f"{one.language}.err")
    try:
        yield processes
    finally:
        for process in processes.values():
            if process.poll() is None:
                end(process, signal.SIGKILL)


def read_until_the_disk_is_full(
    subscribers: list[Subscriber], run: Published, directory: Path, group: str
) -> dict[str, int]:
    """Let no file become as long as all effects would make it; return the exit codes."""
    bytes_max = EFFECT_BYTES * len(run.identifiers) // 2
    with running(subscribers, run, directory, group) as processes:
        for process in processes.values():
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
        return {name: process.wait(timeout=SECONDS_MAX) for name, process in processes.items()}


def read_to_the_end(
    subscribers: list[Subscriber],
    run: Published,
    directory: Path,
    group: str,
    number: signal.Signals,
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Let each take all there is; return what it wrote, and its exit code at the signal."""
    with running(subscribers, run, directory, group) as processes:
        all_took = partial(_all_took, run, directory, list(processes))
        kafka_run(until(all_took, "everything was taken", SECONDS_MAX))
        codes = {name: end(process, number) for name, process in processes.items()}
    return {name: effects(directory, name) for name in processes}, codes


def _all_took(run: Published, directory: Path, languages: list[str]) -> bool:
    return all(len(effects(directory, one)) >= len(run.identifiers) for one in languages)


def effects(directory: Path, language: str) -> list[str]:
    file = directory / f"{language}.txt"
    return file.read_text().splitlines() if file.exists() else []


def sequences(effects: list[str]) -> dict[str, list[int]]:
    """Return the sequence numbers of each transaction as they were written."""
    found: dict[str, list[int]] = {}
    for line in effects:
        key, sequence, *_ = line.split("\t")
        found.setdefault(key, []).append(int(sequence))
    return found
