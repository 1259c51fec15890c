"""Make what an SRTP endpoint must not take, but for certificates and JWS."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from simulator.sign_detached import (
    CERTIFICATE,
    CHAIN,
    DIGEST,
    DIGESTS,
    SIGNATURE,
    Padding,
    sign_bytes,
    signature_headers,
)
from simulator.srtp.bodies import carrying, json_body
from simulator.srtp.messages import Message, Request, report
from tests.vectors.srtp.callbacks import (
    JSON,
    ORIGIN,
    by_jws,
    by_tls,
    by_xml,
    detached,
    detached_headers,
)
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import Files, Filled, request


def payloads(message: Message, original: Request) -> Files:
    """Return bodies that decode and mean nothing, by `code/name`."""

    def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
        envelope = json.loads(json_body(report(message, original, status="ACTC")))
        held = envelope["AsynchronousSepaRequestToPayResponse"]["Document"]
        change(held["CdtrPmtActvtnReqStsRpt"])
        return json.dumps(envelope).encode()

    def with_id(text: str) -> bytes:
        return changed(
            lambda told: (
                told["OrgnlGrpInfAndSts"].update(OrgnlMsgId=text),
                _transaction(told).pop("OrgnlInstrId"),
                _transaction(told).pop("OrgnlEndToEndId"),
            )
        )

    return {
        "payload_invalid/id-missing": changed(
            lambda told: told["OrgnlGrpInfAndSts"].pop("OrgnlMsgId")
        ),
        "payload_invalid/id-control-characters": with_id("abcd\u0007\u009b1m"),
        "payload_invalid/id-with-space": with_id("m9mf 2a64"),
        "payload_invalid/id-10-kb": with_id("m" * 10_240),
        "payload_invalid/message-id-missing": changed(lambda told: told["GrpHdr"].pop("MsgId")),
        "payload_invalid/status-a-number": changed(lambda told: _transaction(told).update(TxSts=1)),
        "payload_invalid/sender-missing": changed(lambda told: told["GrpHdr"].pop("InitgPty")),
        "document_unknown/empty-object": b"{}",
        "document_unknown/another-message": json.dumps(
            {"Document": {"CdtrPmtActvtnReq": {}}}
        ).encode(),
        "signer_mismatch/unknown-bic": changed(
            lambda told: told["GrpHdr"]["InitgPty"]["Id"]["OrgId"].update(AnyBIC="UNCRITMM")
        ),
    }


def all_of(good: bytes, signed: bytes) -> Files:
    """Return attacks by `verdict/code/name`; both bodies would be accepted, `signed` as XML."""
    rejected = {**_detached(good), **_signed_for_another_request(good), **_signed_otherwise(good)}
    rejected |= _oversized_xml(signed) | _other_base64(signed)
    return {
        **{f"rejected/{name}": text for name, text in rejected.items()},
        **{f"refused/{name}": text for name, text in _refused(good, signed).items()},
    }


def _oversized_xml(signed: bytes) -> Files:
    """Return documents that have more of something than any message."""
    end = b"</CdtrPmtActvtnReqStsRpt>"

    def with_part(part: bytes) -> bytes:
        return by_xml(signed.replace(end, part + end))

    attributes = b"".join(b' a%d=""' % number for number in range(17))
    return {
        "xml_too_deep/xml-nested-40-deep": with_part(b"<a>" * 40 + b"</a>" * 40),
        "xml_too_deep/xml-17-attributes": with_part(b"<a" + attributes + b"/>"),
        "xml_too_deep/xml-nested-300-deep": with_part(b"<a>" * 300 + b"</a>" * 300),
    }


def _other_base64(signed: bytes) -> Files:
    """Return envelopes whose base64 a lenient reader takes for that of the signed document."""
    text = b64encode(signed).decode()
    assert text.endswith("g==")  # whose last four bits are zero, and nobody's
    spellings = {
        "left-over-bits": text[:-3] + "h==",
        "line-feed": text[:76] + "\n" + text[76:],
        "without-padding": text[:-2],
    }
    return {
        f"encoding_invalid/xml-in-json-{name}": by_xml(carrying({"Document": one}), JSON)
        for name, one in spellings.items()
    }


def _detached(good: bytes) -> Files:
    fields = detached_headers(good)
    signature = fields[SIGNATURE]
    changed = {
        "signature_mismatch/signed-header-changed": {"X-Request-ID": "request-2"},
        "signature_mismatch/signed-header-added": {"Location": "x"},
        "signature_mismatch/media-type-changed": {"Content-Type": f"{JSON}; charset=utf-8"},
        "signature_mismatch/digest-downgraded": {DIGEST: "sha384"},
        "signature_mismatch/certificate-of-another": {
            CERTIFICATE: b64encode(identity("bank-b").der).decode()
        },
        "algorithm_forbidden/sha1": {DIGEST: "sha1"},
        "algorithm_forbidden/md5": {DIGEST: "md5"},
        "signature_malformed/junk": {SIGNATURE: signature + "!"},
        "signature_malformed/url-alphabet": {SIGNATURE: "-_" + signature[2:]},
        "certificate_malformed/junk": {CERTIFICATE: "AAAA"},
        "certificate_malformed/chain-junk": {CHAIN: "AAAA"},
    }
    without = {name: value for name, value in fields.items() if name != "X-Request-ID"}
    return {
        **{name: detached(good, {**fields, **other}) for name, other in changed.items()},
        "signature_mismatch/signed-header-removed": detached(good, without),
        "signature_mismatch/body-tampered": detached(good.replace(b"ACTC", b"ACCP"), fields),
        "signature_mismatch/body-re-serialised": detached(
            json.dumps(json.loads(good)).encode(), fields
        ),
        "signature_mismatch/body-and-a-line-feed": detached(good + b"\n", fields),
        "signature_mismatch/body-empty": detached(b"", fields),
    }


def _signed_for_another_request(good: bytes) -> Files:
    """Return requests whose signature is right for another URI or method."""
    sent = {"Content-Type": JSON, "X-Request-ID": "request-1"}

    def headers_for(uri: str, method: str = "POST") -> dict[str, str]:
        signed = signature_headers(
            identity("bank-a"), target_uri=uri, body=good, headers=sent, method=method
        )
        return {**sent, **signed}

    def signed_for(uri: str, method: str = "POST") -> bytes:
        return detached(good, headers_for(uri, method))

    path = "/detached/send"
    by_upper = headers_for(f"{ORIGIN}{path}?of=a%2Fb")
    return {
        "signature_mismatch/host-in-upper-case": signed_for("https://CALLBACKS.example.org" + path),
        "signature_mismatch/default-port": signed_for(f"{ORIGIN}:443{path}"),
        "signature_mismatch/plain-http": signed_for(ORIGIN.replace("https", "http") + path),
        "signature_mismatch/percent-encoded": signed_for(ORIGIN + "/detached/%73end"),
        "signature_mismatch/percent-encoding-in-lower-case": detached(
            good, by_upper, query="?of=a%2fb"
        ),
        "signature_mismatch/slash-at-the-end": signed_for(f"{ORIGIN}{path}/"),
        "signature_mismatch/query-added": detached(
            good, headers_for(ORIGIN + path), query="?again=1"
        ),
        "signature_mismatch/other-path": signed_for(ORIGIN + "/rtp/cb/v1/send"),
        "signature_mismatch/other-method": signed_for(ORIGIN + path, "PUT"),
    }


def _signed_otherwise(good: bytes) -> Files:
    """Return requests whose sender made the signed bytes of the same headers in another way."""
    fields = detached_headers(good)

    def signed_with(lines: list[str]) -> bytes:
        text = "\n".join(["POST", ORIGIN + "/detached/send", *lines]).encode() + b"\n" + good
        code = sign_bytes(identity("bank-a").key, text, DIGESTS["sha256"], Padding.PKCS1V15)
        return detached(good, {**fields, SIGNATURE: b64encode(code).decode()})

    media, request_id = f"content-type: {JSON}", "x-request-id: request-1"
    return {
        "signature_mismatch/header-order": signed_with([request_id, media]),
        "signature_mismatch/header-names-as-sent": signed_with(
            [f"Content-Type: {JSON}", "X-Request-ID: request-1"]
        ),
        "signature_mismatch/folded-header": signed_with([media, "x-request-id:\r\n request-1"]),
        "signature_mismatch/space-before-the-value": signed_with(
            [media, "x-request-id:  request-1"]
        ),
    }


def _refused(good: bytes, signed: bytes) -> Files:
    fields = detached_headers(good)
    twice = [(SIGNATURE, fields[SIGNATURE].encode())]
    certificate = b64encode(identity("bank-a-tls").der)
    from_elsewhere = request(
        endpoint="srtp-tls",
        received_at="2026-11-21T12:00:00.000000Z",
        target="/rtp/cb/v1/send",
        headers=[("Content-Type", JSON.encode()), ("X-Client-Certificate", certificate)],
        body=good,
    )
    return {
        "body_too_large/oversize": by_tls(good, filled=Filled(65_537)),
        "body_too_large/xml-text-of-10-mib": by_xml(
            signed, filled=Filled(10_485_760, "</TxSts>"), stored_anyway="body_too_large"
        ),
        "body_too_large/xml-text-of-2-mib": by_xml(
            signed, filled=Filled(2_097_152, "</TxSts>"), stored_anyway="xml_too_deep"
        ),
        "credentials_missing/certificate-beside-a-signature": detached(
            good, detached_headers(good, endpoint="srtp-both"), endpoint="srtp-both"
        ),
        "credentials_missing/without-jws": by_jws(good, ""),
        "header_forbidden/version": by_tls(good, more=[("Version", b"1")]),
        "credentials_ambiguous/signature-twice": detached(good, fields, more=twice),
        "credentials_ambiguous/certificate-twice": by_tls(
            good, more=[("X-Client-Certificate", certificate)]
        ),
        **{
            f"credentials_missing/without-{name.lower()}": detached(
                good, {one: value for one, value in fields.items() if one != name}
            )
            for name in (SIGNATURE, CERTIFICATE, CHAIN)
        },
        "edge_untrusted/from-elsewhere": from_elsewhere.replace(
            b"\nPOST", b"\n# peer: 192.0.2.7\nPOST", 1
        ),
    }


def _transaction(told: dict[str, Any]) -> dict[str, Any]:
    found: Any = told["OrgnlPmtInfAndSts"]
    payment = found[0] if isinstance(found, list) else found
    listed = payment["TxInfAndSts"]
    one: dict[str, Any] = listed[0] if isinstance(listed, list) else listed
    return one
