"""Give the tests of the ingress a process that several of them share, and new ones on request."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.ingress import Ingress
from tests.kafka import Kafka, run


@pytest.fixture(scope="module")
def shared_ingress(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingress]:
    """Give one running ingress with short times to all tests of a module."""
    directory = tmp_path_factory.mktemp("ingress")
    ingress = Ingress(
        directory,
        kafka.bootstrap_servers,
        f"{directory.name}.{id(directory):x}.",
        body_seconds=1,
        idle_seconds=2,
        grace_seconds=6,
    )
    try:
        run(ingress.start())
        yield ingress
    finally:
        if ingress.process is not None:
            ingress.process.kill()


@pytest.fixture
def make_ingress(kafka: Kafka, tmp_path: Path, topic_prefix: str) -> Callable[..., Ingress]:
    """Return how to describe an ingress of one's own; `ingress.running(...)` starts it."""

    def make(**settings: object) -> Ingress:
        return Ingress(tmp_path, kafka.bootstrap_servers, topic_prefix, **settings)

    return make
