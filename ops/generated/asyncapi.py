"""Describe every topic as AsyncAPI 3.1.0: channels, who sends and receives, headers, examples."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, Final

from contracts.access import WORK, Process, group_of
from contracts.provider import Provider
from contracts.topics import Role
from ops.generated.json_schemas import component_schemas
from ops.generated.messages import messages
from ops.generated.yaml_text import project_version, yaml_text
from ops.topics import TopicPlan, planned_topics
from runtime.configuration import Configuration, TopicSettings
from runtime.endpoint_configuration import Endpoint

_BINDING: Final = "0.5.0"
_INFO: Final = (
    "Signed callbacks in, trustworthy transaction-status events out. Subscribers need one channel "
    "only: the status events of a provider. They must read with isolation.level=read_committed, "
    "and remember event ids to have each effect once. Names are shown without the prefix that "
    "ESITO_TOPIC_PREFIX may put before them; figures are the defaults of docs/CONFIGURATION.md."
)
_CHANNELS: Final = {
    Role.RAW: ("rawCallback", "Callbacks as received, byte for byte; partitions chosen in turn."),
    Role.VERIFIED: ("verifiedUpdate", "What the provider provably said, by transaction."),
    Role.REJECTED: (
        "deadLetter",
        "Records that could not be processed, verbatim, with the reason.",
    ),
    Role.STATUS: ("statusEvent", "For subscribers: each change of a transaction's status."),
    Role.ANOMALIES: ("anomaly", "What a person should look at."),
    Role.STATE: ("snapshot", "Changelog of the state machine, compacted; for nobody else."),
}
# Only public bodies send requests, and only their status streams are polled.
_SEND: Final = "send"
_OF_SEND: Final = frozenset({Process.INTAKE, Process.POLLER})


def asyncapi_document(providers: Iterable[Provider]) -> str:
    """Return docs/asyncapi.yaml."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for provider in providers:
        for plan in _plans(provider):
            channels[_channel_name(provider, plan.role)] = _channel(provider, plan)
        operations.update(_operations(provider))
    document = {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Esito",
            "version": project_version(),
            "description": _INFO,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "ESITO_KAFKA_BOOTSTRAP_SERVERS names yours.",
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages(), "schemas": component_schemas()},
    }
    return yaml_text(document, source=PurePosixPath("contracts"))


def _plans(provider: Provider) -> list[TopicPlan]:
    # Constructed without validation, so that no variable of this process takes part.
    endpoint = Endpoint(name=provider.name, provider=provider.name, path="/")
    return planned_topics(
        Configuration.model_construct(
            topics=TopicSettings(), endpoints=(endpoint,), topic_prefix=""
        )
    )


def _channel(provider: Provider, plan: TopicPlan) -> dict[str, Any]:
    message, description = _CHANNELS[plan.role]
    return {
        "address": plan.name,
        "title": f"{provider.name}: {plan.role}",
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {
            "kafka": {
                "topic": plan.name,
                "partitions": plan.partitions,
                "replicas": plan.replication_factor,
                "topicConfiguration": {
                    name: _setting(name, value) for name, value in plan.settings.items()
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _setting(name: str, value: str) -> str | int | list[str]:
    if name == "cleanup.policy":
        return [value]
    return int(value) if value.isdigit() else value


def _operations(provider: Provider) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for process, work in WORK.items():
        if process in _OF_SEND and provider.name != _SEND:
            continue
        for role in work.reads:
            found[f"{provider.name}.{process}.receive.{role}"] = {
                **_operation(provider, "receive", role),
                **_group_binding(process, provider, role),
            }
        for role in work.writes:
            found[f"{provider.name}.{process}.send.{role}"] = _operation(provider, "send", role)
    return found


def _group_binding(process: Process, provider: Provider, role: Role) -> dict[str, Any]:
    work = WORK[process]
    # The changelog is read without a group, from its beginning.
    if not work.in_group or role is Role.STATE:
        return {}
    group = group_of(process, provider.name if work.for_one_provider else "")
    named = {"type": "string", "enum": [group]}
    return {"bindings": {"kafka": {"groupId": named, "bindingVersion": _BINDING}}}


def _operation(provider: Provider, action: str, role: Role) -> dict[str, Any]:
    channel = _channel_name(provider, role)
    message, _ = _CHANNELS[role]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _channel_name(provider: Provider, role: Role) -> str:
    return f"{provider.name}.{role}"
