"""Measure the verifier over requests with one signed PDF each: `python -m benchmarks.pdf`."""

import asyncio
import json
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import psutil
from aiokafka import ConsumerRecord, TopicPartition

from contracts.instants import instant
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from runtime.key_ring import Key, KeyRing
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from runtime.object_store import ObjectStore
from runtime.process import event_loop_factory
from runtime.service_configuration import ObjectStore as StoreSettings
from runtime.slots import Slot, seal_version
from simulator.pki import Identity, lasting, new_root, new_seal
from simulator.send.pdf import pdf, signed_pdf
from workers.processor import InputRecord, Processor
from workers.roles import verifier_role
from workers.verifier.jwks_source import JwksSource
from workers.verifier.notification_sources import NotificationSources
from workers.verifier.policies import Sources
from workers.verifier.trust_source import TrustSource

REQUESTS: Final = 600
WARM_UP: Final = 30
_HEAD: Final = """## Requests with a signed PDF

A request goes the whole way of the verifier: decoded, its file fetched, hashed, read and its PAdES
signature verified in a process of its own, judged, and turned into verified updates. Kafka alone is
left out (see Workers). CPU is that of the worker and of its processes together. Target: 60 a core.

| requests | bytes of the file | requests/s | CPU ms each | for a CPU second |
|---|---|---|---|---|"""
FILE_BYTES: Final = 200_000
_ENDPOINT: Final = "send"
_SLOT_KEY: Final = "a-key-of-the-benchmark-alone-0123456789"


async def main() -> None:
    """Measure, and print a section of Markdown."""
    print(_HEAD)
    with tempfile.TemporaryDirectory(prefix="esito-benchmark-") as name:
        print(await measure_pdfs(Path(name)))


async def measure_pdfs(directory: Path) -> str:
    """Return a table row: requests, bytes of a file, requests/s, CPU ms of one, per core and s."""
    root = new_root("Benchmark Root", now=datetime.now(UTC))
    configuration = _configuration(directory, root)
    records = await _records(configuration, _signed(root))
    metrics = Metrics()
    endpoints = configuration.endpoints_of("send")
    store = ObjectStore(configuration.object_store)
    notifications = NotificationSources(endpoints, store, metrics, lambda *_: None)
    sources = Sources(
        KeySource(endpoints, lambda *_: None),
        TrustSource(endpoints, lambda *_: None),
        JwksSource((), lambda *_: None).key,
        notifications,
    )
    role = verifier_role(configuration, provider_named("send"), sources, metrics)
    processor = role.make_processor(TopicPartition(role.input_topic, 0))
    try:
        await _work_off(processor, records[:WARM_UP])
        began, used = time.monotonic(), _cpu_seconds()
        await _work_off(processor, records[WARM_UP:])
        seconds, cpu = time.monotonic() - began, _cpu_seconds() - used
    finally:
        await notifications.close()
    return (
        f"| {REQUESTS:,} | {FILE_BYTES:,} | {REQUESTS / seconds:,.0f} | "
        f"{cpu / REQUESTS * 1000:.1f} | {REQUESTS / cpu:,.0f} |"
    )


async def _work_off(processor: Processor, records: list[InputRecord]) -> None:
    """Do as the loop does: what is ready is processed, and committed."""
    while records:
        ready = await processor.prepare(records)
        for record in records[:ready]:
            (verdict,) = processor.process(record)
            if b"REQUEST_ACCEPTED" not in (verdict.value or b""):
                raise RuntimeError("a request of the benchmark was refused")
        processor.committed()
        records = records[ready:]


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it runs."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children())]
    return sum(one.user + one.system for one in times)


def _signed(root: Identity) -> bytes:
    life = lasting(datetime.now(UTC))
    seal = new_seal(root, "Benchmark", organization="Benchmark", life=life)
    return signed_pdf(pdf("Benchmark", pages=4, padding_bytes=FILE_BYTES), seal)


def _configuration(directory: Path, root: Identity) -> Configuration:
    (directory / "root.pem").write_bytes(root.chain_pem)
    for name in ("slots.key", "other.key"):
        (directory / name).write_text(_SLOT_KEY)
    other = {"keys": [{"id": "a", "file": directory / "other.key"}]}
    body = {"id": "comune", "tax_id": "77777777777", "pades": "required", **other}
    notifications = {
        "bodies": [body],
        "attachments": {"slot_keys": [{"id": "s", "file": directory / "slots.key"}]},
        "iun_keys": other,
        "pdf": {"trust_files": [directory / "root.pem"]},
    }
    endpoint = {
        "name": _ENDPOINT,
        "provider": "send",
        "path": "/callbacks/send",
        "api_key": other,
        "notifications": notifications,
    }
    store = StoreSettings(url=(directory / "store").as_uri())
    return Configuration(endpoints=[Endpoint.model_validate(endpoint)], object_store=store)


async def _records(configuration: Configuration, document: bytes) -> list[InputRecord]:
    """Store the document under as many names as there are requests; return the requests."""
    store = ObjectStore(configuration.object_store)
    digest, now = sha256(document).digest(), datetime.now(UTC)
    ring = KeyRing((Key("s", _SLOT_KEY.encode()),))
    found = []
    for number in range(WARM_UP + REQUESTS):
        slot = Slot(_ENDPOINT, "comune", "pdf", number.to_bytes(16), digest, now, 60)
        async with store.staged(slot.path) as staged:
            await staged.write(document)
            await staged.publish()
        token = seal_version(slot, ring, bytes_total=len(document), uploaded_at=now)
        found.append(_record(number, slot.key, token, b64encode(digest).decode()))
    return found


def _record(number: int, key: str, token: str, digest: str) -> InputRecord:
    raw = RawCallback(
        body=json.dumps(_request(number, key, token, digest)).encode(),
        callback_id=str(number),
        endpoint=_ENDPOINT,
        source=Source.REQUEST,
        received_at=instant(datetime.now(UTC)),
        method="POST",
        target_uri="https://benchmark.example/delivery/v2.6/requests",
        principal="api_key:comune.a",
        content_type="application/json",
        transaction_id=b64encode(str(number).ljust(27).encode()).decode(),
    )
    return ConsumerRecord(
        topic="raw",
        partition=0,
        offset=number,
        timestamp=0,
        timestamp_type=0,
        key=None,
        value=raw.body,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(raw.body),
        headers=raw.headers(),
    )


def _request(number: int, key: str, token: str, digest: str) -> dict[str, object]:
    place = {"address": "VIA ROMA 1", "municipality": "ROMA", "zip": "00184", "province": "RM"}
    recipient = {
        "recipientType": "PG",
        "taxId": "12345678903",
        "denomination": "Benchmark",
        "physicalAddress": place,
    }
    document = {
        "digests": {"sha256": digest},
        "contentType": "application/pdf",
        "ref": {"key": key, "versionToken": token},
    }
    return {
        "paProtocolNumber": str(number),
        "subject": "Benchmark",
        "recipients": [recipient],
        "documents": [document],
        "physicalCommunicationType": "AR_REGISTERED_LETTER",
        "notificationFeePolicy": "FLAT_RATE",
        "senderDenomination": "Benchmark",
        "senderTaxId": "77777777777",
        "taxonomyCode": "010101P",
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(main())
