"""A registry of addresses over HTTPS, whose server answers well, badly, late or not at all."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from contracts.errors import Broken, Unavailable
from contracts.needs import AddressFound, AddressNeed
from runtime.notification_configuration import Registry
from tests.integration.key_server import Answer, KeyServer, drip, flood, half, hang, http
from workers.verifier.address_http import (
    ANSWER_BYTES_MAX,
    ATTEMPTS,
    FAILURES_MAX,
    REST_SECONDS,
    HttpAddresses,
)

ROMA = {"address": "VIA ROMA 1", "municipality": "ROMA", "zip": "00184", "province": "RM"}
NEED = AddressNeed(0, "VRDLNZ80A41F205X", "PF", {"address": "via roma 1"})
FOUND = http(json.dumps({"outcome": "found", "address": ROMA, "more": 1}).encode())


class Service:
    """The server, and how to reach it."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self.tls)
        self.ca_file = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.server = KeyServer()
        self.now = 0.0
        self.opened: list[HttpAddresses] = []

    def addresses(self, **settings: Any) -> HttpAddresses:  # noqa: ANN401 - members of the section
        given = {
            "kind": "http",
            "url": f"https://127.0.0.1:{self.server.port}/v1/addresses",
            "ca_file": self.ca_file,
            "timeout_seconds": 30,
            **settings,
        }
        self.opened.append(HttpAddresses(Registry(**given), lambda: self.now))
        return self.opened[-1]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """Give a service that answers as its test says."""
    service = Service(tmp_path)
    await service.server.open(service.tls)
    yield service
    for one in service.opened:
        await one.close()
    await service.server.close()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"outcome": "found", "address": ROMA}, AddressFound("found", ROMA)),
        ({"outcome": "not_found"}, AddressFound("not_found")),
        ({"outcome": "not_valid", "address": None}, AddressFound("not_valid")),
    ],
)
async def test_answer_of_the_service_is_taken(
    service: Service, answer: object, found: AddressFound
) -> None:
    service.server.answer = http(json.dumps(answer).encode())

    assert await service.addresses().find(NEED) == found


async def test_question_bears_our_key_and_no_cookie(service: Service, tmp_path: Path) -> None:
    service.server.answer = FOUND.replace(b"connection", b"set-cookie: a=b\r\nconnection", 1)
    key = tmp_path / "registry.key"
    key.write_text("a-key-of-the-registry\n")
    addresses = service.addresses(api_key_file=key)

    await addresses.find(NEED)
    await addresses.find(NEED)

    for request in service.server.requests:
        head = request.decode().lower()
        assert head.startswith("post /v1/addresses ")
        assert "x-api-key: a-key-of-the-registry" in head
        assert "cookie" not in head


@pytest.mark.parametrize(
    "answer",
    [
        http(b"{}"),
        http(b'{"outcome": "perhaps"}'),
        http(b"no JSON"),
        http(b"", status="503 Service Unavailable"),
        http(b"", status="401 Unauthorized"),
        http(b'{"outcome": "not_found"}', status="201 Created"),
        http(b'{"outcome": "not_found"}' + b" " * ANSWER_BYTES_MAX),
        http(b'{"outcome": "found", "address": {"address": "' + b"x" * 2_000 + b'"}}'),
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
async def test_what_is_no_answer_is_asked_again_and_then_a_technical_failure(
    service: Service, answer: bytes
) -> None:
    service.server.answer = answer

    with pytest.raises(Unavailable):
        await service.addresses().find(NEED)

    assert len(service.server.requests) == ATTEMPTS


async def test_redirect_is_not_followed(service: Service) -> None:
    elsewhere = f"https://127.0.0.1:{service.server.port}/elsewhere"
    service.server.answer = http(b"", status="307 Temporary Redirect", location=elsewhere)

    with pytest.raises(Unavailable):
        await service.addresses().find(NEED)

    assert [one.split()[1] for one in service.server.requests] == [b"/v1/addresses"] * ATTEMPTS


@pytest.mark.parametrize("act", [hang, half, drip, flood])
async def test_service_that_does_not_end_is_not_waited_for(service: Service, act: Answer) -> None:
    service.server.act = act

    with pytest.raises(Unavailable):
        await service.addresses(timeout_seconds=0.3).find(NEED)


async def test_one_bad_answer_is_made_good_by_the_next(service: Service) -> None:
    service.server.answer = http(b"", status="500 Internal Server Error")
    asking = asyncio.create_task(service.addresses().find(NEED))
    await service.server.asked.wait()
    service.server.answer = FOUND

    assert (await asking).outcome == "found"


async def test_service_that_fails_again_and_again_is_let_rest_and_then_asked_once(
    service: Service,
) -> None:
    service.server.answer = http(b"", status="500 Internal Server Error")
    addresses = service.addresses()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await addresses.find(NEED)
    asked = len(service.server.requests)

    service.server.answer = FOUND
    service.now += REST_SECONDS - 1
    with pytest.raises(Unavailable, match="rest"):
        await addresses.find(NEED)
    at_rest = len(service.server.requests)
    service.now += 1
    answers = await asyncio.gather(
        *(addresses.find(NEED) for _ in range(5)), return_exceptions=True
    )

    assert (asked, at_rest) == (FAILURES_MAX, FAILURES_MAX)
    assert sum(isinstance(one, AddressFound) for one in answers) == 1
    assert len(service.server.requests) == FAILURES_MAX + 1
    assert (await addresses.find(NEED)).outcome == "found"


async def test_certificate_of_another_authority_is_not_taken(
    service: Service, tmp_path: Path
) -> None:
    service.server.answer = FOUND
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)

    with pytest.raises(Unavailable):
        await service.addresses(ca_file=other).find(NEED)

    assert service.server.requests == []


async def test_service_that_nobody_runs_is_a_technical_failure(service: Service) -> None:
    await service.server.close()

    with pytest.raises(Unavailable):
        await service.addresses().find(NEED)


@pytest.mark.parametrize("key", ["ca_file", "api_key_file"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, key: str) -> None:
    settings = Registry(kind="http", url="https://addresses/v1", **{key: tmp_path / "none"})

    with pytest.raises(Broken, match=f"none.*registry.{key}"):
        HttpAddresses(settings)


def test_service_without_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        Registry(kind="http", url="http://addresses/v1")
