"""The body of a refused request goes, however late it is found out."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from contracts.raw import RawCallback
from intake.relay import Relay, Terms
from intake.store import Store
from runtime.configuration_file import load_configuration
from runtime.metrics import Metrics
from tests.faults.processes import until
from tests.integration.intake import Intake, running
from tests.integration.test_intake_status import sent

ROUNDS = 60  # ten hours of them


async def sends_nothing(records: list[RawCallback]) -> None:
    raise AssertionError(records)


async def test_body_of_a_request_that_was_refused_long_ago_is_removed(
    make_intake: Callable[..., Intake],
) -> None:
    """Only what had become due in the last two days was looked at; the rest stayed 120 days."""
    intake = make_intake()
    async with running(intake):
        accepted, refused = [(await sent(intake))[0] for _ in range(2)]
        await intake.tell(accepted, [{"native_status": "ACCEPTED"}])
        await intake.tell(refused, [{"native_status": "REFUSED"}])
        await intake.query("UPDATE intake.requests SET received_at = now() - interval '60 days'")

        removed = await rounds(intake)
        rows = await intake.query("SELECT id FROM intake.requests WHERE content IS NULL")

    assert removed == 1
    assert [tuple(row) for row in rows] == [(refused,)]


async def rounds(intake: Intake) -> int:
    """Look as often as a process does in ten hours; return how many bodies were removed."""
    configuration = load_configuration(intake.directory / "esito.yaml", environ={})
    store = Store(configuration, structlog.get_logger())
    relay = Relay(
        store,
        sends_nothing,
        target_uri="",
        relay_seconds=60,
        kept={"send-it": Terms(timedelta(days=120), timedelta(days=7))},
        metrics=Metrics(),
        log=structlog.get_logger(),
    )
    asking = asyncio.create_task(store.run())
    await until(lambda: store.ready, "the database answers")
    removed = sum([await relay.remove() for _ in range(ROUNDS)])
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return removed
