"""What tracing costs when it is off, and what it needs when it is on."""

import ast
import os
import subprocess
import sys

import pytest

from contracts.errors import Broken
from contracts.raw import TRACEPARENT
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.service_configuration import Tracing
from runtime.tracing import carried, exemplar, traceparent_of, tracing
from tests.conformance.vector import VECTORS

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
PROCESSES = "import ingress.__main__, intake.__main__, streams.__main__, workers.__main__, sys;"
SECONDS_MAX = 4
ENDPOINT = VECTORS / "pivot" / "endpoint.yaml"
BEGUN = (
    "from runtime.service_configuration import Tracing; from runtime.spans import Spans;"
    "spans = Spans(Tracing(otlp_url='http://127.0.0.1:1'), process='ingress', provider='');"
    "print(dict(spans._provider.resource.attributes))"
)
# Four of the library's batches, for a collector that takes the connection and says nothing.
SILENT = """
import asyncio, socket, sys, time
from pathlib import Path
from runtime.configuration_file import load_configuration
from runtime.service_configuration import Tracing
from runtime.tracing import StepName, tracing

async def seconds_to_end(port):
    settings = Tracing(otlp_url=f"http://127.0.0.1:{port}/v1/traces")
    configuration = load_configuration(Path(sys.argv[1]), environ={})
    traced = configuration.model_copy(update={"tracing": settings})
    async with tracing(traced, process="ingress") as found:
        for _ in range(2_000):
            found.begin(StepName.CALLBACK_RECEIVE, endpoint="shop").end("accepted")
        began = time.monotonic()
    return time.monotonic() - began

with socket.create_server(("127.0.0.1", 0)) as silent:
    print(asyncio.run(seconds_to_end(silent.getsockname()[1])))
"""
FOUND = "print([name for name in sys.modules if name.startswith('opentelemetry')])"


class Begun:
    """A step with a context of its own."""

    traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"

    def end(self, outcome: str, *, failed: bool = False) -> None:
        """Do nothing."""


@pytest.fixture
def configuration() -> Configuration:
    return load_configuration(ENDPOINT, environ={})


async def test_without_an_address_there_is_no_tracing(configuration: Configuration) -> None:
    async with tracing(configuration, process="ingress") as found:
        assert found is None


def test_no_process_imports_opentelemetry_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROCESSES + FOUND], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_spans_name_their_process_and_what_its_environment_adds() -> None:
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=ingress-0", "PATH": os.defpath}

    done = subprocess.run(
        [sys.executable, "-c", BEGUN], capture_output=True, text=True, check=True, env=environment
    )

    told = ast.literal_eval(done.stdout)
    assert (told["service.name"], told["k8s.pod.name"]) == ("esito-ingress", "ingress-0")
    assert told["service.instance.id"]


async def test_missing_package_is_named_with_what_to_install(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "runtime.spans", raising=False)
    settings = Tracing(otlp_url="http://127.0.0.1:4318/v1/traces")

    with pytest.raises(Broken, match=r"pip install 'esito\[tracing\]'"):
        async with tracing(configuration.model_copy(update={"tracing": settings}), process="x"):
            pass


def test_collector_that_is_silent_does_not_hold_the_end_of_a_process() -> None:
    """In a process of its own: what the library goes on trying would disturb the next tests."""
    done = subprocess.run(
        [sys.executable, "-c", SILENT, str(ENDPOINT)], capture_output=True, text=True, check=True
    )

    assert float(done.stdout) < SECONDS_MAX


def test_context_replaces_the_one_before_in_both_of_its_forms() -> None:
    before = [("ce_traceparent", b"old"), ("other", b"kept"), (TRACEPARENT, b"old")]

    after = carried(before, Begun())

    context = Begun.traceparent.encode()
    assert after == [("ce_traceparent", context), ("other", b"kept"), (TRACEPARENT, context)]
    assert carried([("other", b"kept")], Begun())[1:] == [(TRACEPARENT, context)]
    assert traceparent_of(after) == Begun.traceparent


@pytest.mark.parametrize("flags", ["01", "03", "ff"])
def test_exemplar_leads_to_a_trace_that_was_kept(flags: str) -> None:
    assert exemplar(SAMPLED[:-2] + flags) == {"trace_id": TRACE}


@pytest.mark.parametrize(
    "context", ["", "x", SAMPLED[:-2] + "00", SAMPLED[:-2] + "02", SAMPLED[:-2] + "0x", SAMPLED[3:]]
)
def test_there_is_no_exemplar_of_any_other_context(context: str) -> None:
    assert exemplar(context) is None
