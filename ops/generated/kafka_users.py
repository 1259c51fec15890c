"""Write the users of Kafka with their rights, as Strimzi's KafkaUsers."""

from collections.abc import Iterator
from typing import Any, Final

from contracts.access import Access, Operation
from ops.accesses import accesses, scaler_access
from runtime.configuration import Configuration

# The name of the Kafka resource: the operator takes the users that say so.
_CLUSTER: Final = "esito"

Resource = dict[str, Any]


def kafka_users(configuration: Configuration) -> Iterator[Resource]:
    """Yield a KafkaUser for each process of the configuration, and for people."""
    for access in accesses(configuration):
        yield _user(access, configuration)


def keda_user(configuration: Configuration) -> Iterator[Resource]:
    """Yield the KafkaUser with which KEDA asks for the lag."""
    yield _user(scaler_access(configuration), configuration)


def _user(access: Access, configuration: Configuration) -> Resource:
    authentication = "scram-sha-512" if configuration.kafka_sasl_mechanism else "tls"
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": access.user, "labels": {"strimzi.io/cluster": _CLUSTER}},
        "spec": {
            "authentication": {"type": authentication},
            "authorization": {"type": "simple", "acls": list(_acls(access))},
        },
    }


def _acls(access: Access) -> Iterator[Resource]:
    for grant in access.grants:
        # Strimzi makes the topics, so nobody else may.
        operations = [one.value for one in grant.operations if one is not Operation.CREATE]
        if operations:
            yield {
                "resource": {
                    "type": grant.resource.value,
                    "name": grant.name,
                    "patternType": "prefix" if grant.is_prefix else "literal",
                },
                "operations": operations,
            }
