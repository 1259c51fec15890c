"""The reading of a remote stream: what is acknowledged, and how long it waits."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.errors import Unavailable
from contracts.raw import RawCallback, Source
from runtime.configuration import Configuration
from runtime.failpoint import no_failpoint
from runtime.metrics import Metrics
from runtime.service_configuration import RemoteStream
from runtime.telemetry import configure_logging
from workers.poller.page import Element
from workers.poller.poller import Poller
from workers.poller.raw_writer import Oversized
from workers.poller.remote import Outcome, Page, Unread

URL = "https://send.example.org/delivery-progresses/v2.8"
STREAM = "0196f3a0-0000-7000-8000-000000000000"
Answer = Page | Unread


def element(number: int) -> Element:
    return Element(b'{"n":%d}' % number, f"{number:038}", f"request-{number}")


def page(*numbers: int, retry: int | None = 0) -> Page:
    return Page(tuple(map(element, numbers)), retry)


class Bench:
    """A poller whose remote gives `answers`, and whose Kafka takes all or fails."""

    def __init__(self, *answers: Answer, jitter: float = 1.0) -> None:
        self.answers = list(answers)
        self.asked: list[str | None] = []
        self.stored: list[RawCallback] = []
        self.kafka_is_away = False
        self.bytes_max = 1_000_000
        self.metrics = Metrics()
        settings = RemoteStream(
            url=URL, stream_id=STREAM, api_key_file=Path("none"), retry_seconds_max=300
        )
        endpoint = {"name": "send-remote", "provider": "send", "path": "/send"}
        log = configure_logging(Configuration(endpoints=(endpoint,)), process="poller")
        self.poller = Poller(
            "send-remote",
            settings,
            read=self.read,
            write=self.write,
            pause=self.pause,
            jitter=lambda: jitter,
            failpoint=no_failpoint,
            metrics=self.metrics,
            log=log,
        )

    async def read(self, acknowledged: str | None) -> Page:
        self.asked.append(acknowledged)
        answer = self.answers.pop(0)
        if isinstance(answer, Unread):
            raise answer
        return answer

    async def write(self, records: Sequence[RawCallback]) -> None:
        if sum(len(one.body) for one in records) > self.bytes_max:
            raise Oversized("MessageSizeTooLargeError")
        if self.kafka_is_away:
            raise Unavailable("Kafka confirms nothing")
        self.stored.extend(records)

    async def pause(self, seconds: float) -> None:
        raise AssertionError(f"waits {seconds} s outside a turn")

    async def turns(self, count: int) -> list[float]:
        return [await self.poller.turn() for _ in range(count)]

    def counted(self, outcome: Outcome) -> float | None:
        labels = {"endpoint": "send-remote", "outcome": outcome.value}
        return self.metrics.registry.get_sample_value("esito_worker_polls_total", labels)


async def test_page_is_acknowledged_by_the_reading_after_it() -> None:
    bench = Bench(page(1, 2), page(3), page())

    await bench.turns(3)

    assert bench.asked == [None, f"{2:038}", f"{3:038}"]
    assert [one.body for one in bench.stored] == [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    assert bench.poller.succeeds


async def test_page_that_kafka_did_not_confirm_is_read_again() -> None:
    bench = Bench(page(1), page(2, 3), page(2, 3), page())

    await bench.turns(1)
    bench.kafka_is_away = True
    (pause,) = await bench.turns(1)
    bench.kafka_is_away = False
    await bench.turns(2)

    assert bench.asked == [None, f"{1:038}", f"{1:038}", f"{3:038}"]
    assert pause == 1.0
    assert bench.counted(Outcome.NOT_STORED) == 1


async def test_element_that_the_topic_does_not_take_is_cut_and_the_reading_goes_on() -> None:
    large = Element(b"x" * 1_000_001, f"{2:038}", "request-2")
    whole = page(1, 3)
    bench = Bench(Page((whole.elements[0], large, whole.elements[1]), 0), page())

    await bench.turns(2)

    assert bench.asked == [None, f"{3:038}"]
    assert [(len(one.body), one.cut_from) for one in bench.stored] == [
        (7, 0),
        (65_536, 1_000_001),
        (7, 0),
    ]


async def test_record_says_where_it_came_from_and_nothing_of_the_key() -> None:
    bench = Bench(page(7), page(7))

    await bench.turns(2)

    first, again = bench.stored
    assert first.callback_id == again.callback_id
    assert first.source is Source.POLL
    assert first.endpoint == "send-remote"
    assert first.transaction_id == "request-7"
    assert first.principal == "api_key:remote-stream"
    assert first.target_uri == f"{URL}/streams/{STREAM}/events/{7:038}"
    assert RawCallback.from_record(first.body, first.headers()) == first


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (page(1, retry=0), 0),
        (page(1, retry=1_500), 1.5),
        (page(1, retry=None), 0),
        (page(retry=60_000), 60),
        (page(retry=0), 1),
        (page(retry=None), 60),
        (page(retry=10**12), 300),
        (page(1, retry=10**12), 300),
        (Unread(Outcome.TOO_EARLY, retry_milliseconds=7_000), 7),
        (Unread(Outcome.SERVER_ERROR, retry_milliseconds=10**12), 300),
        (Unread(Outcome.UNREACHABLE), 1),
    ],
)
async def test_retry_after_is_milliseconds_and_bounded(answer: Answer, seconds: float) -> None:
    bench = Bench(answer)

    assert await bench.turns(1) == [seconds]


@pytest.mark.parametrize(("jitter", "first"), [(0.0, 0.5), (1.0, 1.0)])
async def test_pauses_double_with_jitter_up_to_the_bound_and_begin_anew(
    jitter: float, first: float
) -> None:
    bench = Bench(*[Unread(Outcome.SERVER_ERROR)] * 12, page(1), Unread(Outcome.SERVER_ERROR))
    bench = Bench(*bench.answers, jitter=jitter)

    pauses = await bench.turns(14)

    assert pauses[:4] == [first, 2 * first, 4 * first, 8 * first]
    assert pauses[11] == 300 * first
    assert pauses[12:] == [0, first]


async def test_position_that_the_remote_refuses_is_given_up() -> None:
    bench = Bench(page(5), Unread(Outcome.POSITION_REFUSED), page(1))

    await bench.turns(3)

    assert bench.asked == [None, f"{5:038}", None]


async def test_log_says_when_it_begins_to_fail_and_when_it_works_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = Unread(Outcome.REFUSED, "answered 403")
    bench = Bench(page(1), refused, refused, Unread(Outcome.TIMED_OUT), page(), page(2))

    await bench.turns(3)
    failing = bench.poller.succeeds
    await bench.turns(3)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert failing is False
    assert [(one["event"], one.get("code")) for one in lines] == [
        ("stream.missed", "refused"),
        ("stream.missed", "timed_out"),
        ("stream.recovered", None),
    ]
    assert bench.counted(Outcome.REFUSED) == 2
