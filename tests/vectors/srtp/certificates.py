"""Make SRTP callbacks whose signature is right and whose certificate is not."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from simulator.pki import Identity
from simulator.sign_jws import sign_detached_jws
from simulator.sign_xml import sign_document
from tests.vectors.srtp import odd_pki
from tests.vectors.srtp.callbacks import by_jws, by_tls, by_xml, detached, detached_headers
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import Files

# Bank A in name, each wrong in its own way.
_BAD: Final = {
    "certificate_expired/expired": "bank-a-expired",
    "certificate_not_yet_valid/not-yet-valid": "bank-a-not-yet-valid",
    "certificate_profile_invalid/wrong-usage": "bank-a-wrong-usage",
    "certificate_revoked/revoked": "bank-a-revoked",
    "certificate_untrusted/other-root": "bank-a-other-root",
}
_ODD: Final[Mapping[str, tuple[str, ...]]] = {
    "certificate_untrusted": (
        "self-signed",
        "intermediate-missing",
        "root-of-the-same-name",
        "chain-of-another-root",
        "cross-signed-by-another-root",
        "signed-by-sha1",
        "key-of-1024-bits",
        "long-exponents",
    ),
    "certificate_chain_invalid": (
        "issued-by-a-bank",
        "ca-may-not-issue",
        "path-too-long",
        "unknown-critical-extension",
    ),
    "certificate_expired": ("expired-ca", "cross-signed-expired", "expired-though-pinned"),
    "certificate_not_yet_valid": ("not-yet-valid-ca",),
    "certificate_profile_invalid": ("a-ca",),
    "certificate_revoked": ("revoked-ca",),
    "signer_unknown": ("nobodys",),
    "signer_mismatch": ("of-another-bank",),
}


def rejected(good: bytes, document: bytes) -> Files:
    """Return attacks by `verdict/code/name`; both bodies would be accepted, as JSON and as XML."""
    found: Files = {}
    for name, signer in _BAD.items():
        found[f"{name}-tls"] = by_tls(good, caller=signer)
        for scheme, text in _in_each_scheme(good, document, identity(signer), "srtp-").items():
            found[f"{name}-{scheme}"] = text
    for code, cases in _ODD.items():
        for case in cases:
            signer_of_case = odd_pki.identity(case)
            texts = _in_each_scheme(good, document, signer_of_case, "srtp-odd-")
            for scheme, text in texts.items():
                found[f"{code}/{case}-{scheme}"] = text
    found["signer_mismatch/another-bank-tls"] = by_tls(good, caller="bank-b-tls")
    found["certificate_profile_invalid/server-certificate"] = by_tls(good, caller="server")
    found["certificate_malformed/signature-of-uneven-bits"] = _by_other_der(good)
    strict = detached_headers(good, endpoint="srtp-strict")
    found["certificate_status_unknown/no-list"] = detached(good, strict, endpoint="srtp-strict")
    return {f"rejected/{name}": text for name, text in {**found, **_two_schemes(good)}.items()}


def with_both(good: bytes, *, caller: str, signed: bool = True) -> bytes:
    """Return a request to the endpoint that demands a client certificate and a signature."""
    certificate = ("X-Client-Certificate", b64encode(identity(caller).der))
    fields = detached_headers(good, endpoint="srtp-both")
    if not signed:
        fields = {name: one for name, one in fields.items() if not name.startswith("X-SRTP")}
    return detached(good, fields, endpoint="srtp-both", more=[certificate])


def _two_schemes(good: bytes) -> Files:
    return {
        "signer_mismatch/call-of-one-bank-signature-of-another": with_both(
            good, caller="bank-b-tls"
        ),
        "signature_missing/certificate-without-signature": with_both(
            good, caller="bank-a-tls", signed=False
        ),
    }


def _by_other_der(good: bytes) -> bytes:
    """Return a call with a certificate that says of its signature that a last bit is none."""
    one = identity("bank-a-tls")
    signature = one.certificate.signature
    der = one.der.replace(b"\0" + signature, b"\1" + signature)
    sent, changed = (b64encode(each) for each in (one.der, der))
    return by_tls(good).replace(sent, changed)


def _in_each_scheme(good: bytes, document: bytes, signer: Identity, endpoint: str) -> Files:
    jws = sign_detached_jws(good, signer, algorithm="RS256")
    in_headers = detached_headers(good, signer=signer, endpoint=f"{endpoint}detached")
    return {
        "detached": detached(good, in_headers, endpoint=f"{endpoint}detached"),
        "jws": by_jws(good, jws, endpoint=f"{endpoint}jws"),
        "xml": by_xml(sign_document(document, signer), endpoint=f"{endpoint}xml"),
    }
