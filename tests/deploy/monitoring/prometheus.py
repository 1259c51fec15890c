"""Run Debian's Prometheus on the configuration of deploy/monitoring, hurried, and ask it."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from ops.embedded.storage import free_ports
from tests.monitoring import MONITORING

READY_SECONDS_MAX: Final = 20.0
_POLL_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 10.0


class MissingToolError(Exception):
    """A tool is not installed; the message says how to get it."""


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        """Ask the one at `url`."""
        self._url = url
        self._session = session

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now."""
        return await self._ask("query", query=expression)

    async def range(self, expression: str, *, begin: float, end: float) -> list[dict[str, Any]]:
        """Return the series that an expression had, second by second."""
        return await self._ask("query_range", query=expression, start=begin, end=end, step=1)

    async def firing(self) -> set[str]:
        """Return the names of the alerts that fire now."""
        found = await self.query('ALERTS{alertstate="firing"}')
        return {one["metric"]["alertname"] for one in found}

    async def _ask(self, way: str, **parameters: str | float) -> list[dict[str, Any]]:
        return list((await self._get(way, **parameters))["result"])

    async def _get(self, way: str, **parameters: str | float) -> Any:  # noqa: ANN401 - JSON holds any
        async with self._session.post(f"{self._url}/api/v1/{way}", data=parameters) as answer:
            told = await answer.json()
        assert told["status"] == "success", (parameters, told)
        return told["data"]


@asynccontextmanager
async def running_prometheus(
    directory: Path, targets: Mapping[str, int]
) -> AsyncIterator[Prometheus]:
    """Give a Prometheus that scrapes `targets`, management ports by process, every second.

    Alerts fire at once: their `for` is left to promtool's cases.
    """
    _write_configuration(directory, targets)
    port = free_ports(1)[0]
    log = (directory / "prometheus.log").open("wb")
    with log:
        process = await asyncio.create_subprocess_exec(
            tool("prometheus"),
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            async with aiohttp.ClientSession() as session:
                found = Prometheus(f"http://127.0.0.1:{port}", session)
                await _wait_until_ready(session, f"http://127.0.0.1:{port}/-/ready")
                yield found
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)


def tool(name: str) -> str:
    """Return where a tool of Debian's package prometheus is.

    Raises:
        MissingToolError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingToolError(f"{name} is not installed: apt-get install prometheus")
    return found


def promtool(*arguments: str) -> tuple[int, str]:
    """Return the exit code of promtool and what it said."""
    done = subprocess.run(
        [tool("promtool"), *arguments], check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def _write_configuration(directory: Path, targets: Mapping[str, int]) -> None:
    shutil.copytree(MONITORING / "rules", directory / "rules")
    configuration = (MONITORING / "prometheus.yml").read_text()
    hurried = re.sub(r"_interval: (15|30)s", "_interval: 1s", configuration)
    (directory / "prometheus.yml").write_text(hurried)
    rules = directory / "rules" / "esito.yaml"
    rules.write_text(re.sub(r"^ +for: .*\n", "", rules.read_text(), flags=re.MULTILINE))
    (directory / "targets").mkdir()
    (directory / "targets" / "all.yaml").write_text(yaml.safe_dump(_groups(targets)))


def _groups(targets: Mapping[str, int]) -> Sequence[Mapping[str, Any]]:
    groups = []
    for name, port in targets.items():
        process, _, provider = (
            name.rpartition("-")
            if name.startswith(("verifier", "state-machine", "poller"))
            else (name, "", "")
        )
        labels = {"process": process, **({"provider": provider} if provider else {})}
        groups.append({"targets": [f"127.0.0.1:{port}"], "labels": labels})
    return groups


async def _wait_until_ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(READY_SECONDS_MAX):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(_POLL_SECONDS)
