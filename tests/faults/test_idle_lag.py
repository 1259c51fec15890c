"""What an autoscaler sees as lag when nothing is left to do: the markers of Kafka transactions."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import Topics
from ops.generated.autoscalers import scaled_objects
from runtime.configuration_file import load_configuration
from tests.faults.pipeline import PARTITIONS, Pipeline, admin_client, working


async def test_idle_workers_are_not_active_by_their_scaled_objects(
    pipeline: Pipeline, marker: str
) -> None:
    workers = {role: pipeline.worker(role) for role in ("verifier", "state-machine")}
    client = pipeline.client(marker)
    pipeline.ingress()
    await working(workers["verifier"])
    await working(workers["state-machine"])

    async with client.connected():
        await client.transactions(30)
        await pipeline.judged("none: lag when idle", client)
    for role, worker in workers.items():
        await pipeline.consumed(role)
        await worker.stop()
    lags = {role: await _lag_as_keda_counts(pipeline, role) for role in workers}

    assert lags["verifier"] == 0
    # Not 0, or the threshold would be there for nothing; and mostly more than one a partition.
    assert 0 < lags["state-machine"] <= PARTITIONS**2
    thresholds = _activation_thresholds(pipeline)
    assert {role: lag for role, lag in lags.items() if lag > thresholds[role]} == {}


def _activation_thresholds(pipeline: Pipeline) -> dict[str, int]:
    configuration = load_configuration(pipeline.configuration_file, environ={})
    return {
        one["metadata"]["name"].removesuffix("-pivot"): int(
            one["spec"]["triggers"][0]["metadata"]["activationLagThreshold"]
        )
        for one in scaled_objects(configuration)
        if one["metadata"]["name"].endswith("-pivot")
    }


async def _lag_as_keda_counts(pipeline: Pipeline, role: str) -> int:
    """Return the ends of all partitions less what the group has committed, markers and all."""
    topics = Topics.of("pivot", prefix=pipeline.prefix)
    topic = topics.raw if role == "verifier" else topics.verified
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=pipeline.bootstrap_servers)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    async with admin_client(pipeline.bootstrap_servers) as admin:
        group = f"{pipeline.prefix}esito.{role}.pivot"
        found = await admin.list_consumer_group_offsets(group, partitions=partitions)
    return sum(ends[one] - max(0, found[one].offset) for one in partitions)
