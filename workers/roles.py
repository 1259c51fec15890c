"""Build the two kinds of worker from the configuration: topics, group, processor."""

from aiokafka import TopicPartition

from contracts.access import Process, group_of
from contracts.provider import Provider
from contracts.topics import Topics
from runtime.configuration import Configuration
from runtime.kafka import KafkaClients
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from runtime.tracing import StepName
from workers.state_machine.decision import Rules
from workers.state_machine.meters import StateMeters
from workers.state_machine.processor import StateMachineProcessor
from workers.verified_until import Upstream
from workers.verifier.policies import Sources, endpoint_policies
from workers.verifier.processor import VerifierProcessor
from workers.worker import Role

_DAY_MILLISECONDS = 86_400_000


def verifier_role(
    configuration: Configuration, provider: Provider, sources: Sources, metrics: Metrics
) -> Role:
    """Return the role of the provider's verifier; what `sources` give may change while it works.

    Raises:
        Broken: the provider has no endpoint, or one lacks what the provider demands.
    """
    topics = Topics.of(provider.name, prefix=configuration.topic_prefix)
    policies = endpoint_policies(provider, configuration.endpoints_of(provider.name), sources)
    finders = sources.notifications.finders if sources.notifications else {}

    def make_processor(partition: TopicPartition) -> VerifierProcessor:
        return VerifierProcessor(
            provider, policies, topics, metrics, finders=finders, partition=partition.partition
        )

    return Role(
        name=f"verifier.{provider.name}",
        step=StepName.RECORD_VERIFY,
        group=group_of(Process.VERIFIER, provider.name, prefix=configuration.topic_prefix),
        input_topic=topics.raw,
        topics=topics,
        make_processor=make_processor,
    )


def state_machine_role(
    configuration: Configuration, provider: Provider, metrics: Metrics, log: Logger
) -> Role:
    """Return the role of the provider's state machine."""
    topics = Topics.of(provider.name, prefix=configuration.topic_prefix)
    rules = _rules(configuration, provider)
    clients = KafkaClients(configuration, client_id="esito-state-machine")
    exemplars = configuration.tracing.otlp_url is not None
    meters = StateMeters(metrics, provider, log, exemplars=exemplars)

    def make_processor(partition: TopicPartition) -> StateMachineProcessor:
        return StateMachineProcessor(
            partition, provider=provider, rules=rules, topics=topics, clients=clients, meters=meters
        )

    return Role(
        name=f"state-machine.{provider.name}",
        step=StepName.UPDATE_DECIDE,
        group=group_of(Process.STATE_MACHINE, provider.name, prefix=configuration.topic_prefix),
        input_topic=topics.verified,
        topics=topics,
        make_processor=make_processor,
        upstream=Upstream(
            group_of(Process.VERIFIER, provider.name, prefix=configuration.topic_prefix), topics.raw
        ),
    )


def _rules(configuration: Configuration, provider: Provider) -> dict[str, Rules]:
    state = configuration.state
    return {
        name: Rules(
            provider=provider,
            registration_required=endpoint.registration == "required",
            early_milliseconds=int(endpoint.early_seconds * 1000),
            final_retention_milliseconds=int(state.final_retention_days * _DAY_MILLISECONDS),
            open_retention_milliseconds=int(state.open_retention_days * _DAY_MILLISECONDS),
            parked_updates_max=state.parked_updates_max,
            settle_milliseconds=int(endpoint.settle_seconds * 1000),
        )
        for name, endpoint in configuration.endpoints_of(provider.name).items()
    }
