"""One trace leads from the provider's request to the status event, through every process."""

import asyncio
import json
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ops.local.installation_text import PIVOT_PATH
from runtime.service_configuration import Database
from runtime.tracing import Attribute
from simulator.send.pdf import pdf
from tests.e2e.collector import Collected, Collector
from tests.e2e.esito import Esito, installed, running, with_database
from tests.e2e.found import Found
from tests.e2e.send_user import User
from tests.kafka import Kafka
from tests.postgres import Postgres

GIVEN_TRACE = "0af7651916cd43dd8448eb211c80319c"
GIVEN = f"00-{GIVEN_TRACE}-b7ad6b7169203331-00"  # not sampled, by the provider's wish
SECONDS_MAX = 120
POLL_SECONDS = 0.2
CALLBACK = [
    "callback.receive (esito-ingress) accepted",
    "└─ record.verify (esito-verifier) committed",
    "   └─ update.decide (esito-state-machine) committed",
    "      └─ event.project (esito-streams) projected",
]
REQUEST = ["request.receive (esito-intake) accepted", *CALLBACK[1:]]
LINKED = {"batch.commit": ("record.verify", "update.decide"), "batch.write": ("event.project",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What was collected of one callback, one rejected callback and one request."""

    collector: Collector
    transaction: str
    exposition: str


@pytest.fixture(scope="module")
def traced(
    kafka: Kafka, postgres: Postgres, found: Found, tmp_path_factory: pytest.TempPathFactory
) -> Traced:
    """Send a callback, one that is rejected, and a request of SEND; return all their spans."""
    with postgres.database() as database:
        traced = asyncio.run(_traced(kafka, database, tmp_path_factory.mktemp("traced")))
    found.add("one callback, from its receipt", _tree(traced, "callback.receive"))
    found.add("one request of SEND, from its receipt", _tree(traced, "request.receive"))
    return traced


def test_one_trace_leads_from_the_callback_to_the_status_event(traced: Traced) -> None:
    assert traced.collector.tree(GIVEN_TRACE) == CALLBACK


def test_one_trace_leads_from_the_request_to_its_status_event(traced: Traced) -> None:
    (received,) = traced.collector.named("request.receive")

    assert traced.collector.tree(received.trace) == REQUEST


def test_rejected_callback_ends_its_trace_with_the_code(traced: Traced) -> None:
    _, rejected = traced.collector.named("callback.receive")

    assert traced.collector.tree(rejected.trace) == [
        CALLBACK[0],
        "└─ record.verify (esito-verifier) json_invalid",
    ]


@pytest.mark.parametrize("batch", LINKED)
def test_batch_is_linked_to_the_steps_of_its_records(batch: str, traced: Traced) -> None:
    steps = {one.span for name in LINKED[batch] for one in traced.collector.named(name)}
    batches = traced.collector.named(batch)

    assert batches
    assert {link for one in batches for link in one.links} == steps


def test_spans_tell_nothing_but_what_is_declared(traced: Traced) -> None:
    told = json.dumps([dict(one.attributes) for one in traced.collector.spans])

    assert {name for one in traced.collector.spans for name in one.attributes} <= {*Attribute}
    assert traced.transaction not in told


@pytest.mark.parametrize("root", ["callback.receive", "request.receive"])
def test_latency_has_an_exemplar_that_leads_to_the_trace(traced: Traced, root: str) -> None:
    """The callback's trace is the provider's, the request's one of our own."""
    trace = traced.collector.named(root)[0].trace
    buckets = [
        line
        for line in traced.exposition.splitlines()
        if line.startswith("esito_state_latency_seconds_bucket") and trace in line
    ]

    assert len(buckets) == 1


async def _traced(kafka: Kafka, database: Database, directory: Path) -> Traced:
    transaction = f"pay-{secrets.token_hex(6)}"
    async with Collector().running() as collector:
        edit = partial(_configure, database=database, url=collector.url)
        configuration = await installed(kafka, directory, edit)
        async with running(configuration, directory) as esito:
            await _send(esito, _paid(transaction), traceparent=GIVEN)
            await _send(esito, b"{")
            user = User(directory, configuration)
            await user.status(await user.requested(await user.uploaded(pdf("A notice"))))
            await _wait_for(collector, projected=2)
            exposition = await _exposition(esito)
            await esito.processes.stop()
    return Traced(collector=collector, transaction=transaction, exposition=exposition)


def _configure(settings: dict[str, Any], *, database: Database, url: str) -> None:
    with_database(settings, database)
    settings["tracing"] = {"otlp_url": url}
    settings["endpoints"] = [
        one for one in settings["endpoints"] if one["provider"] in {"pivot", "send"}
    ]
    settings["streams"]["consumers"] = []


def _paid(transaction: str) -> bytes:
    paid = {"id": transaction, "status": "PAID", "amount": {"value": 10001, "currency": "IDR"}}
    return json.dumps({"event": "PAYMENT.PAID", "data": paid}).encode()


async def _send(esito: Esito, body: bytes, **more: str) -> None:
    key = (esito.directory / "keys" / "pivot.key").read_text().strip()
    headers = {"x-api-key": key, "content-type": "application/json", **more}
    url = f"http://127.0.0.1:{esito.configuration.ingress.port}{PIVOT_PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        assert answer.status == 200


async def _exposition(esito: Esito) -> str:
    """Return the state machines' metrics, as Prometheus asks for them."""
    ports = esito.processes.management_ports
    headers = {"accept": "application/openmetrics-text; version=1.0.0"}
    told = ""
    async with aiohttp.ClientSession(headers=headers) as session:
        for name in ("state-machine-pivot", "state-machine-send"):
            async with session.get(f"http://127.0.0.1:{ports[name]}/metrics") as answer:
                told += await answer.text()
    return told


async def _wait_for(collector: Collector, *, projected: int) -> None:
    """Wait for the last hop's spans; the others are sent when the processes stop."""
    async with asyncio.timeout(SECONDS_MAX):
        while len(collector.named("event.project")) < projected:  # noqa: ASYNC110 - sent by others
            await asyncio.sleep(POLL_SECONDS)


def _tree(traced: Traced, root: str) -> list[str]:
    first: Collected = traced.collector.named(root)[0]
    return traced.collector.tree(first.trace, timed=True)
