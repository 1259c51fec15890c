"""What is planned to be sent again is known whole before, so it is small and bounded."""

import resource
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.codes import RejectionCode
from contracts.dead_letter import DeadLetter
from contracts.errors import Broken
from contracts.topics import Topics
from ops.replay.letter_box import Letter, newest_replays
from ops.replay.replays import Replay, Sent
from ops.replay.report import Report, report_file
from ops.topic_reader import StoredRecord
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from tests.integration.records import write_configuration

TOPICS = Topics.of("pivot", prefix="t.")
SENT = Sent(Replay((TOPICS.rejected, 0, 4), TOPICS.raw, "json_invalid"), (TOPICS.raw, 1, 7), "c")


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    file = write_configuration(tmp_path, servers="127.0.0.1:1", prefix="t.")
    return load_configuration(file, environ={})


async def letters(*callbacks: str) -> AsyncGenerator[Letter]:
    """Yield a letter of each callback, the newest first."""
    for offset, callback in enumerate(callbacks):
        reason = DeadLetter(
            code=RejectionCode.JSON_INVALID,
            detail="",
            topic=TOPICS.raw,
            partition=0,
            offset=0,
            exception="Rejected",
        )
        yield Letter(
            StoredRecord(
                topic=TOPICS.rejected,
                partition=0,
                offset=offset,
                written_at=1_000 - offset,
                key=None,
                value=b"a body",
                headers=tuple(reason.headers([("esito-callback-id", callback.encode())])),
            )
        )


async def test_replays_are_one_of_each_callback_by_its_newest_letter_oldest_first(
    configuration: Configuration,
) -> None:
    planned = await newest_replays(letters("a", "b", "a", "c"), configuration)

    assert planned == [
        Replay((TOPICS.rejected, 0, offset), TOPICS.raw, "json_invalid") for offset in (3, 1, 0)
    ]


async def test_more_replays_than_can_be_held_are_refused(configuration: Configuration) -> None:
    allowed = await newest_replays(letters("a", "b", "a"), configuration, at_most=2)

    with pytest.raises(Broken, match=r"^more than 2 dead letters; narrow it"):
        await newest_replays(letters("a", "b", "c"), configuration, at_most=2)

    assert len(allowed) == 2


def test_report_has_each_line_as_soon_as_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"

    with report_file(file) as write:
        Report(1, write).add(SENT)
        written = file.read_text()

    assert written == (
        '{"source": "t.callbacks.pivot.rejected.v1-0-4", "was": "json_invalid", '
        '"record": "t.callbacks.pivot.raw.v1-1-7"}\n'
    )


@contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond that, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room_bytes", [0, 10])
def test_report_that_finds_no_room_says_so(tmp_path: Path, room_bytes: int) -> None:
    with (
        report_file(tmp_path / "report.jsonl") as write,
        files_up_to(room_bytes),
        pytest.raises(Broken, match=r"report.jsonl: cannot be written"),
    ):
        Report(1, write).add(SENT)
