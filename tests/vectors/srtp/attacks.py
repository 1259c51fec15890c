"""Make what an SRTP endpoint must not take: payloads, certificates, detached signatures, JWS."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from simulator.sign_detached import signature_headers
from simulator.sign_jws import encode_json, sign_detached_jws
from simulator.srtp_bodies import json_body
from simulator.srtp_messages import Message, Request, report
from tests.vectors.srtp.callbacks import (
    JSON,
    ORIGIN,
    by_jws,
    by_tls,
    detached,
    detached_headers,
)
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import Files, request

_SIGNATURE: Final = "X-SRTP-Signature"
_CERTIFICATE: Final = "X-SRTP-Signature-Certificate"
_CHAIN: Final = "X-SRTP-Signature-Certificate-Chain"
_DIGEST: Final = "X-SRTP-Signature-Algorithm-Digest"
# Bank A in name, each wrong in its own way.
_BAD: Final = {
    "certificate_expired/expired": "bank-a-expired",
    "certificate_not_yet_valid/not-yet-valid": "bank-a-not-yet-valid",
    "certificate_profile_invalid/wrong-usage": "bank-a-wrong-usage",
    "certificate_revoked/revoked": "bank-a-revoked",
    "certificate_untrusted/other-root": "bank-a-other-root",
}


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


def all_of(good: bytes) -> Files:
    """Return attacks by `verdict/code/name`; `good` is a body that would be accepted."""
    rejected = {**_certificates(good), **_detached(good), **_jws(good)}
    return {
        **{f"rejected/{name}": text for name, text in rejected.items()},
        **{f"refused/{name}": text for name, text in _refused(good).items()},
    }


def _certificates(good: bytes) -> Files:
    found = {
        f"{name}-detached": detached(good, detached_headers(good, signer=signer))
        for name, signer in _BAD.items()
    }
    found["signer_mismatch/another-bank-tls"] = by_tls(good, caller="bank-b-tls")
    found["certificate_profile_invalid/server-certificate"] = by_tls(good, caller="server")
    return found


def _detached(good: bytes) -> Files:
    fields = detached_headers(good)
    signature = fields[_SIGNATURE]
    changed = {
        "signature_mismatch/signed-header-changed": {"X-Request-ID": "request-2"},
        "signature_mismatch/signed-header-added": {"Location": "x"},
        "signature_mismatch/media-type-changed": {"Content-Type": f"{JSON}; charset=utf-8"},
        "signature_mismatch/digest-downgraded": {_DIGEST: "sha384"},
        "signature_mismatch/certificate-of-another": {
            _CERTIFICATE: b64encode(identity("bank-b").der).decode()
        },
        "algorithm_forbidden/sha1": {_DIGEST: "sha1"},
        "algorithm_forbidden/md5": {_DIGEST: "md5"},
        "signature_malformed/junk": {_SIGNATURE: signature + "!"},
        "signature_malformed/url-alphabet": {_SIGNATURE: "-_" + signature[2:]},
        "certificate_malformed/junk": {_CERTIFICATE: "AAAA"},
        "certificate_malformed/chain-junk": {_CHAIN: "AAAA"},
    }
    without = {name: value for name, value in fields.items() if name != "X-Request-ID"}
    return {
        **{name: detached(good, {**fields, **other}) for name, other in changed.items()},
        **_signed_for_another_request(good),
        "signature_mismatch/signed-header-removed": detached(good, without),
        "signature_mismatch/body-tampered": detached(good.replace(b"ACTC", b"ACCP"), fields),
        "signature_mismatch/body-re-serialised": detached(
            json.dumps(json.loads(good)).encode(), fields
        ),
    }


def _signed_for_another_request(good: bytes) -> Files:
    """Return requests whose signature is right for another URI or method."""
    sent = {"Content-Type": JSON, "X-Request-ID": "request-1"}

    def signed_for(uri: str, method: str = "POST") -> bytes:
        signed = signature_headers(
            identity("bank-a"), target_uri=uri, body=good, headers=sent, method=method
        )
        return detached(good, {**sent, **signed})

    return {
        "signature_mismatch/host-in-upper-case": signed_for(
            "https://CALLBACKS.example.org/detached/send"
        ),
        "signature_mismatch/percent-encoded": signed_for(ORIGIN + "/detached/%73end"),
        "signature_mismatch/other-path": signed_for(ORIGIN + "/rtp/cb/v1/send"),
        "signature_mismatch/other-method": signed_for(ORIGIN + "/detached/send", "PUT"),
    }


def _jws(good: bytes) -> Files:
    signature = sign_detached_jws(good, identity("bank-a"), algorithm="RS256")
    protected, _, code = signature.split(".")
    encoded = sign_detached_jws(good, identity("bank-a"), algorithm="RS256", header={"b64": True})
    none = encode_json({"alg": "none", "b64": False, "crit": ["b64"]})
    hmac = encode_json({"alg": "HS256", "b64": False, "crit": ["b64"]})
    found = {
        "signature_mismatch/jws-body-tampered": (good.replace(b"ACTC", b"ACCP"), signature),
        "signature_malformed/jws-with-payload": (good, f"{protected}.e30.{code}"),
        "signature_malformed/jws-b64-true": (good, encoded),
        "signature_malformed/jws-padding": (good, signature + "="),
        "algorithm_forbidden/jws-none": (good, f"{none}..{code}"),
        "algorithm_forbidden/jws-hs256": (good, f"{hmac}..{code}"),
        "certificate_expired/jws-expired": (
            good,
            sign_detached_jws(good, identity("bank-a-expired"), algorithm="RS256"),
        ),
    }
    return {name: by_jws(body, value) for name, (body, value) in found.items()}


def _refused(good: bytes) -> Files:
    fields = detached_headers(good)
    twice = [(_SIGNATURE, fields[_SIGNATURE].encode())]
    certificate = b64encode(identity("bank-a-tls").der)
    from_elsewhere = request(
        endpoint="srtp-tls",
        received_at="2026-11-21T12:00:00.000000Z",
        target="/rtp/cb/v1/send",
        headers=[("Content-Type", JSON.encode()), ("X-Client-Certificate", certificate)],
        body=good,
    )
    return {
        "body_too_large/oversize": by_tls(good, filled_to=65_537),
        "header_forbidden/version": by_tls(good, more=[("Version", b"1")]),
        "credentials_ambiguous/signature-twice": detached(good, fields, more=twice),
        "credentials_ambiguous/certificate-twice": by_tls(
            good, more=[("X-Client-Certificate", certificate)]
        ),
        **{
            f"credentials_missing/without-{name.lower()}": detached(
                good, {one: value for one, value in fields.items() if one != name}
            )
            for name in (_SIGNATURE, _CERTIFICATE, _CHAIN)
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
