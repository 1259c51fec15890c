"""Give all tests one run to ask about: it takes most of their time."""

import asyncio

import pytest

from tests.deploy.monitoring.observed import Observed, observe
from tests.postgres import Postgres


@pytest.fixture(scope="session")
def observed(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """Run everything once, and ask Prometheus everything."""
    with postgres.database() as database:
        return asyncio.run(observe(database, tmp_path_factory.mktemp("watched")))
