"""The intake's own failures: answered 503, and no caller can fill the log with them."""

import asyncio
from http import HTTPStatus
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from intake.app import App, Calls, path_pattern
from intake.call import OpenRoute
from runtime.metrics import Metrics
from runtime.service_configuration import Intake

TEXT = "what the caller sent"


async def _fail(_: web.BaseRequest, __: tuple[str, ...]) -> web.StreamResponse:
    raise ValueError(TEXT)


async def test_failure_that_is_asked_for_again_and_again_is_logged_once() -> None:
    nobody = cast("Any", None)
    app = App(
        settings=Intake(),
        routes=[OpenRoute("fail", "GET", path_pattern("/fail"), _fail)],
        tenants=nobody,
        way=nobody,
        outbox=nobody,
        metrics=Metrics(),
        log=structlog.get_logger(),
    )

    with capture_logs() as logs:
        calls = Calls(app, asyncio.Event())
        answers = [await calls.handle(make_mocked_request("GET", "/fail")) for _ in range(100)]

    assert {answer.status for answer in answers} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert [line["event"] for line in logs] == ["callback.failed"]
    assert TEXT not in repr(logs)
