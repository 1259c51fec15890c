"""Stored files, from a real store through real processes to facts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import Unavailable
from contracts.needs import CONTENT_BYTES_MAX, FileFacts, PdfFacts, PdfSignature
from runtime.key_ring import Key, KeyRing
from tests.faults.processes import WAIT_SECONDS_MAX, until
from tests.hostile_pdfs import page_chain, with_objects
from tests.judging_processes import at_work, held_bytes, judging, spent_seconds
from tests.pdfs import pdf, signed
from tests.stored_files import Files, Store, files
from tests.updates import NOON
from workers.verifier.file_judge import LARGE_BYTES

DAY = timedelta(days=1)
# Below the limit of objects; it takes two seconds to judge.
LEVELS = 190_000
VALID = PdfFacts("", 1, (PdfSignature("valid"),))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
async def found(store: Store) -> AsyncIterator[Files]:
    """Give the files of an endpoint with the default limits."""
    made = files(store)
    yield made
    await made.judge.close()


async def test_signed_pdf_is_read_hashed_and_verified(store: Store, found: Files) -> None:
    document = signed(pdf(filler_bytes=100_000))
    upload = await store.upload(document, at=NOON)

    facts = await found.find(upload.need(), at=NOON)

    assert facts == FileFacts("found", upload.sha256, len(document), VALID)


async def test_signatures_are_not_looked_at_where_the_policy_is_off(
    store: Store, found: Files
) -> None:
    upload = await store.upload(signed(pdf()))

    assert (await found.find(upload.need(pades="off"))).pdf == PdfFacts("", 1)


async def test_json_is_given_whole(store: Store, found: Files) -> None:
    content = b'{"f24Standard": {}}'
    upload = await store.upload(content, kind="json")

    facts = await found.find(upload.need("json"))

    assert facts == FileFacts("found", upload.sha256, len(content), None, content)


async def test_files_beyond_their_limit_are_not_read(store: Store) -> None:
    small = files(store, bytes_max=500)
    document, content = pdf(filler_bytes=600), b" " * (CONTENT_BYTES_MAX + 1)
    one, other = await store.upload(document), await store.upload(content, kind="json")

    assert await small.find(one.need()) == FileFacts("found", one.sha256, len(document))
    assert await small.find(other.need("json")) == FileFacts("found", other.sha256, len(content))
    assert judging() == []


async def test_file_that_its_body_never_uploaded_is_absent(store: Store, found: Files) -> None:
    mine, theirs = await store.upload(pdf()), await store.upload(pdf(), body="other")
    token, key = theirs.version_token, theirs.key

    assert (await found.find(theirs.need())).outcome == "absent"
    assert (await found.find(mine.need(body="other"))).outcome == "absent"
    assert (await found.find(mine.need(pades="off"))).outcome == "found"
    store.ring = KeyRing((Key("another", b"x" * 32),))
    assert (await found.find(mine.need())).outcome == "absent"
    assert token
    assert key


async def test_file_is_gone_when_it_is_removed_and_when_its_term_is_over(
    store: Store, found: Files
) -> None:
    upload = await store.upload(pdf(), at=NOON)

    in_time = await found.find(upload.need(), at=NOON + 7 * DAY - timedelta(seconds=1))
    too_late = await found.find(upload.need(), at=NOON + 7 * DAY)
    await store.upload(pdf())
    await store.objects.delete([upload.path])
    removed = await found.find(upload.need(), at=NOON)

    assert [in_time.outcome, too_late.outcome, removed.outcome] == ["found", "gone", "gone"]


async def test_digest_is_of_what_is_stored_and_not_of_what_was_said(
    store: Store, found: Files
) -> None:
    upload, other = await store.upload(pdf()), await store.upload(pdf(pages=2))
    (store.directory / other.path).rename(store.directory / upload.path)

    facts = await found.find(upload.need())

    assert facts.sha256 == other.sha256
    assert facts.pdf == PdfFacts("", 2)


async def test_store_that_is_away_makes_the_record_wait(store: Store, found: Files) -> None:
    """A volume that is not mounted looks like a directory with nothing in it."""
    upload = await store.upload(pdf())
    elsewhere = store.directory.rename(store.directory.with_name("elsewhere"))
    store.directory.mkdir()

    with pytest.raises(Unavailable, match="holds nothing"):
        await found.find(upload.need())
    store.directory.rmdir()
    elsewhere.rename(store.directory)

    assert (await found.find(upload.need())).outcome == "found"


async def test_slow_file_is_told_as_such_and_its_process_replaced(store: Store) -> None:
    quick = files(store, seconds_max=1)
    slow, plain = await store.upload(page_chain(LEVELS)), await store.upload(pdf())

    assert (await quick.find(slow.need())).pdf == PdfFacts("too_slow")
    assert (await quick.find(plain.need())).pdf == PdfFacts("", 1)
    # Twice where the machine is so busy that it was not its CPU time that was over.
    assert set(quick.ended) == {"too_slow"}
    await quick.judge.close()


async def test_file_that_needs_more_memory_than_there_is_is_told_as_such(store: Store) -> None:
    little = files(store, memory_bytes_max=200_000_000, objects_max=5_000_000)
    plain = await store.upload(page_chain(9, padding_bytes=LARGE_BYTES))
    upload = await store.upload(with_objects(1_000_000))

    await little.find(plain.need())
    facts = await little.find(upload.need())
    again = await little.find(plain.need())

    assert facts.pdf == PdfFacts("too_much_memory")
    assert facts.sha256 == upload.sha256
    assert again.pdf == PdfFacts("", 1)
    # The first process had judged another file before, so a fresh one has the last word.
    assert little.ended == ["too_much_memory"] * 2
    await little.judge.close()


async def test_process_that_crashes_is_tried_once_more_and_then_it_is_the_file(
    store: Store, found: Files
) -> None:
    upload, plain = await store.upload(page_chain(LEVELS)), await store.upload(pdf())
    await found.find(plain.need())
    looking = asyncio.create_task(found.find(upload.need()))

    begun: dict[int, float] = {}
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not looking.done():
            for process in filter(held_bytes, judging()):
                spent = spent_seconds(process)
                # The digest, which it tells first, takes it 10 ms.
                if spent - begun.setdefault(process.pid, spent) > 0.2:
                    os.kill(process.pid, signal.SIGSEGV)
            await asyncio.sleep(0.01)

    facts = await looking
    assert facts.pdf == PdfFacts("broken")
    assert facts.sha256 == upload.sha256
    assert found.ended == ["broken", "broken"]
    assert (await found.find(plain.need())).pdf == PdfFacts("", 1)


async def test_process_that_somebody_ended_between_two_files_is_no_fault_of_the_next(
    store: Store, found: Files
) -> None:
    upload = await store.upload(pdf())
    await found.find(upload.need())

    for process in judging():
        process.kill()
        process.wait(10)

    assert (await found.find(upload.need())).pdf == PdfFacts("", 1)


async def test_looking_that_is_given_up_ends_its_process(store: Store, found: Files) -> None:
    upload = await store.upload(page_chain(LEVELS))
    looking = asyncio.create_task(found.find(upload.need()))
    await at_work()

    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)

    await until(lambda: not judging(), "the process has ended")


async def test_small_file_does_not_wait_behind_large_ones(store: Store, found: Files) -> None:
    large = await store.upload(page_chain(padding_bytes=LARGE_BYTES))
    small = await store.upload(pdf())
    slow = [asyncio.create_task(found.find(large.need(), key=0)) for _ in range(5)]
    (await at_work()).suspend()

    facts = [await found.find(small.need(), key=key) for key in (0, 1)]

    assert [one.pdf for one in facts] == [PdfFacts("", 1)] * 2
    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_what_a_process_is_started_with_holds_no_environment(
    store: Store, found: Files
) -> None:
    upload = await store.upload(pdf())
    await found.find(upload.need())

    (process,) = judging()

    assert set(process.environ()) <= {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}


async def test_time_of_the_request_is_that_of_its_record(store: Store, found: Files) -> None:
    upload = await store.upload(signed(pdf()), at=datetime.now(UTC))

    late = await found.find(upload.need(), at=datetime.now(UTC) + timedelta(days=6))

    assert late.pdf == VALID
