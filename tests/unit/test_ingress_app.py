"""The one request handler: routes by host and path, drains, and never answers 500."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any, Final, cast

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from contracts.provider import Door
from ingress.app import App, Callbacks, Route
from ingress.endpoint import EndpointHandler
from ingress.refusals import Refusals
from runtime.configuration import Ingress
from runtime.metrics import Metrics

TEXT: Final = "what an exception says may quote the body"
Lines = list[MutableMapping[str, Any]]


class Settings:
    """As much of an endpoint's settings as the app reads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.door = Door(provider="any", credentials=("api_key",))


class Handler:
    """An endpoint that answers as told, or fails."""

    def __init__(self, name: str, *, status: int = 200, error: Exception | None = None) -> None:
        self.settings = Settings(name)
        self.targets: list[str] = []
        self._status = status
        self._error = error

    async def handle(self, request: web.BaseRequest, target: str) -> int:
        del request
        self.targets.append(target)
        if self._error is not None:
            raise type(self._error)(*self._error.args)
        return self._status


class Rig:
    """The request handler over such endpoints, with its log and its metrics."""

    def __init__(self, routes: dict[Route, Handler]) -> None:
        self.lines: Lines = []
        self.metrics = Metrics()
        self.draining = asyncio.Event()
        log = structlog.wrap_logger(None, processors=[self._keep])
        self.refusals = Refusals(self.metrics, log)
        app = App(
            settings=Ingress(),
            routes=cast("dict[Route, EndpointHandler]", routes),
            enqueuers={},
            metrics=self.metrics,
            refusals=self.refusals,
            log=log,
        )
        self.handle = Callbacks(app, self.draining).handle

    def _keep(self, _: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        self.lines.append(line)
        raise structlog.DropEvent


async def answered(rig: Rig, target: str = "/a", *, host: str = "any.example") -> web.Response:
    response = await rig.handle(make_mocked_request("POST", target, headers={"Host": host}))
    assert isinstance(response, web.Response)
    return response


async def test_unforeseen_error_is_answered_503_and_logged_without_its_text() -> None:
    rig = Rig({(None, "/a"): Handler("a", error=ValueError(TEXT))})

    response = await answered(rig)

    assert isinstance(response.body, bytes)
    assert (response.status, json.loads(response.body)["status"]) == (503, 503)
    assert response.headers["Retry-After"] == "5"
    assert [line["event"] for line in rig.lines] == ["callback.failed"]
    assert rig.lines[0]["exception"] == "ValueError"
    assert "ingress/app.py" in rig.lines[0]["stack"]
    assert TEXT not in repr(rig.lines)


async def test_unforeseen_error_is_logged_once_between_two_reports() -> None:
    rig = Rig({(None, "/a"): Handler("a", error=ValueError(TEXT))})

    for _ in range(100):
        await answered(rig)
    rig.refusals.report()
    await answered(rig)

    events = [line["event"] for line in rig.lines]
    assert events == ["callback.failed", "callbacks.refused", "callback.failed"]
    assert rig.lines[1]["count"] == 100


async def test_draining_process_answers_503_and_closes() -> None:
    handler = Handler("a")
    rig = Rig({(None, "/a"): handler})
    rig.draining.set()

    response = await answered(rig)

    assert (response.status, response.keep_alive) == (503, False)
    assert handler.targets == []


@pytest.mark.parametrize(
    ("host", "target", "name"),
    [
        ("one.example", "/a", "one"),
        ("ONE.example:8080", "/a?b", "one"),
        ("two.example", "/a", "any"),
        ("", "/a", "any"),
        ("two.example", "http://one.example:80/a", "one"),
        ("one.example", "http://two.example/a", "any"),
    ],
)
async def test_path_is_routed_by_host_first(host: str, target: str, name: str) -> None:
    handlers = {"one": Handler("one"), "any": Handler("any")}
    rig = Rig({("one.example", "/a"): handlers["one"], (None, "/a"): handlers["any"]})

    response = await answered(rig, target, host=host)

    assert response.status == 200
    assert [key for key, handler in handlers.items() if handler.targets] == [name]


@pytest.mark.parametrize(
    ("sent", "target"),
    [("/a", "/a"), ("/a?b=%20&c", "/a?b=%20&c"), ("https://x/a?b=%20", "/a?b=%20")],
)
async def test_target_is_path_and_query_as_sent(sent: str, target: str) -> None:
    handler = Handler("a")

    await answered(Rig({(None, "/a"): handler}), sent)

    assert handler.targets == [target]


async def test_target_that_is_not_ascii_is_answered_400() -> None:
    rig = Rig({(None, "/a"): Handler("a")})

    response = await answered(rig, "/a?\udcff")

    assert (response.status, response.keep_alive) == (400, False)


async def test_outcomes_are_counted_apart() -> None:
    rig = Rig({(None, "/a"): Handler("a"), (None, "/b"): Handler("b", status=409)})

    for target in ("/a", "/b", "/c"):
        await answered(rig, target)

    counts = {
        (sample.labels["endpoint"], sample.labels["outcome"]): sample.value
        for metric in rig.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "esito_ingress_callbacks_total" and sample.value
    }
    assert counts == {("a", "accepted"): 1, ("b", "stale"): 1, ("", "path_unknown"): 1}
