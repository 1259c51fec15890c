"""Target the translations: members that somebody vouches for → statements, or a rejection."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from contracts.iso20022.envelope import NAMESPACES
from contracts.json_object import read_json
from contracts.payload import rules_broken
from contracts.provider import Form, Provider, SignedFields
from contracts.providers import provider_named, provider_names
from tests.fuzz.target import Target, rejections
from tests.fuzz.targets.documents import JSON_TOKENS
from tests.fuzz.targets.vectors import as_signed, bodies, callbacks
from tests.srtp_messages import DATA_SETS, SHAPES
from tests.wallet_callbacks import digest_of, issuance, token, verification
from workers.verifier.carrier import unverified_document

TRANSACTION: Final = "1f" * 16
TOKENS: Final = {
    "pivot": (
        b'"PAYMENT.PAID"',
        b'"charges":[',
        b'"amount":',
        b'"payment_session":',
        b'"currency":',
    ),
    "uaepass": (b'"status":"ACCEPTED"', b'"uaepassTransactionId":', b'"id":', b'"Status":'),
    "srtp": (
        *(
            b'"TxSts":"ACCP"',
            b'"TxInfAndSts":[',
            b'"OrgnlPmtInfAndSts":',
            b'"Document":',
            b'"#text":',
        ),
        *(b'"StsRsnInf":', b'"InstdAmt":{"@Ccy":"EUR"', b'"AnyBIC":', b'"Conf":"CNCL"', b"[[]]"),
    ),
    "wallet": (
        *(b'"tokens":{"1":', b'"status":"COMPLETED"', b'"template_id":', b'"completed":true'),
        *(b'"state":"', b'"code":"', b'"interaction":"issuance"', b'"templates":[', b'"token":"'),
    ),
}


def targets() -> tuple[Target, ...]:
    """Return a target for each provider."""
    return tuple(
        Target(
            f"translate-{name}",
            f"the members of a payload → statements (contracts/providers/{name}.py)",
            partial(_payloads, name),
            partial(_translate, name),
            (*JSON_TOKENS, *TOKENS.get(name, ())),
        )
        for name in provider_names()
    )


def _payloads(name: str) -> Iterator[bytes]:
    if name == "srtp":
        for message in DATA_SETS.values():
            yield from (json.dumps(shape(message)).encode() for shape in SHAPES)
    if name == "wallet":
        yield json.dumps(verification(t1="COMPLETED", t2="FAILED")).encode()
        yield json.dumps(issuance()).encode()
        registration = {"state": "s", "code": "c", "templates": [1, "2"], "verification_ids": ["v"]}
        yield json.dumps({"transaction_id": TRANSACTION, **registration}).encode()
    yield from bodies(name)


def _translate(name: str, data: bytes) -> None:
    provider = provider_named(name)
    members = read_json(data)
    namespaces = ("", *NAMESPACES) if provider.document else ("",)
    for namespace in namespaces:
        with rejections():
            _told(provider, _fields(provider, members, data, namespace))
    if provider.terms:
        with rejections():
            provider.terms(_fields(provider, members, data, ""))
    if provider.document:
        callback = callbacks(name)[0]
        unverified_document(as_signed(data, callback).callback, provider.document)
        provider.document(members)


def _told(provider: Provider, fields: SignedFields) -> None:
    if provider.speaker:
        with rejections():
            provider.speaker(fields)
    try:
        statements = provider.translate(fields)
    except ValidationError as error:
        rules_broken(
            error
        )  # as verify takes it: what a statement cannot hold is the payload's fault
        return
    for one in statements:
        one.model_dump_json().encode()


def _fields(
    provider: Provider, members: Mapping[str, Any], data: bytes, namespace: str
) -> SignedFields:
    found: Mapping[str, str] = {}
    if provider.tokens:
        with rejections():
            found = provider.tokens(members)
    if provider.path_state:
        with rejections():
            provider.path_state(members)
    form = Form.XML if namespace else Form.JSON
    return SignedFields(
        members,
        as_signed(data, callbacks(provider.name)[0], form),
        namespace,
        tokens={name: token(f"v-{name}", text=text) for name, text in found.items()},
        transaction_id=TRANSACTION,
        digest=partial(digest_of, TRANSACTION),
    )
