"""Compare running processes with the configuration: each was started with the file of its day."""

from collections.abc import Iterator, Sequence

from contracts.errors import Unavailable
from ops.configuration.named_files import key_rings
from ops.doctor.files import is_esito
from ops.doctor.finding import Finding, bad, doubtful, good
from ops.running import Running, running_process
from runtime.configuration import Configuration
from runtime.configuration_digest import digests
from runtime.key_source import CREDENTIALS

_OTHER = "restart it with this file; another version of Esito may have other defaults"
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
    for ring in key_rings(configuration):
        # Which of the others a process has depends on what it is; the digests tell of those.
        if ring.purpose in CREDENTIALS:
            wanted[ring.owner, ring.purpose] = {key.id for key in ring.keys}
    faults = [*_strangers(wanted, running), *_others(wanted, running)]
    for said in faults:
        yield bad(subject, said, _RESTART)
    for endpoint_name in sorted(running.refused):
        said = f"refuses a changed file of {endpoint_name}, and works with what it had"
        yield doubtful(subject, said, "see keys.refused in its log and docs/RUNBOOK.md")
    settings = digests(configuration)
    others = [name for name, digest in settings.items() if running.settings.get(name) != digest]
    if others:
        yield doubtful(subject, f"runs with another {', '.join(others)} than this file's", _OTHER)
    if not faults and not running.refused and not others:
        held = f"keys of {len(running.endpoints)} endpoints" if running.endpoints else "no keys"
        yield good(subject, f"runs with this configuration, and holds {held}")


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
