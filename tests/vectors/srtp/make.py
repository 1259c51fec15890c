"""Make SRTP's vectors: `python -m tests.vectors.srtp.make`. PROVENANCE.md says from what."""

import hashlib
import random
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from simulator.pki import Identity
from simulator.sign_xml import business_message, sign_business_message, sign_document
from simulator.srtp.bodies import Envelope, cancellation_body, carrying, json_body, xml_document
from simulator.srtp.messages import (
    Message,
    Request,
    cancellation,
    new_message,
    new_request,
    report,
    written,
)
from tests.vectors.srtp import attacks, certificates, jws_attacks, odd_pki
from tests.vectors.srtp.callbacks import (
    RECEIVED,
    XML,
    by_jws,
    by_tls,
    by_xml,
    detached,
    detached_headers,
)
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import UNREADABLE, Files, expected, write

DIRECTORY: Final = Path(__file__).parent
_RNG: Final = random.Random("srtp vectors")  # noqa: S311 - invented people, no secrets
REQUEST: Final = new_request(_RNG)
MESSAGE: Final = new_message(_RNG)
_XMLDSIG: Final = ("xmldsig", "rsa-sha256")
_ENDPOINTS: Final[Mapping[str, str]] = {
    "client_certificate": "srtp-tls",
    "xmldsig": "srtp-xml",
    "detached_jws": "srtp-jws",
    "detached_signature": "srtp-detached",
}
# Status, reason, and who refused, of each data set that we have read of.
SAID: Final[Mapping[str, tuple[str | None, str | None]]] = {
    "ds05-accepted-by-the-payers-provider": ("ACTC", None),
    "ds08p-accepted-by-the-payer": ("ACCP", None),
    "ds08p-accepted-with-change": ("ACWC", None),
    "settled": ("ACSC", None),
    "ds16-shown-to-the-payer": (None, "ALAC"),
    "ds16-expired": (None, "AEXR"),
    "unknown-status": ("QQQQ", None),
}


def main() -> None:
    """Write every vector beside this file."""
    write(DIRECTORY, vectors())


def vectors() -> Files:
    """Return every made vector by its path below this folder."""
    files: Files = {}
    for name, (status, reason) in SAID.items():
        body = json_body(report(MESSAGE, REQUEST, status=status, reason=reason))
        _accept(files, f"tls-{name}", by_tls(body), body, _statement(status or str(reason), reason))
    _cancellations(files)
    _carriers(files)
    _digests(files)
    good = json_body(report(MESSAGE, REQUEST, status="ACTC"))
    for name, body in {**UNREADABLE, **attacks.payloads(MESSAGE, REQUEST)}.items():
        files[f"rejected/{name}.http"] = by_tls(body)
    document = xml_document(report(MESSAGE, REQUEST, status="ACTC"))
    for name, text in {
        **certificates.rejected(good, document),
        **jws_attacks.rejected(good),
        **attacks.all_of(good, sign_document(document, identity("bank-a"))),
    }.items():
        files[f"{name}.http"] = text
    return files


def _cancellations(files: Files) -> None:
    for confirmation in ("CNCL", "RJCR"):
        body = cancellation_body(cancellation(MESSAGE, REQUEST, confirmation=confirmation))
        text = by_tls(body, target="/rtp/cb/v1/cancel")
        name = f"tls-camt029-{confirmation.lower()}"
        _accept(files, name, text, body, _cancelled(confirmation))


def _carriers(files: Files) -> None:
    """Add one signed answer in each carrier and scheme."""
    told, actc = report(MESSAGE, REQUEST, status="ACTC"), _statement("ACTC", None)
    # A list of one and one are the same in XML.
    as_xml = {**actc, "findings": []}
    direct = json_body(told, Envelope.DIRECT)
    _accept(files, "tls-json-direct", by_tls(direct), direct, actc)
    for version in ("07", "08", "10"):
        document = xml_document(told, version)
        name = f"xml-{version}"
        _accept(files, f"tls-{name}", by_tls(document, media_type=XML), document, as_xml)
        signed = sign_document(document, identity("bank-a"))
        _accept(files, f"xmldsig-{name}", by_xml(signed), signed, as_xml, by=_XMLDSIG)
    signed = sign_document(xml_document(told), identity("bank-a"))
    for name, text in {"plain": signed.decode(), "base64": b64encode(signed).decode()}.items():
        body = carrying({"Document": text})
        vector = by_xml(body, "application/json")
        _accept(files, f"xmldsig-in-json-{name}", vector, body, as_xml, by=_XMLDSIG)
    message = business_message(
        xml_document(told),
        sender="ESTAITMM",
        receiver="ESTCITMM",
        identifier=MESSAGE.id,
        created=written(MESSAGE.created),
        definition="pain.014.001.07",
    )
    body = sign_business_message(message, identity("bank-a"))
    _accept(files, "xmldsig-business-message", by_xml(body), body, as_xml, by=_XMLDSIG)
    body = json_body(told)
    _accept(files, "jws-json", by_jws(body), body, actc, by=("detached_jws", "RS256"))


def _digests(files: Files) -> None:
    body, actc = json_body(report(MESSAGE, REQUEST, status="ACTC")), _statement("ACTC", None)
    for digest in ("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"):
        text = detached(body, detached_headers(body, digest=digest))
        proof = ("detached_signature", f"rsa-pkcs1v15-{digest}")
        _accept(files, f"detached-{digest}", text, body, actc, by=proof)
    headers = detached_headers(body)
    del headers["X-SRTP-Signature-Algorithm-Digest"]
    text = detached(body, headers)
    proof = ("detached_signature", "rsa-pkcs1v15-sha256")
    _accept(files, "detached-digest-not-named", text, body, actc, by=proof)
    more = [("Accept", b"*/*"), ("X-Forwarded-For", b"192.0.2.1")]
    text = detached(body, detached_headers(body), more=more)
    _accept(files, "detached-beside-other-headers", text, body, actc, by=proof)
    text = detached(body, dict(reversed(detached_headers(body).items())))
    _accept(files, "detached-headers-in-another-order", text, body, actc, by=proof)
    for case in ("sound", "cross-signed"):
        signer = odd_pki.identity(case)
        endpoint = "srtp-odd-detached"
        headers = detached_headers(body, signer=signer, endpoint=endpoint)
        text = detached(body, headers, endpoint=endpoint)
        name = f"detached-{case}-chain"
        _accept(files, name, text, body, actc, by=proof, signer=signer, endpoint=endpoint)
    text = certificates.with_both(body, caller="bank-a-tls")
    name = "detached-and-client-certificate"
    _accept(files, name, text, body, actc, by=proof, endpoint="srtp-both")


def _accept(
    files: Files,
    name: str,
    text: bytes,
    body: bytes,
    statement: dict[str, Any],
    *,
    by: tuple[str, str] = ("client_certificate", "tls"),
    signer: Identity | None = None,
    endpoint: str = "",
) -> None:
    scheme, algorithm = by
    tls = scheme == "client_certificate"
    certificate = signer or identity("bank-a-tls" if tls else "bank-a")
    beside = ["client_certificate"] if endpoint == "srtp-both" else []
    files[f"accepted/{name}.http"] = text
    files[f"accepted/{name}.expected.json"] = expected(
        [statement, _witness(body)],
        provider="srtp",
        endpoint=endpoint or _ENDPOINTS[scheme],
        received_at=RECEIVED,
        body=body,
        proof={
            "scheme": scheme,
            "algorithm": algorithm,
            "key_id": certificate.fingerprint,
            "signer": "bank-a",
            **({"beside": beside} if beside else {}),
        },
    )


def _witness(body: bytes) -> dict[str, Any]:
    used = hashlib.sha256(f"ESTAITMM\n{MESSAGE.id}".encode()).hexdigest()
    return {
        "transaction_id": f"witness:message:{used}",
        "mark": hashlib.sha256(body).hexdigest(),
    }


def _statement(status: str, reason: str | None) -> dict[str, Any]:
    return {
        "transaction_id": REQUEST.id,
        "native_status": status,
        "reason": {"code": reason} if reason else {},
        "amount": {"value": _amount(REQUEST), "currency": "EUR"},
        "occurred_at": written(MESSAGE.created),
        "references": {
            "message_id": MESSAGE.id,
            "sender": "ESTAITMM",
            "original_message": "pain.013.001.07",
            "instruction_id": REQUEST.id,
            "end_to_end_id": REQUEST.notice,
            "status_id": MESSAGE.id,
        },
        "findings": [
            {"code": code, "where": f"CdtrPmtActvtnReqStsRpt.{where}"}
            for code, where in _findings(status)
        ],
    }


def _findings(status: str) -> list[tuple[str, str]]:
    """Return how the simulator's JSON departs from the profile: lists where one object is due."""
    transaction = "OrgnlPmtInfAndSts.TxInfAndSts"
    match status:
        case "ACTC":
            return [("many_for_one", transaction)]
        case "ACCP" | "ACWC":
            return [("many_for_one", "OrgnlPmtInfAndSts")]
        case "ACSC" | "QQQQ":
            return [
                ("many_for_one", "OrgnlPmtInfAndSts"),
                ("code_unknown", f"{transaction}.TxSts"),
                ("missing", f"{transaction}.DbtrDcsnDtTm"),
            ]
        case _:
            return []


def _cancelled(confirmation: str) -> dict[str, Any]:
    details = "RsltnOfInvstgtn.CxlDtls.TxInfAndSts"
    departs = [
        {"code": "many_for_one", "where": details},
        {"code": "missing", "where": f"{details}.CxlStsRsnInf.Rsn"},
    ]
    found = departs if confirmation == "RJCR" else []
    return {**_statement(confirmation, None), "findings": found}


def _amount(request: Request) -> str:
    return f"{request.cents // 100}.{request.cents % 100:02}"


def of(message: Message) -> bytes:
    """Return the body of an ACTC of another message."""
    return json_body(report(message, REQUEST, status="ACTC"))


if __name__ == "__main__":
    main()
