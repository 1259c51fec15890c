"""`esito keys rotate` beside a real Kafka, a real ingress and a real verifier."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tests.integration.processes import address_of, process, verifier
from tests.integration.records import Esito, Shelf, change, raw_callback

BOTH = "keys: [{id: a, file: api.key}, {id: b, file: next.key}]"
OLD = "keys: [{id: a, file: api.key}]"
NEW = "keys: [{id: b, file: next.key}]"
ROTATE = ("keys", "rotate", "pivot-id", "api_key", "--from", "a", "--to", "b")

HOUR: Final = 3_600
VERIFIED_SECONDS_MAX: Final = 90
Walk = Callable[..., Awaitable[str]]

SAID = (
    "1. the new key is made: the configuration has no key b",
    "3. running processes hold both: lacks one of the two: 127.0.0.1:",
    "3. running processes hold both: not asked: no process was named",
    "4. the caller uses the new key: no callback came with b",
    "5. nobody uses the old key: a was last used at ",
    "5. nobody uses the old key: the verifier has still to pass 1 with a",
    "3. running processes hold both: asked: ingress 1, verifiers 0 of 1",
    "6. the old key is taken out: ",
    "7. no running process holds it: holds a: 127.0.0.1:",
)


async def test_rotation_is_led_from_one_step_to_the_next(
    esito: Esito, shelf: Shelf, configuration_file: Path
) -> None:
    """Each step is the next one until what it asks for was done."""

    async def walk(*words: str) -> str:
        shown = await asyncio.to_thread(esito, *ROTATE, *words)
        assert shown.exit_code in {0, 1}, shown.stderr
        following = [line for line in shown.stdout.splitlines() if line.startswith("NEXT")]
        assert len(following) == shown.exit_code
        return "".join(following)

    told = [await walk()]
    async with process(configuration_file, "ingress") as ingress:
        (configuration_file.parent / "next.key").write_text("fedcba9876543210fedcba9876543210")
        change(configuration_file, OLD, BOTH)
        told.append(await walk("--process", address_of(ingress)))
    async with process(configuration_file, "ingress") as ingress:
        alone = ("--process", address_of(ingress))
        told += [await walk(), await walk(*alone)]
        came_with(shelf, "a", seconds_ago=2 * HOUR)
        came_with(shelf, "b")
        told += [await walk(*alone), await walk(*alone, "--quiet", "1h")]
        async with verifier(configuration_file) as working:
            asked = (*alone, "--process", address_of(working), "--quiet", "1h")
            verified = await passed(walk, *asked)
            told += [await walk(*alone, "--quiet", "1h"), verified]
            change(configuration_file, BOTH, NEW)
            told.append(await walk(*asked))
    async with process(configuration_file, "ingress") as ingress:
        over = await walk("--process", address_of(ingress), "--quiet", "1h")

    assert over == ""
    assert [said in line for line, said in zip(told, SAID, strict=True)] == [True] * len(SAID), told


async def test_record_older_than_the_time_looked_at_still_needs_its_key(
    esito: Esito, shelf: Shelf, configuration_file: Path
) -> None:
    """An outage longer than --quiet: the caller has changed, and the backlog has not passed."""
    (configuration_file.parent / "next.key").write_text("fedcba9876543210fedcba9876543210")
    change(configuration_file, OLD, BOTH)
    came_with(shelf, "a", seconds_ago=72 * HOUR)
    came_with(shelf, "b")

    async with process(configuration_file, "ingress") as ingress:
        shown = await asyncio.to_thread(esito, *ROTATE, "--process", address_of(ingress))

    assert "NEXT   5. nobody uses the old key: the verifier has still to pass 1" in shown.stdout


async def passed(walk: Walk, *words: str) -> str:
    """Return what is next once the verifier has passed what waits."""
    deadline = time.monotonic() + VERIFIED_SECONDS_MAX
    while "still to pass" in (said := await walk(*words)) or " 3. " in said:
        assert time.monotonic() < deadline, said
    return said


def came_with(shelf: Shelf, key: str, *, seconds_ago: int = 0) -> None:
    """Write a callback whose caller the ingress knew by `key`."""
    headers = raw_callback(key.encode()).headers()
    named = [(n, b"api_key:" + key.encode() if n == "esito-principal" else v) for n, v in headers]
    written_at = int((time.time() - seconds_ago) * 1000)
    shelf.write(shelf.topics.raw, b"{}", headers=named, written_at=written_at)
