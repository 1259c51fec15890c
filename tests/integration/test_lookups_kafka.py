"""A 150 MB PDF among 1,000 small ones: who waits for it, and what it costs the worker."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from runtime.configuration import Worker
from tests.judging_processes import peak_bytes
from tests.kafka import Kafka, Report
from tests.pdfs import pdf, signed
from tests.send.verifier import SendVerifier

LARGE_BYTES = 150_000_000
# Resident above an idle verifier; one part of a file in each of its lookups, and the requests.
GROWTH_BYTES_MAX = 64_000_000


@pytest.fixture
async def site(kafka: Kafka, tmp_path: Path, topic_prefix: str) -> AsyncIterator[SendVerifier]:
    """Give an installation whose processes are killed in the end."""
    made = SendVerifier(tmp_path, kafka.bootstrap_servers, topic_prefix)
    await made.prepare()
    yield made
    made.stop()


async def test_large_pdf_holds_up_only_what_is_behind_it(
    site: SendVerifier, report: Report
) -> None:
    """Of 1,000 small requests 500 are before it, 250 behind it, 250 in the other partition."""
    large = await site.store.upload(signed(pdf(filler_bytes=LARGE_BYTES)))
    small = await site.store.upload(signed(pdf()))
    verifier = site.start()
    await verifier.says("partition.taken", times=2)
    idle = peak_bytes(verifier.pid)

    began = time.monotonic()
    await site.produce(0, [*[small] * 500, large, *[small] * 250])
    await site.produce(1, [small] * 250)
    found = await site.verdicts(1_001)
    seconds = time.monotonic() - began
    growth = peak_bytes(verifier.pid) - idle

    times = found.times
    assert {tuple(found.reasons(place)) for place in found.updates} == {()}
    assert {len(updates) for updates in found.updates.values()} == {1}
    assert len(set(found.iuns())) == 1_001
    assert max(times[0, at] for at in range(500)) <= times[0, 500] <= times[0, 501]
    assert max(times[1, at] for at in range(250)) < times[0, 500]
    assert growth < GROWTH_BYTES_MAX
    longest = await longest_kafka_transaction(site.management_port)
    assert longest <= Worker().revoke_seconds
    assert verifier.count("partition.taken") == 2
    assert verifier.count("batch.delayed") == 0
    assert await verifier.stop() == 0
    report(
        f"150 MB PDF among 1,000: {seconds:.1f} s, the verifier grew by {growth / 1e6:.0f} MB, no "
        f"Kafka transaction took {longest:g} s"
    )


async def longest_kafka_transaction(management_port: int) -> float:
    """Return the bound in seconds under which all Kafka transactions of a process stayed."""
    url = f"http://127.0.0.1:{management_port}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        text = await answer.text()
    name = "esito_worker_kafka_transaction_seconds"
    buckets = re.findall(rf'{name}_bucket{{le="([^"]+)".*}} (\S+)', text)
    (total,) = [count for bound, count in buckets if bound == "+Inf"]
    return min(float(bound) for bound, count in buckets if count == total)
