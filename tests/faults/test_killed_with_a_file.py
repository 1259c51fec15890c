"""kill -9 of the verifier while its process judges a 150 MB file: nothing lost, doubled or left."""

import signal

import psutil

from tests.faults.processes import until
from tests.faults.table import Row, Table
from tests.hostile_pdfs import page_chain
from tests.judging_processes import held_bytes, judging
from tests.pdfs import pdf
from tests.send.verifier import SendVerifier, left_behind

LARGE_BYTES = 150_000_000
SMALL = 40


async def test_verifier_killed_with_a_large_file_in_hand_loses_and_doubles_nothing(
    site: SendVerifier, fault_table: Table
) -> None:
    small = await site.store.upload(pdf())
    # It takes seconds to judge, so that the kill meets it in hand.
    large = await site.store.upload(page_chain(190_000, padding_bytes=LARGE_BYTES))
    doomed = site.start()
    await doomed.says("partition.taken", times=2)
    await site.produce(0, [*[small] * SMALL, large, *[small] * SMALL])
    holding: list[psutil.Process] = []

    def in_hand() -> bool:
        holding.extend(one for one in judging(doomed.pid) if held_bytes(one) > LARGE_BYTES)
        return bool(holding)

    await until(in_hand, "it judges the large file")

    doomed.kill()
    heir = site.start()
    found = await site.verdicts(2 * SMALL + 1)

    fault_table.add(Row("verifier killed with 150 MB in hand", found.judged()))
    assert doomed.exit_code == -signal.SIGKILL
    assert found.judged().violations == ()
    assert len(set(found.iuns())) == 2 * SMALL + 1
    await until(lambda: not any(one.is_running() for one in holding), "the orphan ends")
    assert left_behind(site.directory) == []
    assert await heir.stop() == 0
