"""Elements of one notification come by several partitions, and one of these stands."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.processes import EsitoProcess
from tests.faults.topics import TopicReader
from tests.kafka import Kafka
from tests.pdfs import pdf
from tests.send.verifier import SendVerifier, request_id, told

SETTLE_SECONDS = 1.0
NOTIFICATION = "0-0"


@pytest.fixture
async def site(kafka: Kafka, tmp_path: Path, topic_prefix: str) -> AsyncIterator[SendVerifier]:
    """Give an installation whose processes are killed in the end."""
    made = SendVerifier(tmp_path, kafka.bootstrap_servers, topic_prefix)
    await made.prepare()
    yield made
    made.stop()


async def unverified_seconds(port: int) -> float:
    """Return how long the state machine has been waiting for the verifier."""
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        found = re.findall(r"esito_state_unverified_seconds{.*} (\S+)", await answer.text())
    return float(found[0]) if found else 0.0


async def events(site: SendVerifier) -> tuple[list[str], list[Any]]:
    """Return what the notification came to, and what was odd."""
    async with TopicReader(site.bootstrap_servers, site.topics) as reader:
        history = await reader.read(request_id(NOTIFICATION), ())
    statuses = [json.loads(one.value or b"") for one in history.status]
    elements = [one["references"]["element"] for one in statuses]
    return elements, [json.loads(one.value or b"") for one in history.anomalies]


async def test_element_behind_a_request_that_waits_is_decided_before_those_that_overtook_it(
    site: SendVerifier,
) -> None:
    """The store is away: a request waits, and an element of another one behind it."""
    upload = await site.store.upload(pdf())
    verifier = site.start()
    machine, port = site.start_state_machine(SETTLE_SECONDS)
    await site.produce(0, [upload])
    await accepted(site, machine, port)
    away = site.store.directory.rename(site.directory / "away")
    await site.produce(0, [upload], first=1)
    await site.write(0, [told(NOTIFICATION, "SEND_DIGITAL_DOMICILE", 1)])
    await site.write(1, [told(NOTIFICATION, "SEND_DIGITAL_FEEDBACK", 2)])
    await site.write(1, [told(NOTIFICATION, "DIGITAL_DELIVERY_CREATION_REQUEST", 3)])

    waited = 0.0
    while waited < 5 * SETTLE_SECONDS:
        waited = await unverified_seconds(port)
    before, _ = await events(site)
    away.rename(site.store.directory)
    found: tuple[list[str], list[Any]] = ([], [])
    while len(found[0]) + len(found[1]) < 4:
        found = await events(site)

    assert before == ["REQUEST_ACCEPTED"]
    assert found == (
        [
            "REQUEST_ACCEPTED",
            "SEND_DIGITAL_DOMICILE",
            "SEND_DIGITAL_FEEDBACK",
            "DIGITAL_DELIVERY_CREATION_REQUEST",
        ],
        [],
    )
    assert await verifier.stop() == 0


async def accepted(site: SendVerifier, machine: EsitoProcess, port: int) -> None:
    """Wait until the notification is accepted, and nobody waits for the verifier."""
    await machine.says("partition.taken", times=2)
    found: list[str] = []
    while not found or await unverified_seconds(port) > SETTLE_SECONDS:
        found, _ = await events(site)
