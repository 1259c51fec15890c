"""Write what was measured as benchmarks/RESULTS.md, with how it was measured."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from benchmarks.ingress import ROUNDS, SECONDS
from benchmarks.installation import PARTITIONS
from benchmarks.signatures import DIFFERENT
from benchmarks.turns import ROUNDS as TURNS
from benchmarks.turns import SLICE_SECONDS
from benchmarks.workers import CALLBACKS, SIGNED_CALLBACKS
from ops.embedded.jars import KAFKA_VERSION

_LIBRARIES = ("aiohttp", "aiokafka", "cryptography", "lxml", "pydantic", "signxml", "uvloop")
_TEMPLATE = """# Results

Written by `make bench`; every figure below is of one run. The machine is shared: believe the
ratios, which compare rounds that took turns, before the absolute figures.

- When: {when}
- Machine: {cores} cores, {memory}, {platform}; load, broker and server share it
- Others on the machine: a load average of {load} when it began
- Versions: Python {python}, {libraries}
- Broker: Apache Kafka {kafka} embedded, one node, {partitions} partitions

## Verification

Verdicts for each second of one core: from the raw record to the verified updates, written as JSON,
in one process without Kafka. {turns} rounds, in each of which every row has a slice of {slice} ms,
one row after the other, after one slice that is not counted. {different} different callbacks of
each kind, each signed for real, in a circle; their signers are the same, as a provider's are.
Before it is measured, each is accepted, and refused with another body.

Rates are of CPU time (user and system): the median, and the quartiles of the rounds; "wall" is by
the clock and falls with whoever else has the core. CPU time rises too where others use the machine,
probably through shared caches: a bare signature hardly shows it, whatever walks through much code
does. The two ratios are of CPU in the same round: to one RSA-2048 signature, and to signxml alone
with its defaults, a certificate given, on the documents of the row below it. "Proof alone" is who
signed, without decoding and translating. Targets are those of issue 4.

| verdict | body bytes | per core and second | wall | x RSA | x signxml | target |
|---|---|---|---|---|---|---|
{signatures}

## Ingress against itself without Kafka

{rounds} rounds of {seconds} s each, closed loop, the two servers in turns, {body} bytes of a Pivot
callback, an API key, answered after acks=all. CPU is that of the server process for 1000 accepted
callbacks; the ratio is to the round beside it, with its smallest and largest. A ratio under 1 is
real: one confirmation wakes many callers, so the event loop turns less often than where each
request is answered by itself.

| connections | server | callbacks/s | CPU s/1000 | ratio | p50 ms | p99 ms |
|---|---|---|---|---|---|---|
{ingress}

## Workers

One process works a full topic off, measured from a tenth to the end by the committed offsets, Kafka
transactions included: {callbacks:,} callbacks of Pivot, {hmac:,} of UAE PASS (HMAC), {srtp:,} of
SRTP (an XML signature, RSA-2048, pinned), {wallet:,} of the wallet (one ES256 token).

| worker | records | records/s | CPU s/1000 | cores used | resident MB |
|---|---|---|---|---|---|
{workers}

{restore}

Memory: {transaction:,.0f} bytes for each live transaction, all indexes included.

{send}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The rows of every table, two figures beside them, and the sections that write themselves."""

    signatures: Sequence[str]
    ingress: Sequence[str]
    workers: Sequence[str]
    restore: str
    body_bytes: int
    bytes_per_transaction: float
    send: Sequence[str]


def load_of_others() -> str:
    """Return the load average of the last minute; ask before there is one of ours."""
    return f"{os.getloadavg()[0]:.1f}"


def written(measured: Measured, *, load: str) -> str:
    """Return the text of RESULTS.md."""
    return _TEMPLATE.format(
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        cores=psutil.cpu_count(),
        memory=f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        platform=f"{platform.system()} {platform.machine()}",
        load=load,
        python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        kafka=KAFKA_VERSION,
        partitions=PARTITIONS,
        turns=TURNS,
        slice=f"{SLICE_SECONDS * 1000:.0f}",
        different=DIFFERENT,
        signatures="\n".join(measured.signatures),
        rounds=ROUNDS,
        seconds=f"{SECONDS:.0f}",
        body=measured.body_bytes,
        ingress="\n".join(measured.ingress),
        callbacks=CALLBACKS,
        hmac=SIGNED_CALLBACKS["uaepass"],
        srtp=SIGNED_CALLBACKS["srtp"],
        wallet=SIGNED_CALLBACKS["wallet"],
        workers="\n".join(measured.workers),
        restore=measured.restore,
        transaction=measured.bytes_per_transaction,
        send="\n\n".join(measured.send),
    )
