"""Reading a remote stream over real HTTP: bounded, verified, not led astray."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from contracts.errors import Broken
from runtime.service_configuration import RemoteStream
from tests.integration.remote_stream import API_KEY, STREAM_ID, RemoteServer
from workers.poller.remote import Outcome, Page, Remote, Unread

ELEMENT_BYTES_MAX = 10_000


def settings(directory: Path, url: str, **changes: Any) -> RemoteStream:  # noqa: ANN401 - settings of any type
    key = directory / "remote.key"
    key.write_text(API_KEY + "\n")
    given = {"url": url, "stream_id": STREAM_ID, "api_key_file": key, "timeout_seconds": 30}
    return RemoteStream(**{**given, **changes})


async def read(described: RemoteStream, after: str | None = None) -> Page:
    async with Remote(described, element_bytes_max=ELEMENT_BYTES_MAX) as remote:
        return await remote.read(after)


async def test_page_is_read_with_the_key_and_acknowledged_by_number(tmp_path: Path) -> None:
    async with RemoteServer().running() as server:
        for number in range(60):
            server.add(f"request-{number}", "REQUEST_ACCEPTED")
        described = settings(tmp_path, server.url)

        first = await read(described)
        second = await read(described, first.elements[-1].event_id)
        third = await read(described, second.elements[-1].event_id)

    assert [len(one.elements) for one in (first, second, third)] == [50, 10, 0]
    assert [one.retry_milliseconds for one in (first, second, third)] == [0, 0, 50]
    assert server.keys == [API_KEY] * 3


@pytest.mark.parametrize(
    ("status", "outcome", "wanted"),
    [
        (302, Outcome.REDIRECTED, None),
        (400, Outcome.REFUSED, None),
        (401, Outcome.REFUSED, None),
        (403, Outcome.REFUSED, None),
        (404, Outcome.REFUSED, None),
        (429, Outcome.TOO_EARLY, 7_000),
        (500, Outcome.SERVER_ERROR, 7_000),
        (503, Outcome.SERVER_ERROR, 7_000),
    ],
)
async def test_answer_other_than_a_page_has_a_word_of_its_own(
    tmp_path: Path, status: int, outcome: Outcome, wanted: int | None
) -> None:
    async def act(_: web.Request) -> web.Response:
        headers = {"retry-after": "7000", "location": "https://elsewhere.example.org/"}
        return web.Response(status=status, headers=headers)

    async with RemoteServer().running() as server:
        server.act = act
        with pytest.raises(Unread) as caught:
            await read(settings(tmp_path, server.url))

    assert caught.value.outcome is outcome
    assert caught.value.retry_milliseconds == wanted
    assert API_KEY not in str(caught.value)


async def test_position_that_is_refused_is_told_apart(tmp_path: Path) -> None:
    async def act(_: web.Request) -> web.Response:
        return web.Response(status=400)

    async with RemoteServer().running() as server:
        server.act = act
        with pytest.raises(Unread) as caught:
            await read(settings(tmp_path, server.url), f"{1:038}")

    assert caught.value.outcome is Outcome.POSITION_REFUSED


async def test_answer_without_end_is_cut_off(tmp_path: Path) -> None:
    async def act(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)

    async with RemoteServer().running() as server:
        server.act = act
        with pytest.raises(Unread) as caught:
            await read(settings(tmp_path, server.url))

    assert caught.value.outcome is Outcome.TOO_LARGE


async def test_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def act(_: web.Request) -> web.Response:
        return await asyncio.Future()

    async with RemoteServer().running() as server:
        server.act = act
        with pytest.raises(Unread) as caught:
            await read(settings(tmp_path, server.url, timeout_seconds=0.2))

    assert caught.value.outcome is Outcome.TIMED_OUT


async def test_events_before_the_acknowledged_one_are_no_page(tmp_path: Path) -> None:
    async def act(_: web.Request) -> web.Response:
        return web.json_response([{"eventId": f"{3:038}"}])

    async with RemoteServer().running() as server:
        server.act = act
        with pytest.raises(Unread) as caught:
            await read(settings(tmp_path, server.url), f"{3:038}")

    assert caught.value.outcome is Outcome.NO_PAGE


async def test_server_is_trusted_by_its_certificate_alone(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    for name, made in (("ca", authority), ("stranger", stranger)):
        made.cert_pem.write_to_path(tmp_path / f"{name}.pem")

    async with RemoteServer().running(tls) as server:
        page = await read(settings(tmp_path, server.url, ca_file=tmp_path / "ca.pem"))
        with pytest.raises(Unread) as caught:
            await read(settings(tmp_path, server.url, ca_file=tmp_path / "stranger.pem"))

    assert page.elements == ()
    assert caught.value.outcome is Outcome.UNREACHABLE
    assert len(server.keys) == 1  # the stranger's server was told nothing


async def test_new_key_is_taken_without_a_restart_and_a_lost_one_is_named(tmp_path: Path) -> None:
    async with RemoteServer().running() as server:
        described = settings(tmp_path, server.url)
        async with Remote(described, element_bytes_max=ELEMENT_BYTES_MAX) as remote:
            await remote.read(None)
            described.api_key_file.write_text("another-key")
            await remote.read(None)
            described.api_key_file.unlink()
            with pytest.raises(Unread) as caught:
                await remote.read(None)

    assert server.keys == [API_KEY, "another-key"]
    assert caught.value.outcome is Outcome.KEY_UNREADABLE


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"x" * 5_000, b"\xff"])
def test_file_without_a_key_is_our_own_fault(tmp_path: Path, content: bytes) -> None:
    described = settings(tmp_path, "https://send.example.org")
    described.api_key_file.write_bytes(content)

    with pytest.raises(Broken, match=r"remote\.key: not an API key"):
        Remote(described, element_bytes_max=ELEMENT_BYTES_MAX)


@pytest.mark.parametrize(
    "url",
    [
        "http://send.example.org/v2.8",
        "http://127.0.0.1.example.org/",
        "https://user:secret@send.example.org/",
        "https://send.example.org/?a=b",
        "ftp://127.0.0.1/",
    ],
)
def test_address_to_which_the_key_must_not_be_sent_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        settings(tmp_path, url)
