"""`esito keys rotate` beside a real Kafka and a real ingress."""

import asyncio
from pathlib import Path

from tests.integration.processes import address_of, process
from tests.integration.records import Esito, Shelf, change, raw_callback

BOTH = "keys: [{id: a, file: api.key}, {id: b, file: next.key}]"
OLD = "keys: [{id: a, file: api.key}]"
NEW = "keys: [{id: b, file: next.key}]"
ROTATE = ("keys", "rotate", "pivot-id", "api_key", "--from", "a", "--to", "b")

SAID = (
    "1. the new key is made: the configuration has no key b",
    "3. running processes hold both: lacks one of the two: 127.0.0.1:",
    "4. the caller uses the new key: no callback came with b",
    "5. nobody uses the old key: a was last used at ",
    "6. the old key is taken out: ",
    "7. no running process holds it: holds a: 127.0.0.1:",
)


async def test_rotation_is_led_from_one_step_to_the_next(
    esito: Esito, shelf: Shelf, configuration_file: Path
) -> None:
    """Each step is the next one until what it asks for was done."""

    async def walk(*words: str) -> tuple[int, str]:
        shown = await asyncio.to_thread(esito, *ROTATE, *words)
        assert shown.exit_code in {0, 1}, shown.stderr
        following = [line for line in shown.stdout.splitlines() if line.startswith("NEXT")]
        return shown.exit_code, "".join(following)

    told = [await walk()]
    async with process(configuration_file, "ingress") as ingress:
        (configuration_file.parent / "next.key").write_text("fedcba9876543210fedcba9876543210")
        change(configuration_file, OLD, BOTH)
        told.append(await walk("--process", address_of(ingress)))
    async with process(configuration_file, "ingress") as ingress:
        asked = ("--process", address_of(ingress))
        told.append(await walk(*asked))
        for key in "ab":
            came_with(shelf, key)
        told.append(await walk(*asked))
        told.append(await walk(*asked, "--quiet", "0s"))
        change(configuration_file, BOTH, NEW)
        told.append(await walk(*asked, "--quiet", "0s"))
    async with process(configuration_file, "ingress") as ingress:
        over = await walk("--process", address_of(ingress), "--quiet", "0s")

    assert over == (0, "")
    assert [code for code, _ in told] == [1] * len(SAID)
    assert [said in line for (_, line), said in zip(told, SAID, strict=True)] == [True] * len(SAID)


def came_with(shelf: Shelf, key: str) -> None:
    """Write a callback whose caller the ingress knew by `key`."""
    headers = raw_callback(key.encode()).headers()
    named = [(n, b"api_key:" + key.encode() if n == "esito-principal" else v) for n, v in headers]
    shelf.write(shelf.topics.raw, b"{}", headers=named)
