"""What fails while alarms ring concerns one transaction, and of it one element if it can."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE, ERROR_EXCEPTION, ERROR_OFFSET, ERROR_TOPIC
from contracts.provider import Provider, Standing
from contracts.update import Statement, VerifiedUpdate
from runtime.metrics import Metrics
from tests.unit.test_decide_settle import element
from tests.unit.test_state_machine_processor import DAY_SECONDS, TOPICS, batch, of, processor
from tests.updates import NOON_MILLISECONDS, PIVOT, announced, at, said, verified_record
from workers.processor import Output
from workers.state_machine.decision import Rules
from workers.state_machine.processor import StateMachineProcessor
from workers.state_machine.settle import HELD_UPDATES_MAX
from workers.state_machine.snapshot import NEVER, decode_snapshot

SETTLED: Final = NOON_MILLISECONDS + 30_000
POISONOUS: Final = "PROCESSING"


def keep(standing: Standing, statement: Statement) -> Statement:
    """Fail at one kind of element, as code does in which nobody foresaw it."""
    del standing
    if statement.native_status == POISONOUS:
        raise ZeroDivisionError
    return statement


FRAGILE: Final[Provider] = replace(PIVOT, keep=keep)
RULES: Final = Rules(provider=FRAGILE, settle_milliseconds=30_000)


def rung(
    machine: StateMachineProcessor,
    now: int = SETTLED,
    given_up: Mapping[bytes, str] = MappingProxyType({}),
) -> list[Output]:
    """Return what a committed batch of alarms wrote."""
    outputs = list(machine.alarms(now, keys_max=500, given_up=given_up))
    machine.committed()
    return outputs


def letters(outputs: list[Output]) -> list[dict[str, bytes]]:
    return [dict(one.headers) for one in outputs if one.topic == TOPICS.rejected]


def held(machine: StateMachineProcessor, *updates: VerifiedUpdate) -> None:
    """Let the machine read an announcement and updates that settle, from offset 10 on."""
    for offset, update in enumerate((announced(), *updates), 10):
        machine.process(verified_record(update, offset=offset))
    machine.finish()
    machine.committed()


def restored(machine: StateMachineProcessor, outputs: list[Output]) -> None:
    """Let the machine take over what was written, as `restore` does from Kafka."""
    for one in outputs:
        if one.topic == TOPICS.state:
            machine._state.load(one.key or b"", one.value)  # noqa: SLF001 - no Kafka here
    machine._state.loaded()  # noqa: SLF001 - as above


def test_element_that_fails_is_a_dead_letter_and_the_others_settle() -> None:
    metrics = Metrics()
    machine = processor(RULES, metrics)
    held(machine, element("ACTIVE"), element(POISONOUS), element("PAID"))

    outputs = rung(machine)

    (letter,) = letters(outputs)
    assert letter[CODE] == RejectionCode.POISONED.encode()
    assert letter[ERROR_EXCEPTION] == b"ZeroDivisionError"
    assert (letter[ERROR_TOPIC], letter[ERROR_OFFSET]) == (TOPICS.verified.encode(), b"12")
    assert [one["native_status"] for one in of(TOPICS.status, outputs)] == ["ACTIVE", "PAID"]
    assert [one["sequence"] for one in of(TOPICS.status, outputs)] == [1, 2]
    labels = {"provider": "pivot", "outcome": "poisoned"}
    assert metrics.registry.get_sample_value("esito_state_decisions_total", labels) == 1
    assert rung(machine, SETTLED + DAY_SECONDS * 1000) == []


def test_dead_letter_of_an_element_is_the_record_that_carried_it() -> None:
    machine = processor(RULES)
    update = element(POISONOUS)
    held(machine, update)

    (value,) = [one.value for one in rung(machine) if one.topic == TOPICS.rejected]

    assert VerifiedUpdate.model_validate_json(value or b"") == update


def test_element_that_was_restored_knows_where_it_lies() -> None:
    machine = processor(RULES)
    outputs = batch(machine, announced())
    outputs += machine.process(verified_record(element(POISONOUS), offset=77))
    outputs += machine.finish()
    heir = processor(RULES)
    restored(heir, outputs)

    (letter,) = letters(rung(heir))

    assert letter[ERROR_OFFSET] == b"77"


def test_crowded_element_that_fails_does_not_poison_the_record_that_came() -> None:
    machine = processor(RULES)
    times = [f"2026-11-02T11:{number:03}" for number in range(HELD_UPDATES_MAX)]
    held(machine, element(POISONOUS, "2026"), *(element("ACTIVE", one) for one in times))

    outputs = machine.process(verified_record(element("PAID", seconds=1), offset=99))

    assert [one[ERROR_OFFSET] for one in letters(list(outputs))] == [b"11"]


def test_alarm_that_fails_is_silent_until_the_next_update() -> None:
    """Of a status that the table of a new version has not, no anomaly can be written."""
    outputs = batch(processor(), said("ACTIVE"), announced(deadline=at(20)))
    statuses = {name: one for name, one in PIVOT.lifecycle.statuses.items() if name != "ACTIVE"}
    lifecycle = replace(PIVOT.lifecycle, statuses=statuses)
    heir = processor(Rules(provider=replace(PIVOT, lifecycle=lifecycle)))
    restored(heir, outputs)

    (changelog,) = rung(heir)

    assert decode_snapshot(changelog.value or b"").alarm == NEVER
    assert rung(heir, SETTLED + 1) == []


def test_refused_alarm_is_given_up_alone_and_its_elements_are_dead_letters() -> None:
    machine = processor(RULES)
    held(machine, element("ACTIVE"), element("PAID"))
    batch(machine, announced(transaction="t2", deadline=at(20)))

    outputs = rung(machine, given_up={b"shop:t1": "its outputs cannot be written: TooLarge"})

    assert [one[ERROR_OFFSET] for one in letters(outputs)] == [b"11", b"12"]
    assert of(TOPICS.status, outputs) == []
    assert [one["code"] for one in of(TOPICS.anomalies, outputs)] == ["overdue"]
    assert rung(machine, SETTLED + 1) == []
