"""The breaker opens when we must be the ones at fault, and closes as soon as that is over."""

import pytest

from contracts.dead_letter import REPLAYED_FROM
from contracts.raw import PRINCIPAL, Headers, RawCallback, Source
from runtime.configuration import Breaker as BreakerSettings
from workers.breaker import Breaker, telling

REJECTED, FINE = True, False


@pytest.fixture
def breaker() -> Breaker:
    settings = BreakerSettings(
        rejected_ratio_max=0.5, window_records=40, records_min=20, retry_seconds=1
    )
    return Breaker(settings)


def test_breaker_too_few_records_admits_whatever_they_are(breaker: Breaker) -> None:
    assert breaker.admits([REJECTED] * 19)


def test_breaker_batch_of_rejections_is_held_back(breaker: Breaker) -> None:
    assert not breaker.admits([REJECTED] * 20)


def test_breaker_rejections_one_by_one_are_held_back_at_the_minimum(breaker: Breaker) -> None:
    for _ in range(19):
        assert breaker.admits([REJECTED])
        breaker.count([REJECTED])

    assert not breaker.admits([REJECTED])


def test_breaker_few_rejections_among_many_are_admitted(breaker: Breaker) -> None:
    breaker.count([FINE] * 30)

    assert breaker.admits([REJECTED] * 9)


@pytest.mark.parametrize("batch", [[FINE], [FINE, FINE, REJECTED]])
def test_breaker_small_sound_batch_after_rejections_is_admitted(
    breaker: Breaker, batch: list[bool]
) -> None:
    """Otherwise a worker with a short batch in hand would stay shut after the key is right."""
    breaker.count([REJECTED] * 19)

    assert breaker.admits(batch)


def test_breaker_window_forgets_what_is_long_past(breaker: Breaker) -> None:
    breaker.count([REJECTED] * 40)
    breaker.count([FINE] * 40)

    assert breaker.admits([REJECTED] * 20)


def test_breaker_held_partition_is_news_once_and_released_once(breaker: Breaker) -> None:
    news = [breaker.hold(3), breaker.hold(3)]
    opened = breaker.is_open
    released = [breaker.release(3), breaker.release(3)]

    assert news == [True, False]
    assert opened
    assert released == [True, False]
    assert not breaker.is_open


def test_rejections_of_strangers_tell_nothing() -> None:
    """Else anybody who finds an endpoint that only signatures protect could stop its verifier."""
    stranger: Headers = [(PRINCIPAL, b"")]
    known: Headers = [(PRINCIPAL, b"api_key:k1")]

    told = telling(
        [REJECTED, REJECTED, FINE, REJECTED, FINE],
        [stranger, known, stranger, [], known],
    )

    assert told == [REJECTED, FINE, REJECTED, FINE]


def test_rejections_of_replays_tell_nothing(breaker: Breaker) -> None:
    """Else whoever replays a day of letters too early stops the provider's new callbacks too."""
    replayed: Headers = [(PRINCIPAL, b"api_key:k1"), (REPLAYED_FROM, b"rejected-0-1")]

    told = telling([REJECTED] * 25, [replayed] * 25)

    assert told == []
    assert breaker.admits(told)
    assert telling([FINE], [replayed]) == [FINE]


def test_caller_cannot_call_his_callback_a_replay() -> None:
    """What the ingress keeps of a request has a prefix in the record's headers."""
    callback = RawCallback(
        body=b"",
        callback_id="c",
        endpoint="shop",
        source=Source.CALLBACK,
        received_at="2026-11-21T10:00:00.000001Z",
        method="POST",
        target_uri="https://esito.example/callbacks/pivot",
        principal="api_key:k1",
        http={REPLAYED_FROM: b"rejected-0-1"},
    )

    assert telling([REJECTED], [callback.headers()]) == [REJECTED]
