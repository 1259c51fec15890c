"""Play every provider with every fault against an installation that lives as long as the demo."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ops.cluster import connected
from ops.embedded.jars import OnProgress
from ops.local.installation import Addresses, write_installation
from ops.local.running_installation import LocalEsito, free_row, local_esito, unless_one_dies
from runtime.configuration_file import load_configuration
from simulator.comparison import Comparison
from simulator.jwks_server import key_sets_served, publisher
from simulator.plan import Plan
from simulator.planning import PLAYERS, make_plan
from simulator.play import Played, Stage, play
from simulator.reader import OnStatus, Reader
from simulator.scene import scene_of

_PROCESSES_MAX: Final = 16  # ingress, intake, streams, two workers of each provider, and room


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a demo found: each provider's comparison, and how each process ended on SIGTERM."""

    seed: int
    comparisons: Sequence[Comparison]
    exit_codes: Mapping[str, int]
    seconds: float

    @property
    def good(self) -> bool:
        """Tell whether all came out as planned and every process ended in order."""
        return all(one.equal for one in self.comparisons) and not any(self.exit_codes.values())

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "ok": self.good,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "lost": sum(one.lost for one in self.comparisons),
            "doubled": sum(one.doubled for one in self.comparisons),
            "gaps": sum(one.gaps for one in self.comparisons),
            "disorder": sum(one.disorder for one in self.comparisons),
            "providers": {one.provider: one.as_json() for one in self.comparisons},
            "exit_codes": dict(self.exit_codes),
        }

    def sentences(self) -> Iterator[str]:
        """Yield what a person reads under the table: every difference, then the verdict."""
        for one in self.comparisons:
            yield from (f"✗ {one.provider}: {difference}" for difference in one.differences)
        for name, code in self.exit_codes.items():
            if code:
                yield f"✗ {name} ended with exit code {code} instead of 0"
        verdict = "✓ what came out is what the plan says" if self.good else "✗ not as planned"
        yield f"{verdict}  ({self.seconds:.1f} s, seed {self.seed})"


async def run_demo(
    *,
    transactions: int,
    seed: int,
    cache_directory: Path | None,
    on_progress: OnProgress,
    on_status: OnStatus,
) -> Outcome:
    """Return what came out of every provider's plan; the installation is gone afterwards.

    Raises:
        Broken: something could not be started, or a process died; the message has its last lines.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="esito-demo-") as directory:
        file = write_installation(Path(directory), _free_addresses())
        async with (
            key_sets_served(load_configuration(file, environ={})),
            local_esito(
                file, lasting=False, cache_directory=cache_directory, on_progress=on_progress
            ) as esito,
        ):
            plans = _plans(esito, transactions=transactions, seed=seed)
            callbacks = sum(len(plan.callbacks) for plan in plans)
            on_progress(f"Sending {callbacks} callbacks to {esito.url}")
            played = await _play(esito, plans, on_status)
            on_progress("Stopping")
            exit_codes = await esito.processes.stop()
    return Outcome(
        seed=seed,
        comparisons=[one.comparison for one in played if one.comparison is not None],
        exit_codes=exit_codes,
        seconds=time.monotonic() - started,
    )


async def _play(
    esito: LocalEsito, plans: Sequence[Plan], on_status: OnStatus
) -> tuple[Played, ...]:
    stage = Stage(
        url=esito.url,
        configuration=esito.configuration,
        on_cue=publisher(esito.configuration),
    )
    async with (
        connected(esito.configuration) as cluster,
        Reader(
            [plan.provider for plan in plans],
            clients=cluster.clients,
            topic_prefix=esito.configuration.topic_prefix,
            on_status=on_status,
        ) as reader,
    ):
        return await unless_one_dies(esito.processes, play(stage, plans, reader, alone=True))


def _plans(esito: LocalEsito, *, transactions: int, seed: int) -> list[Plan]:
    return [
        make_plan(
            provider,
            transactions=transactions,
            faults=player.faults,
            seed=seed,
            scene=scene_of(esito.configuration, provider),
        )
        for provider, player in PLAYERS.items()
    ]


def _free_addresses() -> Addresses:
    first = free_row(5 + _PROCESSES_MAX)
    return Addresses(
        kafka=f"127.0.0.1:{first}",
        ingress_port=first + 1,
        jwks_port=first + 2,
        intake_port=first + 3,
        streams_port=first + 4,
        management_port=first + 5,
    )
