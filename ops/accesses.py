"""Say what each user of one configuration may do in Kafka: contracts/access.py, applied to it."""

from contracts.access import Access, Process, access_of
from ops.local.processes import programs_of
from runtime.configuration import Configuration


def accesses(configuration: Configuration) -> list[Access]:
    """Return the rights of each process that the configuration has work for, then of people."""
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    senders = {one.provider for one in configuration.endpoints if one.notifications is not None}
    of_some = {Process.INTAKE: sorted(senders)}
    found: list[tuple[Process, list[str]]] = []
    for program in programs_of(configuration):
        if program.arguments[0] == "workers":
            _, role, _, provider = program.arguments
            found.append((Process(role), [provider]))
        else:
            process = Process(program.name)
            found.append((process, of_some.get(process, providers)))
    found += [(one, providers) for one in (Process.TOPICS, Process.OPERATOR, Process.REPLAY)]
    prefix = configuration.topic_prefix
    return [access_of(process, some, prefix=prefix) for process, some in found]


def scaler_access(configuration: Configuration) -> Access:
    """Return the rights of KEDA, where it scales the workers."""
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    return access_of(Process.KEDA, providers, prefix=configuration.topic_prefix)
