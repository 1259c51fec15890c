"""Name the six topics of a provider, and say what each must be configured as.

`callbacks.<provider>.raw.v1` and its siblings are public names: subscribers, dashboards and access
rules quote them. A prefix (`ESITO_TOPIC_PREFIX`) keeps several installations apart on one cluster.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Role(StrEnum):
    """What a topic carries."""

    RAW = "raw"
    VERIFIED = "verified"
    REJECTED = "rejected"
    STATUS = "status"
    ANOMALIES = "anomalies"
    STATE = "state"


# These four share one partition count: the state machine of partition n reads verified/n and writes
# the others at n, so the order of one transaction is the order of one partition everywhere.
CO_PARTITIONED = (Role.VERIFIED, Role.STATUS, Role.ANOMALIES, Role.STATE)


@dataclass(frozen=True, slots=True)
class Topics:
    """The topic names of one provider under one prefix."""

    raw: str
    verified: str
    rejected: str
    status: str
    anomalies: str
    state: str

    @classmethod
    def of(cls, provider: str, *, prefix: str = "") -> Self:
        """Return the names for `provider`, each starting with `prefix`."""
        return cls(
            raw=f"{prefix}callbacks.{provider}.raw.v1",
            verified=f"{prefix}callbacks.{provider}.verified.v1",
            rejected=f"{prefix}callbacks.{provider}.rejected.v1",
            status=f"{prefix}transactions.{provider}.status.v1",
            anomalies=f"{prefix}transactions.{provider}.anomalies.v1",
            state=f"{prefix}transactions.{provider}.state.v1",
        )

    def by_role(self) -> dict[Role, str]:
        """Return each role's topic name, in dataflow order."""
        return {role: getattr(self, role.value) for role in Role}


def topic_version(role: Role) -> str:
    """Return the version of what a role's topics carry: the last part of their names."""
    return Topics.of("any").by_role()[role].rpartition(".")[2]
