"""Measure the intake, requests and latency: `python -m benchmarks.intake`."""

import asyncio
import itertools
import json
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.installation import Installation, cpu_seconds, process
from benchmarks.load import Load, apply_load, post
from contracts.send.taxes import person_check_letter
from ops.embedded.kafka import EmbeddedKafka
from ops.embedded.postgres import EmbeddedPostgres
from ops.topics import create_missing, planned_topics
from runtime.configuration_file import load_configuration
from runtime.database import connect, migrate
from runtime.kafka import KafkaClients
from runtime.process import event_loop_factory

PORT: Final = 18_090
SECONDS: Final = 5.0
ROUNDS: Final = 3
CONNECTIONS: Final = (16, 64, 256)
_PATH: Final = "/delivery/v2.6/requests"
_SENDER: Final = "77777777777"
_STREAMS: Final = Path(__file__).parent.parent / "streams" / "migrations"
_MARK: Final = "000000000000"  # replaced by the number of the request
_HEAD: Final = """## Notification requests

An embedded Kafka and PostgreSQL, one process of the intake, requests of {body:,} bytes, each with
three recipients, six payments and three documents, all of them different. {rounds} rounds of
{seconds:.0f} s for each number of connections, closed loop; CPU is the intake's. Target: 1,500
accepted for a CPU second.

| connections | accepted/s | CPU s/1000 | accepted for a CPU second | p50 ms | p99 ms |
|---|---|---|---|---|---|"""
_DIGEST: Final = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="


async def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory(prefix="esito-benchmark-") as name:
        async with (
            EmbeddedKafka(on_progress=_say).running() as kafka,
            EmbeddedPostgres(Path(name) / "postgres").running() as postgres,
        ):
            installation = await install(Path(name), kafka.bootstrap_servers, postgres.url)
            for row in await measure_intake(installation):
                print(row)


async def measure_intake(installation: Installation) -> list[str]:
    """Return a section of Markdown."""
    head = {"x-api-key": installation.api_key, "Content-Type": "application/json"}
    requests = map(lambda body: post(_PATH, head, body), _bodies())  # noqa: C417 - it is endless
    rows = [_HEAD.format(body=len(next(_bodies())), rounds=ROUNDS, seconds=SECONDS)]
    arguments = ("-m", "intake", "--configuration", str(installation.file))
    async with process(installation, *arguments) as server:
        await _answering(lambda: next(requests))
        for connections in CONNECTIONS * ROUNDS:
            before = cpu_seconds(server)
            load = await apply_load(
                "127.0.0.1", PORT, lambda: next(requests), connections=connections, seconds=SECONDS
            )
            if set(load.statuses) != {202}:
                raise RuntimeError(f"answers {load.statuses}")
            rows.append(_row(connections, load, cpu_seconds(server) - before))
        rows.append(f"\nResident: {server.memory_info().rss / 1e6:.0f} MB after the load.")
    return rows


async def install(directory: Path, bootstrap_servers: str, database_url: str) -> Installation:
    """Write a configuration with one public body; create topics and the streams' schema."""
    api_key = secrets.token_hex(24)
    for name in ("body.key", "slot.key", "iun.key"):
        (directory / name).write_text(api_key if name == "body.key" else secrets.token_hex(24))
    file = directory / "esito.yaml"
    file.write_text(yaml.safe_dump(_settings(bootstrap_servers, database_url, directory)))
    configuration = load_configuration(file, environ={})
    clients = KafkaClients(configuration, client_id="esito-benchmark")
    admin = clients.admin()
    await admin.start()
    try:
        await create_missing(admin, planned_topics(configuration))
    finally:
        await admin.close()
    pool = await connect(configuration, connections_max=1)
    await migrate(pool, "streams", _STREAMS)
    await pool.close()
    return Installation(directory, file, api_key, configuration, clients, {})


def _settings(bootstrap_servers: str, database_url: str, directory: Path) -> dict[str, Any]:
    return {
        "kafka_bootstrap_servers": bootstrap_servers,
        "management_port": 0,
        "database": {"url": database_url},
        "object_store": {"url": (directory / "files").as_uri()},
        "intake": {"port": PORT},
        "topics": {"partitions": 4, "replication_factor": 1, "min_insync_replicas": 1},
        "endpoints": [
            {
                "name": "send",
                "provider": "send",
                "path": "/callbacks/send",
                "notifications": {
                    "bodies": [
                        {
                            "id": "comune",
                            "tax_id": _SENDER,
                            "keys": [{"id": "a", "file": "body.key"}],
                        }
                    ],
                    "attachments": {"slot_keys": [{"id": "s", "file": "slot.key"}]},
                    "iun_keys": {"keys": [{"id": "i", "file": "iun.key"}]},
                },
            }
        ],
    }


def _bodies() -> Iterator[bytes]:
    """Yield requests without end; the number of each stands in everything that may be used once."""
    template = json.dumps(_request())
    for number in itertools.count(1):
        yield template.replace(_MARK, f"{number:012}").encode()


def _request() -> dict[str, Any]:
    return {
        "paProtocolNumber": f"2026-{_MARK}",
        "idempotenceToken": secrets.token_hex(8),
        "subject": "Notice of assessment of the municipal property tax, year 2025",
        "abstract": "The office has found that the tax for 2025 was not paid in full. " * 12,
        "recipients": [_recipient(number) for number in range(3)],
        "documents": [{**_file("pdf", number), "title": "Notice"} for number in range(3)],
        "physicalCommunicationType": "AR_REGISTERED_LETTER",
        "notificationFeePolicy": "DELIVERY_MODE",
        "paFee": 100,
        "vat": 22,
        "senderDenomination": "Comune di prova",
        "senderTaxId": _SENDER,
        "taxonomyCode": "010101P",
        "group": "tributi",
    }


def _recipient(number: int) -> dict[str, Any]:
    letters = "VRDLNZ80A41F20" + str(number)
    notice = {
        "noticeCode": f"302{number:03}{_MARK}",
        "creditorTaxId": _SENDER,
        "applyCost": True,
        "attachment": _file("pdf", 10 + number),
    }
    form = {"title": "F24", "applyCost": True, "metadataAttachment": _file("json", 20 + number)}
    return {
        "recipientType": "PF",
        "taxId": letters + person_check_letter(letters),
        "denomination": "Verdi Lorenza",
        "digitalDomicile": {"type": "PEC", "address": "lorenza.verdi@pec.example.org"},
        "physicalAddress": {
            "at": "presso Bianchi",
            "address": "VIA ROMA 12",
            "addressDetails": "scala B",
            "zip": "20100",
            "municipality": "MILANO",
            "province": "MI",
            "foreignState": "ITALIA",
        },
        "payments": [{"pagoPa": notice}, {"f24": form}],
    }


def _file(kind: str, number: int) -> dict[str, Any]:
    prefix = "PN_NOTIFICATION_ATTACHMENTS" if kind == "pdf" else "PN_F24_META"
    return {
        "digests": {"sha256": _DIGEST},
        "contentType": f"application/{kind}",
        "ref": {
            "key": f"{prefix}-{number:032x}.{kind}",
            "versionToken": f"{number:03}" + "AbCdEfGhIjKlMnOpQrStUv" * 4,
        },
    }


def _row(connections: int, load: Load, cpu: float) -> str:
    return (
        f"| {connections} | {load.accepted / load.seconds:,.0f} "
        f"| {cpu / load.accepted * 1000:.3f} | {load.accepted / cpu:,.0f} "
        f"| {load.percentile(0.5):.1f} | {load.percentile(0.99):.1f} |"
    )


async def _answering(request: Any) -> None:  # noqa: ANN401 - a function that makes the next one
    """Wait until the server accepts requests."""
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError):
                load = await apply_load("127.0.0.1", PORT, request, connections=1, seconds=0.1)
                if load.accepted:
                    return
            await asyncio.sleep(0.2)


def _say(text: str) -> None:
    sys.stderr.write(f"benchmark: {text}\n")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(main())
