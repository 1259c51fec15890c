"""API keys of public bodies: wrong ones, those of a group, those that change."""

import re
import secrets
from math import inf
from typing import Any

import pytest

from tests.integration.intake import Intake
from tests.integration.intake_settings import GROUP_KEY, KEY, OTHER_KEY
from tests.send.requests import request


def fresh(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a request whose protocol number no other test has."""
    return request(**{"paProtocolNumber": secrets.token_hex(8), **changes})


def of_other() -> dict[str, Any]:
    return fresh(senderTaxId="80016350821")


async def test_every_wrong_key_is_the_same_answer(shared_intake: Intake) -> None:
    answers = [
        await shared_intake.send(fresh(), key=key)
        for key in (None, "", "wrong", KEY + "x", "\u00e9" * 20)
    ]
    doubled = await shared_intake.send(fresh(), headers={"x-api-key": OTHER_KEY})

    texts = {re.sub(r'"timestamp": "[^"]*"', "", one.text) for one in answers}
    assert {one.status for one in answers} == {401}
    assert len(texts) == 1
    assert doubled.status == 401


async def test_key_of_one_group_sends_for_that_group_alone(shared_intake: Intake) -> None:
    answers = [
        await shared_intake.send(fresh(group=group), key=GROUP_KEY)
        for group in ("tributi", "polizia", ...)
    ]

    assert [one.status for one in answers] == [202, 400, 400]


async def test_new_key_is_taken_from_its_file_without_a_restart(shared_intake: Intake) -> None:
    file = shared_intake.directory / "other.key"
    file.write_text("a-second-key-of-another-body-0123456789")
    process, refused = shared_intake.processes[0], 'esito_keys_refused{endpoint="send-it/other"} '

    await process.says("keys.taken")
    answers = [
        await shared_intake.send(of_other(), key=key) for key in (OTHER_KEY, file.read_text())
    ]
    file.write_text(KEY)  # another body's: refused, and the former one stays
    await process.says("keys.refused")
    metrics = shared_intake.metrics()
    still = await shared_intake.send(of_other(), key="a-second-key-of-another-body-0123456789")
    file.write_text(OTHER_KEY)
    await process.says("keys.taken", times=2)

    assert [one.status for one in answers] == [401, 202]
    assert still.status == 202
    assert f"{refused}1.0" in metrics
    assert f"{refused}0.0" in shared_intake.metrics()


@pytest.mark.parametrize(
    ("owner", "credential", "key"),
    [
        ("send-it/other", "body", "a"),
        ("send-it/comune", "body", "g"),
        ("send-it", "slot_keys", "s"),
    ],
)
def test_keys_that_the_intake_holds_are_metrics(
    shared_intake: Intake, owner: str, credential: str, key: str
) -> None:
    labels = f'credential="{credential}",endpoint="{owner}",key_id="{key}"'

    found = shared_intake.metric(f"esito_keys_expiry_timestamp_seconds{{{labels}}}")

    assert found == inf
