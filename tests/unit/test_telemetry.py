"""What may stand in a log line, and what never does."""

import io
import json
import logging
from contextlib import redirect_stdout

import pytest

from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.log_events import FIELDS, LogEvent
from runtime.metrics import CATALOGUE, Kind, Metrics
from runtime.telemetry import configure_logging, own_stack, redact
from tests.conformance.vector import VECTORS
from tests.unit.test_verify import PAID, callback, verified

SECRET = "4440000000000002"  # noqa: S105 - a card number, in a test of where it may not appear


@pytest.fixture
def configuration() -> Configuration:
    found = load_configuration(VECTORS / "pivot" / "endpoint.yaml", environ={})
    return found.model_copy(update={"log_format": "json"})


def test_field_outside_the_catalogue_is_redacted() -> None:
    line = redact(None, "info", {"event": "record.rejected", "body": SECRET, "card": {"n": SECRET}})

    assert line == {"event": "record.rejected", "body": "[redacted]", "card": "[redacted]"}


@pytest.mark.parametrize("field", FIELDS)
def test_field_of_the_catalogue_is_kept_and_cut(field: str) -> None:
    line = redact(None, "info", {field: "x" * 5_000})

    assert line[field] == "x" * 1_000 + "…"


def test_line_is_json_with_the_process_the_level_and_the_time(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    log = configure_logging(configuration, process="verifier")

    log.warning(LogEvent.RECORD_REJECTED, offset=7, code="json_invalid", payload=SECRET)

    line = json.loads(capsys.readouterr().out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "record.rejected",
        "level": "warning",
        "process": "verifier",
        "offset": 7,
        "code": "json_invalid",
        "payload": "[redacted]",
    }


def test_level_below_the_configured_one_is_silent(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    log = configure_logging(
        configuration.model_copy(update={"log_level": "error"}), process="verifier"
    )

    log.warning(LogEvent.RECORD_REJECTED, offset=7)

    assert capsys.readouterr().out == ""


def test_library_speaks_through_our_log_and_its_exception_is_its_class_alone(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(configuration, process="verifier")
    library = logging.getLogger("some.library")

    library.info("not said")
    library.debug("value %s", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        library.exception("it failed")

    out = capsys.readouterr().out
    line = json.loads(out)
    assert (line["event"], line["logger"], line["text"]) == (
        "library.spoke",
        "some.library",
        "it failed",
    )
    assert (line["level"], line["exception"]) == ("error", "ValueError")
    assert SECRET not in out


def test_library_that_formats_wrongly_does_not_fail_our_work(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(configuration, process="verifier")

    logging.getLogger("some.library").warning("%d of %s", "one")  # noqa: PLE1206 - it is the point

    assert json.loads(capsys.readouterr().out)["text"] == "[unprintable]"


def test_library_that_speaks_into_a_closed_pipe_does_not_fail_our_work(
    configuration: Configuration,
) -> None:
    gone = io.StringIO()
    with redirect_stdout(gone):
        configure_logging(configuration, process="verifier")
    gone.close()

    logging.getLogger("some.library").warning("said to nobody")


def test_stack_names_our_own_functions_and_quotes_nothing() -> None:
    def careless(secret: str) -> None:
        json.loads(secret + "{")

    try:
        careless(SECRET)
        verified(callback(PAID))
    except ValueError as error:
        stack = own_stack(error)

    assert SECRET not in stack
    assert "json" not in stack


def test_stack_ends_where_our_code_failed() -> None:
    try:
        load_configuration(VECTORS / "pivot" / "endpoint.yaml", environ=None)  # type: ignore[arg-type]
    except TypeError as error:
        stack = own_stack(error)

    assert stack.endswith("_refuse_unknown_variables")
    assert "runtime/configuration_file.py:" in stack


def test_metrics_know_the_catalogue_and_nothing_else() -> None:
    metrics = Metrics()
    makers = {
        Kind.COUNTER: metrics.counter,
        Kind.GAUGE: metrics.gauge,
        Kind.HISTOGRAM: metrics.histogram,
    }

    for one in CATALOGUE:
        makers[one.kind](one.name, *one.labels)
    collected = {metric.name for metric in metrics.registry.collect()}

    own = {name for name in collected if name.startswith("esito_")}
    assert own == {metric.name.removesuffix("_total") for metric in CATALOGUE}
    with pytest.raises(KeyError):
        metrics.counter("esito_ingress_callbacks")
    with pytest.raises(KeyError):
        metrics.gauge("esito_ingress_callbacks_total")


def test_process_shows_what_it_asked_for_and_its_own_start() -> None:
    """Else every process would show a lag of nothing and a topic that does not stall."""
    metrics = Metrics()
    before = {metric.name for metric in metrics.registry.collect()}

    metrics.counter("esito_intake_relayed_total")
    after = {metric.name for metric in metrics.registry.collect()}

    assert after - before == {"esito_intake_relayed"}
    assert "process_start_time_seconds" in before


def test_metric_asked_for_with_the_wrong_labels_fails_at_once() -> None:
    with pytest.raises(ValueError, match="Incorrect label count"):
        Metrics().counter("esito_ingress_callbacks_total", "shop")


def test_two_processes_in_one_interpreter_do_not_share_metrics() -> None:
    one, other = Metrics(), Metrics()

    one.counter("esito_worker_fenced_total", "raw").inc()

    assert one.registry.get_sample_value("esito_worker_fenced_total", {"topic": "raw"}) == 1
    assert other.registry.get_sample_value("esito_worker_fenced_total", {"topic": "raw"}) is None
