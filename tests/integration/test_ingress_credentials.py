"""Callers known by a sealed path, by an edge's word, or by a signature that the verifier checks."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from runtime.path_token import mint
from tests.certificates import leaf, root
from tests.integration.callers import API_KEY, Answer, call, request
from tests.integration.ingress import PUBLIC_URL, Ingress, pivot_endpoint
from tests.kafka import Kafka, run

BANK: Final = leaf(root(), "Bank A")
CERTIFICATE: Final = ("X-Client-Certificate", quote(BANK.pem.decode()))
PATH_SECRET: Final = b"a-secret-of-sealed-paths-0123456789"
TOKEN: Final = mint(PATH_SECRET, endpoint="wallet", state="state-1")
OTHERS: Final = mint(PATH_SECRET, endpoint="wallet-2", state="state-1")
SEND: Final = "/rtp/cb/v1/send"
SIGNATURE: Final = [
    ("X-SRTP-Signature", "c2ln"),
    ("X-SRTP-Signature-Certificate", "Y2VydA=="),
    ("X-SRTP-Signature-Certificate-Chain", "Y2hhaW4="),
]
UNKNOWN: Final = b'{"type": "about:blank", "title": "Not Found", "status": 404}'


def by_edge(*networks: str) -> dict[str, Any]:
    return {"seen_by": "edge", "header": CERTIFICATE[0], "edges": list(networks)}


def srtp(name: str, path: str, **settings: object) -> dict[str, Any]:
    return {"name": name, "provider": "srtp", "path": path, **settings}


def wallet(name: str, path: str, **settings: object) -> dict[str, Any]:
    keys = {"keys": [{"id": "k1", "file": "path.key"}]}
    return {
        "name": name,
        "provider": "wallet",
        "path": path,
        "path_token": keys,
        "early_seconds": 60,
        **settings,
    }


@pytest.fixture(scope="module")
def ingress(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingress]:
    """Give one running ingress with an endpoint for each way to be known."""
    directory: Path = tmp_path_factory.mktemp("ingress")
    one = Ingress(directory, kafka.bootstrap_servers, f"{directory.name}.{id(directory):x}.")
    (directory / "path.key").write_bytes(PATH_SECRET)
    api_key = {"keys": [{"id": "a", "file": "a.key"}]}
    one.settings["endpoints"] = [
        pivot_endpoint(),
        wallet("wallet", "/wallet", more_paths=["/wallet/issued"]),
        wallet("wallet-2", "/wallet-2"),
        srtp("document", SEND, xmldsig={}, more_paths=["/rtp/cb/v1/cancel"]),
        srtp("detached", "/detached", detached_signature={}),
        srtp("jws", "/jws", detached_jws={"header": "x-my-jws"}),
        srtp("edge", "/edge", client_certificate=by_edge("192.0.2.0/24", "127.0.0.0/8")),
        srtp("far-edge", "/far-edge", client_certificate=by_edge("192.0.2.0/24")),
        srtp("both", "/both", api_key=api_key, client_certificate=by_edge("127.0.0.1")),
    ]
    try:
        run(one.start())
        yield one
    finally:
        if one.process is not None:
            one.process.kill()


def unique() -> bytes:
    return f'{{"marker":"{secrets.token_hex(8)}"}}'.encode()


async def headers_of(ingress: Ingress, body: bytes, provider: str) -> dict[str, bytes]:
    (record,) = [one for one in await ingress.stored(provider) if one.value == body]
    return dict(record.headers)


def is_epc(answer: Answer, status: int, path: str) -> bool:
    """Tell whether it is the EPC's error model, with nothing of the request in it."""
    model = json.loads(answer.body)
    return (
        answer.status == status == model["status"]
        and answer.headers["content-type"] == "application/json"
        and set(model) == {"timestamp", "status", "error", "message", "path"}
        and model["path"] == path
    )


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (f"/wallet/{TOKEN.segment}", f"/wallet/{TOKEN.transaction_id}"),
        (f"/wallet/{TOKEN.segment}?a=%2F/b", f"/wallet/{TOKEN.transaction_id}?a=%2F/b"),
        (f"/wallet/issued/{TOKEN.segment}", f"/wallet/issued/{TOKEN.transaction_id}"),
        (f"http://other.example/wallet/{TOKEN.segment}", f"/wallet/{TOKEN.transaction_id}"),
    ],
)
async def test_sealed_path_is_stored_without_its_seal(
    ingress: Ingress, path: str, kept: str
) -> None:
    body = unique()

    answer = await call(ingress.port, request(path, body=body, key=None))

    headers = await headers_of(ingress, body, "wallet")
    assert (answer.status, answer.body) == (200, b"")
    assert headers["esito-target-uri"] == (PUBLIC_URL + kept).encode()
    assert headers["esito-principal"] == b"path_token:k1"
    seal = TOKEN.segment.partition(".")[2].encode()
    assert not any(seal in value for value in headers.values())


@pytest.mark.parametrize(
    "path",
    [
        "/wallet",
        "/wallet?a",
        "/wallet/",
        "/wallet/issued",
        "/wallet/x",
        f"/wallet/{TOKEN.transaction_id}",
        f"/wallet/{TOKEN.segment}/",
        f"/wallet/{TOKEN.segment}/x",
        f"/wallet/{TOKEN.segment[:-1]}0x",
        f"/wallet/{OTHERS.segment}",
        f"/wallet-2/{TOKEN.segment}",
        f"/wallet//{TOKEN.segment}",
        f"/wallet/{TOKEN.segment.upper()}",
    ],
)
@pytest.mark.parametrize(
    "changes",
    [{}, {"method": "GET", "body": b""}, {"media_type": "text/plain"}, {"length": 900_000}],
    ids=["callback", "get", "text", "large"],
)
async def test_path_that_is_not_sealed_is_answered_as_if_there_were_none(
    ingress: Ingress, path: str, changes: dict[str, Any]
) -> None:
    answer = await call(ingress.port, request(path, **changes))
    unknown = await call(ingress.port, request("/unknown", **changes))

    assert (answer.status, answer.body) == (404, UNKNOWN)
    assert list(answer.headers) == list(unknown.headers)
    del answer.headers["date"], unknown.headers["date"]
    assert answer == unknown


async def test_refused_seals_are_counted_apart(ingress: Ingress) -> None:
    codes = ("credentials_missing", "credentials_wrong")
    before = [ingress.refused(code, endpoint="wallet") for code in codes]

    await call(ingress.port, request("/wallet"))
    await call(ingress.port, request("/wallet/x"))

    after = [ingress.refused(code, endpoint="wallet") for code in codes]
    assert after == [count + 1 for count in before]


async def test_signature_alone_is_stored_with_an_empty_principal(ingress: Ingress) -> None:
    body = b'<?xml version="1.0" encoding="UTF-8"?>\r\n<a>\xc3\xa8' + secrets.token_bytes(8)

    answer = await call(
        ingress.port, request(SEND, body=body, key=None, media_type="text/xml; charset=utf-8")
    )

    headers = await headers_of(ingress, body, "srtp")
    assert (answer.status, answer.body) == (200, b"")
    assert headers["esito-principal"] == b""
    assert headers["content-type"] == b"text/xml; charset=utf-8"
    assert "esito-client-certificate" not in headers


async def test_headers_of_a_detached_signature_are_stored_as_they_came(ingress: Ingress) -> None:
    body, more = unique(), [("X-Request-ID", "a  b"), ("Idempotency-Key", "k"), ("X-Other", "o")]
    # Three certificates of 4 kB, PEM in base64.
    long_chain = ("X-SRTP-Signature-Certificate-Chain", "Y" * 20_000)

    answer = await call(
        ingress.port,
        request("/detached", body=body, key=None, fields=[*SIGNATURE[:2], long_chain, *more]),
    )

    headers = await headers_of(ingress, body, "srtp")
    kept = {name: value for name, value in headers.items() if name.startswith("http-")}
    assert answer.status == 200
    assert kept == {
        "http-x-srtp-signature": b"c2ln",
        "http-x-srtp-signature-certificate": b"Y2VydA==",
        "http-x-srtp-signature-certificate-chain": b"Y" * 20_000,
        "http-x-request-id": b"a  b",
        "http-idempotency-key": b"k",
    }


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/detached", SIGNATURE[:2], 403),
        ("/detached", SIGNATURE[1:], 403),
        ("/detached", [], 403),
        ("/detached", [*SIGNATURE, SIGNATURE[0]], 403),
        ("/detached", [*SIGNATURE, ("X-Request-ID", "1"), ("x-request-id", "1")], 403),
        ("/detached", [*SIGNATURE, ("Version", "1")], 400),
        ("/jws", [], 403),
        ("/jws", [("X-JWS-Signature", "a..b")], 403),
        (SEND, [("version", "")], 400),
        ("/edge", [], 403),
        ("/edge", [("X-Client-Certificate", "junk")], 403),
        ("/edge", [CERTIFICATE, CERTIFICATE], 403),
        ("/far-edge", [CERTIFICATE], 403),
        ("/far-edge", [CERTIFICATE, ("X-Forwarded-For", "192.0.2.1")], 403),
        ("/far-edge", [], 403),
        ("/both", [CERTIFICATE, ("X-API-Key", "wrong")], 403),
        ("/both", [("X-API-Key", API_KEY)], 403),
    ],
)
async def test_request_that_lacks_what_its_endpoint_asks_for_is_refused(
    ingress: Ingress, path: str, fields: list[tuple[str, str]], status: int
) -> None:
    answer = await call(ingress.port, request(path, key=None, fields=fields))

    assert is_epc(answer, status, path)


async def test_jws_header_of_the_endpoint_is_stored(ingress: Ingress) -> None:
    body = unique()

    await call(ingress.port, request("/jws", body=body, key=None, fields=[("X-My-JWS", "a..b")]))

    assert (await headers_of(ingress, body, "srtp"))["http-x-my-jws"] == b"a..b"


async def test_epc_error_is_the_same_for_every_cause_and_names_the_path_called(
    ingress: Ingress,
) -> None:
    answer = await call(ingress.port, request("/rtp/cb/v1/cancel?a=1", media_type="text/plain"))

    assert is_epc(answer, 415, "/rtp/cb/v1/cancel")


async def test_certificate_that_a_trusted_edge_hands_over_is_stored(ingress: Ingress) -> None:
    body = unique()

    answer = await call(ingress.port, request("/edge", body=body, key=None, fields=[CERTIFICATE]))

    headers = await headers_of(ingress, body, "srtp")
    stored = "".join(BANK.pem.decode().splitlines()[1:-1]).encode()
    assert answer.status == 200
    assert headers["esito-client-certificate"] == stored
    assert headers["esito-principal"] == f"client_certificate:{BANK.fingerprint}".encode()
    assert not any(name.startswith("http-x-client") for name in headers)


async def test_header_of_an_untrusted_address_is_counted(ingress: Ingress) -> None:
    before = ingress.refused("edge_untrusted", endpoint="far-edge")

    await call(ingress.port, request("/far-edge", key=None, fields=[CERTIFICATE]))
    await call(ingress.port, request("/far-edge", key=None))

    assert ingress.refused("edge_untrusted", endpoint="far-edge") == before + 1


async def test_two_credentials_are_both_named(ingress: Ingress) -> None:
    body = unique()

    await call(ingress.port, request("/both", body=body, fields=[CERTIFICATE]))

    headers = await headers_of(ingress, body, "srtp")
    expected = f"api_key:a client_certificate:{BANK.fingerprint}"
    assert headers["esito-principal"] == expected.encode()


async def test_certificates_are_counted_under_one_label(ingress: Ingress) -> None:
    await call(ingress.port, request("/edge", key=None, fields=[CERTIFICATE]))

    count = ingress.metric(
        "esito_ingress_credentials_total",
        endpoint="edge",
        credential="client_certificate",
        key_id="any",
    )
    assert count >= 1
    assert BANK.fingerprint not in ingress.managed("/metrics")[1]


async def test_log_tells_no_seal(ingress: Ingress) -> None:
    await call(ingress.port, request(f"/wallet/{TOKEN.segment}"))
    await call(ingress.port, request(f"/wallet-2/{TOKEN.segment}"))

    assert TOKEN.segment not in ingress.log_text()
