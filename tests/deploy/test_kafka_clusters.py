"""What the examples of a Kafka promise, and that overlays/dev reaches the one made for it."""

import pytest

from tests.deploy.rendering import rendered


def test_topics_outlive_what_made_them() -> None:
    (kafka,) = rendered("kafka/cluster").of("Kafka")

    assert kafka["spec"]["kafka"]["config"]["delete.topic.enable"] is False


def test_version_is_left_to_the_operator() -> None:
    (kafka,) = rendered("kafka/cluster").of("Kafka")

    assert "version" not in kafka["spec"]["kafka"]


@pytest.mark.parametrize(
    ("cluster", "overlay"),
    [("kafka/cluster", "overlays/production"), ("kafka/plaintext", "overlays/dev")],
)
def test_group_is_remembered_longer_than_its_records(cluster: str, overlay: str) -> None:
    """Else a worker that was away, or had no pod, would verify all that Kafka holds once more."""
    (kafka,) = rendered(cluster).of("Kafka")
    topics = rendered(overlay).configuration().topics

    kept = kafka["spec"]["kafka"]["config"]["offsets.retention.minutes"]

    assert kept > (topics.raw_retention_days + 1) * 24 * 60


def test_dev_reaches_the_plaintext_cluster() -> None:
    dev = rendered("overlays/dev")
    (kafka,) = rendered("kafka/plaintext").of("Kafka")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    name, namespace = (kafka["metadata"][part] for part in ("name", "namespace"))

    (way,) = dev.named("NetworkPolicy", "kafka")["spec"]["egress"]

    address = f"{name}-kafka-bootstrap.{namespace}.svc:{listener['port']}"
    assert dev.configuration().kafka_bootstrap_servers == address
    assert (listener["tls"], "authentication" in listener) == (False, False)
    assert [one["port"] for one in way["ports"]] == [listener["port"]]
    assert "authorization" not in kafka["spec"]["kafka"]
