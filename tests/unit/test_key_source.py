"""Keys from files: taken when they change, and never replaced by a broken one."""

import asyncio
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
import structlog
from pydantic import ValidationError

from contracts.errors import Broken
from runtime.caller_keys import CallerKeys
from runtime.endpoint_configuration import ApiKey, Endpoint, Hmac
from runtime.endpoint_keys import KeyFile, Keys
from runtime.key_source import KeySource, publish_expiries, publish_reloads, report_reloads
from runtime.metrics import Metrics
from tests.updates import NOON

ONE = b"one-secret-0123456789"
TWO = b"two-secret-0123456789"


class Reloads(list[tuple[str, str]]):
    """What a key source reported."""

    def __call__(self, endpoint: str, outcome: str) -> None:
        self.append((endpoint, outcome))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "api-key"
    file.write_bytes(ONE)
    return file


def endpoint(file: Path, *, hmac: Hmac | None = None) -> Endpoint:
    keys = (KeyFile(id="current", file=file),)
    return Endpoint(
        name="shop",
        provider="pivot",
        path="/callbacks",
        api_key=ApiKey(keys=keys),
        hmac=hmac,
        expectations=Keys(keys=keys),
    )


def source(file: Path, reloads: Reloads, *, hmac: Hmac | None = None) -> KeySource:
    return KeySource({"shop": endpoint(file, hmac=hmac)}, reloads)


def accepted(keys: KeySource, presented: bytes) -> bool:
    ring = keys.of("shop").api_key
    assert ring is not None
    return ring.identify(presented, at=NOON) == "current"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_line_feed_at_the_end_of_the_file_is_no_part_of_the_secret(
    secret: Path, end: bytes
) -> None:
    secret.write_bytes(ONE + end)

    assert accepted(source(secret, Reloads()), ONE)


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 15, b"x" * 4_097])
def test_secret_of_an_absurd_length_is_refused_at_the_start(secret: Path, content: bytes) -> None:
    secret.write_bytes(content)

    with pytest.raises(Broken, match=r"the secret has .* bytes; 16 to 4096 are taken"):
        source(secret, Reloads())


def test_missing_file_is_refused_at_the_start_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"absent: cannot be read \(No such file or directory\)"):
        source(tmp_path / "absent", Reloads())


def test_changed_file_is_taken(secret: Path) -> None:
    reloads = Reloads()
    keys = source(secret, reloads)
    secret.write_bytes(TWO)

    keys.reload()

    assert accepted(keys, TWO)
    assert not accepted(keys, ONE)
    assert reloads == [("shop", "taken")]


def test_file_that_is_renamed_over_is_taken(secret: Path) -> None:
    """Kubernetes does that with a directory; times and sizes may stay as they were."""
    keys = source(secret, Reloads())
    other = secret.with_name("..data")
    other.write_bytes(TWO)
    other.rename(secret)

    keys.reload()

    assert accepted(keys, TWO)


def test_unchanged_file_is_not_reported(secret: Path) -> None:
    reloads = Reloads()
    keys = source(secret, reloads)

    keys.reload()

    assert reloads == []


def _remove(file: Path) -> None:
    file.unlink()


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _shorten(file: Path) -> None:
    file.write_bytes(b"short")


@pytest.mark.parametrize("break_it", [_remove, _empty, _shorten])
def test_broken_file_is_refused_once_and_the_former_key_stays(
    secret: Path, break_it: Callable[[Path], None]
) -> None:
    reloads = Reloads()
    keys = source(secret, reloads)
    break_it(secret)

    keys.reload()
    keys.reload()

    assert accepted(keys, ONE)
    assert len(reloads) == 1
    assert reloads[0][1] != "taken"


async def test_file_that_breaks_is_noticed_while_it_is_watched(secret: Path) -> None:
    noticed = asyncio.Event()
    keys = KeySource({"shop": endpoint(secret)}, lambda *_: noticed.set())
    _empty(secret)

    watching = asyncio.create_task(keys.watch(every_seconds=0.001))
    await asyncio.wait_for(noticed.wait(), 5)
    watching.cancel()

    assert accepted(keys, ONE)


def test_repaired_file_is_taken_after_it_was_refused(secret: Path) -> None:
    reloads = Reloads()
    keys = source(secret, reloads)
    _empty(secret)
    keys.reload()
    secret.write_bytes(TWO)

    keys.reload()

    assert accepted(keys, TWO)
    assert [outcome == "taken" for _, outcome in reloads] == [False, True]


def test_file_that_breaks_again_is_reported_again(secret: Path) -> None:
    reloads = Reloads()
    keys = source(secret, reloads)
    for content in (b"", ONE, b""):
        secret.write_bytes(content)
        keys.reload()

    assert len(reloads) == 2


def test_refusal_never_quotes_a_secret(secret: Path) -> None:
    reloads = Reloads()
    keys = source(secret, reloads)
    secret.write_bytes(b"hunter2")

    keys.reload()

    assert "hunter2" not in str(reloads)


def test_reloads_are_counted_and_logged(secret: Path) -> None:
    metrics = Metrics()
    log = structlog.wrap_logger(structlog.ReturnLogger())
    report = report_reloads(metrics, log)

    with structlog.testing.capture_logs() as lines:
        report("shop", "taken")
        report("shop", f"{secret}: the secret has 0 bytes")

    def count(outcome: str) -> float | None:
        labels = {"endpoint": "shop", "outcome": outcome}
        return metrics.registry.get_sample_value("esito_keys_reloads_total", labels)

    assert (count("taken"), count("refused")) == (1, 1)
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("info", "keys.taken"),
        ("error", "keys.refused"),
    ]


@pytest.mark.parametrize("mended", [ONE, TWO])
def test_refused_file_is_shown_for_as_long_as_it_is_broken(secret: Path, mended: bytes) -> None:
    metrics, keys = Metrics(), source(secret, Reloads())
    publish_reloads(metrics, keys, CallerKeys({}, Reloads()))
    shown = []

    for content in (ONE, b"", b"", b"short", mended):
        secret.write_bytes(content)
        keys.reload()
        shown.append(metrics.registry.get_sample_value("esito_keys_refused", {"endpoint": "shop"}))

    assert shown == [0, 1, 1, 1, 0]


def test_reloads_are_counted_from_zero(secret: Path) -> None:
    metrics = Metrics()

    publish_reloads(metrics, source(secret, Reloads()))

    for outcome in ("taken", "refused"):
        labels = {"endpoint": "shop", "outcome": outcome}
        assert metrics.registry.get_sample_value("esito_keys_reloads_total", labels) == 0


def test_end_of_each_key_is_a_metric(secret: Path) -> None:
    metrics = Metrics()
    ending = KeyFile(id="ending", file=secret, not_after=NOON)
    keys = (ending, KeyFile(id="endless", file=secret))
    one = Endpoint(name="shop", provider="pivot", path="/", api_key=ApiKey(keys=keys))

    publish_expiries(metrics, {"shop": one})

    samples = [
        (sample.labels, sample.value)
        for metric in metrics.registry.collect()
        if metric.name == "esito_keys_expiry_timestamp_seconds"
        for sample in metric.samples
    ]
    labels = {"endpoint": "shop", "credential": "api_key"}
    assert samples == [
        ({**labels, "key_id": "ending"}, 1_793_620_800),
        ({**labels, "key_id": "endless"}, inf),
    ]


@pytest.mark.parametrize("bound", ["not_before", "not_after"])
def test_bound_without_an_offset_is_refused_at_the_start(secret: Path, bound: str) -> None:
    """Compared with the time of receipt it would fail on every request."""
    with pytest.raises(ValidationError, match="timezone_aware"):
        KeyFile.model_validate({"id": "one", "file": secret, bound: "2026-11-01T00:00:00"})
