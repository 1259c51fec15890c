"""The one request handler: routes by host and path, drains, and never answers 500."""

import asyncio
import json
from collections.abc import Callable, MutableMapping
from typing import Any, Final, cast

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from contracts.codes import RefusalCode
from contracts.provider import Answers, Door
from ingress.app import App, Callbacks, Route
from ingress.authenticate import Refused
from ingress.endpoint import EndpointHandler
from ingress.refusals import Refusals
from runtime.configuration import Ingress
from runtime.metrics import Metrics

TEXT: Final = "what an exception says may quote the body"
_ANSWERS: Final = Answers()
EPC: Final = Answers(unauthenticated=403, error_model="epc")
Lines = list[MutableMapping[str, Any]]


class Settings:
    """As much of an endpoint's settings as the app reads."""

    def __init__(self, name: str, answers: Answers) -> None:
        self.name = name
        self.paths = ("/a", "/a/more")
        self.door = Door(provider="any", credentials=("api_key",), answers=answers)


class Handler:
    """An endpoint that answers as told, or fails."""

    def __init__(
        self,
        name: str,
        *,
        status: int = 200,
        error: Exception | None = None,
        answers: Answers = _ANSWERS,
    ) -> None:
        self.settings = Settings(name, answers)
        self.targets: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self._status = status
        self._error = error

    async def handle(self, request: web.BaseRequest, target: str) -> int:
        del request
        self.targets.append(target)
        self.meanwhile()
        if isinstance(self._error, Refused):
            raise Refused(self._error.code)
        if self._error is not None:
            raise type(self._error)(*self._error.args)
        return self._status


class Rig:
    """The request handler over such endpoints, with its log and its metrics."""

    def __init__(
        self, routes: dict[Route, Handler], *, prefixes: dict[Route, Handler] | None = None
    ) -> None:
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
            prefixes=cast("dict[Route, EndpointHandler]", prefixes or {}),
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


async def test_unforeseen_error_that_repeats_is_logged_once() -> None:
    rig = Rig({(None, "/a"): Handler("a", error=ValueError(TEXT))})

    for _ in range(100):
        await answered(rig)
    rig.refusals.report()

    told = [(line["event"], line["count"]) for line in rig.lines]
    assert told == [("callback.failed", 1), ("callbacks.refused", 100)]


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


@pytest.mark.parametrize("status", [200, 409])
async def test_answer_to_what_was_in_flight_closes_the_connection(status: int) -> None:
    handler = Handler("a", status=status)
    rig = Rig({(None, "/a"): handler})
    handler.meanwhile = rig.draining.set

    response = await answered(rig)

    assert (response.status, response.keep_alive) == (status, False)


@pytest.mark.parametrize(
    ("host", "target", "name"),
    [
        ("one.example", "/w/x", "one"),
        ("two.example", "/w/x?y/z", "any"),
        ("one.example", "/w", "fixed"),
        ("one.example", "/v/fixed", "fixed"),
        ("one.example", "/w/", "one"),
        ("one.example", "/w/x/y", None),
        ("one.example", "/x", None),
    ],
)
async def test_segment_under_a_prefix_is_routed_like_its_path(
    host: str, target: str, name: str | None
) -> None:
    handlers = {key: Handler(key) for key in ("one", "any", "fixed")}
    rig = Rig(
        {
            ("one.example", "/w"): handlers["fixed"],
            (None, "/v/fixed"): handlers["fixed"],
            # A handler of a prefix is always one of a path too.
            (None, "/one"): handlers["one"],
            (None, "/any"): handlers["any"],
        },
        prefixes={("one.example", "/w"): handlers["one"], (None, "/w"): handlers["any"]},
    )

    response = await answered(rig, target, host=host)

    assert response.status == (404 if name is None else 200)
    assert [key for key, one in handlers.items() if one.targets] == ([name] if name else [])


@pytest.mark.parametrize("code", [RefusalCode.CREDENTIALS_MISSING, RefusalCode.CREDENTIALS_WRONG])
async def test_hidden_path_is_answered_as_one_that_there_is_not(code: RefusalCode) -> None:
    for answers in (Answers(unauthenticated=404), Answers(unauthenticated=404, error_model="epc")):
        hidden = Handler("a", error=Refused(code), answers=answers)
        rig = Rig({(None, "/a"): hidden})

        one, other = await answered(rig, "/a"), await answered(rig, "/b")

        assert (one.status, one.body) == (other.status, other.body) == (404, other.body)
        assert list(one.headers.items()) == list(other.headers.items())
        assert one.keep_alive == other.keep_alive


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (RefusalCode.HEADER_FORBIDDEN, 400),
        (RefusalCode.EDGE_UNTRUSTED, 403),
        (RefusalCode.CREDENTIALS_MISSING, 403),
        (RefusalCode.MEDIA_TYPE_UNSUPPORTED, 415),
        (RefusalCode.KAFKA_UNAVAILABLE, 503),
    ],
)
@pytest.mark.parametrize(
    ("target", "path"),
    [("/a/more?secret", "/a/more"), ("/w/secret", "/a"), ("http://h.example/a/more", "/a")],
)
async def test_epc_error_names_the_configured_path_alone(
    code: RefusalCode, status: int, target: str, path: str
) -> None:
    handler = Handler("a", error=Refused(code), answers=EPC)
    rig = Rig({(None, "/a/more"): handler}, prefixes={(None, "/w"): handler})

    response = await answered(rig, target)

    assert isinstance(response.body, bytes)
    details = json.loads(response.body)
    assert (response.status, details["status"], details["path"]) == (status, status, path)
    assert response.content_type == "application/json"
    assert b"secret" not in response.body
