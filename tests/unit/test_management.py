"""What the management port shows, in the form that was asked for."""

import aiohttp

from runtime.management import management_server
from runtime.metrics import Metrics

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


async def test_exposition_is_plain_text_unless_open_metrics_is_asked_for() -> None:
    metrics = Metrics()
    metrics.counter("esito_worker_fenced_total", "raw").inc(exemplar={"trace_id": "a" * 32})

    async with (
        management_server(
            host="127.0.0.1", port=0, metrics=metrics, readiness=dict[str, bool]
        ) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        plain = await session.get("/metrics")
        rich = await session.get("/metrics", headers={"Accept": OPEN_METRICS})
        plain_text, rich_text = await plain.text(), await rich.text()

    assert plain.content_type == "text/plain"
    assert rich.content_type == "application/openmetrics-text"
    line = 'esito_worker_fenced_total{topic="raw"} 1.0'
    assert f"{line}\n" in plain_text
    assert f'{line} # {{trace_id="{"a" * 32}"}} 1.0' in rich_text
    assert "_created" not in plain_text + rich_text
