"""Compare running processes with the configuration: each was started with the file of its day."""

from collections.abc import Iterator, Sequence

from contracts.errors import Unavailable
from ops.configuration_check import key_files
from ops.doctor.files import is_esito
from ops.doctor.finding import Finding, bad, doubtful, good
from ops.running import Running, running_process
from runtime.configuration import Configuration

_RESTART = "restart it with this file; the names of key files are read at the start alone"


async def drift_findings(configuration: Configuration, addresses: Sequence[str]) -> list[Finding]:
    """Return what was found of the processes with these management addresses.

    Without any, the configured one is asked, if Esito answers there.
    """
    host, port = configuration.management_host, configuration.management_port
    if not addresses and port and is_esito(host, port):
        addresses = [f"{host}:{port}"]
    found: list[Finding] = []
    for address in addresses:
        try:
            found += _compared(configuration, await running_process(address))
        except Unavailable as error:
            found.append(bad(f"process {address}", str(error), "start it, or correct --process"))
    return found


def _compared(configuration: Configuration, running: Running) -> Iterator[Finding]:
    subject = f"process {running.address}"
    wanted: dict[tuple[str, str], set[str]] = {}
    for endpoint in configuration.endpoints:
        for path, key in key_files(endpoint):
            wanted.setdefault((endpoint.name, str(path[0])), set()).add(key.id)
    faults = [*_strangers(wanted, running), *_others(wanted, running)]
    for said in faults:
        yield bad(subject, said, _RESTART)
    for endpoint_name in sorted(running.refused):
        said = f"refuses a changed file of {endpoint_name}, and works with what it had"
        yield doubtful(subject, said, "see keys.refused in its log and docs/RUNBOOK.md")
    if not running.endpoints:
        yield good(subject, "answers, and holds no keys to compare")
    elif not faults and not running.refused:
        count = len(running.endpoints)
        yield good(subject, f"holds the keys of this configuration, endpoints: {count}")


def _strangers(wanted: dict[tuple[str, str], set[str]], running: Running) -> Iterator[str]:
    known = {endpoint for endpoint, _ in wanted}
    for endpoint in sorted(running.endpoints - known):
        yield f"runs with the endpoint {endpoint}, which this configuration does not have"


def _others(wanted: dict[tuple[str, str], set[str]], running: Running) -> Iterator[str]:
    """Yield which rings differ, of endpoints that the process has: a verifier has a provider's."""
    for (endpoint, credential), ids in sorted(wanted.items()):
        held = running.keys.get((endpoint, credential), frozenset())
        if endpoint not in running.endpoints or held == ids:
            continue
        lacking = ", ".join(sorted(ids - held)) or "nothing"
        beyond = ", ".join(sorted(held - ids)) or "nothing"
        yield f"{endpoint}.{credential}: lacks {lacking}, and has {beyond} beyond this file"
