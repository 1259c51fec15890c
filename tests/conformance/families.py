"""Say which attack each rejected or refused vector is: first those of the issue, in its words.

`python -m tests.conformance.families` writes the table of tests/vectors/README.md anew.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from contracts.providers import provider_names
from tests.conformance.vector import VECTORS, Vector, vectors_of

README: Final[Path] = VECTORS / "README.md"
_BEGIN: Final = "<!-- python -m tests.conformance.families writes from here -->\n"
_END: Final = "<!-- to here -->\n"

# A vector belongs to the first family that has a pattern for it, `<provider>/<code>/<name>`.
OF_THE_ISSUE: Final[Mapping[str, tuple[str, ...]]] = {
    "XML: signature wrapping in the eight classic forms": ("*/xml-wrapping-[1-8]-*",),
    "XML: the root is the Signature": ("*/xml-root-is-signature",),
    "XML: detached Object": ("*/xml-detached-object",),
    "XML: duplicate Id": ("*/xml-duplicate-id", "*/xml-message-duplicate-id-*"),
    "XML: comment splits": ("*/xml-comment-*",),
    "XML: processing-instruction splits": ("*/xml-instruction-*",),
    "XML: namespace tricks": ("*/xml-*namespace*", "*/xml-foreign-ds"),
    "XML: transform substitution": ("*/xml-transform-*", "*/xml-message-transform"),
    "XML: canonicalisation swap": ("*/xml-c14n-*",),
    "XML: truncated HMAC": ("*/xml-hmac-*",),
    "XML: DigestValue or SignatureValue with junk": (
        "*/xml-digest-value-*",
        "*/xml-signature-value-*",
    ),
    "XML: second signature": ("*/xml-second-signature", "*/xml-message-two-signers"),
    "XML: unsigned sibling": ("*/xml-*sibling",),
    "XML: entity bombs": ("*/xml-entity-bomb*",),
    "XML: external DTD": ("*/xml-external-*",),
    "XML: XInclude": ("*/xml-xinclude",),
    "XML: UTF-7 and UTF-16 disguises": ("*/xml_invalid/xml-utf-*",),
    "XML: 10 MB text node": ("*/xml-text-of-*",),
    "JWT: none": ("*/none", "*/none-mixed-case", "*/jws-none*"),
    "JWT: HS256 with the public key": ("*/hs256-*", "*/jws-hs256"),
    "JWT: kid path and SQL tricks": ("*/kid-*",),
    "JWT: jku, x5u, jwk in the header": (
        "wallet/token_header_forbidden/j*",
        "wallet/token_header_forbidden/x5*",
        "srtp/token_header_forbidden/jws-j*",
        "srtp/token_header_forbidden/jws-x5u",
    ),
    "JWT: crit": ("*/token_header_forbidden/*crit*", "*/b64", "*/jws-b64-*"),
    "JWT: duplicate members": ("*/duplicate-member", "*/duplicate-claim", "*/jws-duplicate-*"),
    "JWT: ECDSA zero signature": (
        "*/ecdsa-zero",
        "*/ecdsa-?-zero",
        "*/ecdsa-of-the-order",
        "*/ecdsa-ones",
    ),
    "JWT: signature of wrong length": (
        "*/ecdsa-*",
        "*/rsa-short",
        "*/rsa-empty",
        "*/ed25519-short",
        "*/jws-short",
        "*/jws-without-signature",
    ),
    "JWT: base64 with junk": (
        "wallet/token_malformed/*junk*",
        "wallet/token_malformed/padding",
        "wallet/token_malformed/white-space",
        "wallet/token_malformed/line-feed-*",
        "wallet/token_malformed/left-over-bits",
        "wallet/token_malformed/not-ascii",
        "wallet/token_malformed/not-the-url-alphabet",
        "srtp/signature_malformed/jws-padding",
        "srtp/signature_malformed/jws-junk",
        "srtp/signature_malformed/jws-white-space",
    ),
    "JWT: nested": ("*/nested", "*/five-parts"),
    "JWT: expired": ("*/token_expired/*", "*/token_too_old/*"),
    "JWT: future": ("*/token_not_yet_valid/*",),
    "JWT: cross-tenant token": ("*/of-another-tenant", "*/of-another-endpoint"),
    "JWT: wrong aud": ("*/token_audience_wrong/*",),
    "JWT: wrong iss": ("*/token_issuer_unknown/*", "*/token_claim_missing/iss*"),
    "JWT: swapped template": ("*/swapped-template",),
    "Detached: header removed": (
        "*/signed-header-removed",
        "srtp/credentials_missing/*",
        "*/certificate-without-signature",
    ),
    "Detached: digest downgraded": ("*/digest-downgraded", "*/sha1", "*/md5"),
    "Detached: header order": ("*/header-order",),
    "Detached: folded header": ("*/folded-header", "*/space-before-the-value"),
    "Detached: percent-encoding differences in the URI": ("*/percent-enc*",),
    "Detached: host-case differences in the URI": ("*/host-in-upper-case",),
    "Detached: body re-serialised": ("srtp/*/*body-re-serialised",),
    "Detached: certificate of another provider": (
        "*/certificate-of-another",
        "*/jws-certificate-of-another",
        "*/jws-x5t-of-another",
        "*/xml-certificate-of-another-bank",
        "srtp/signer_mismatch/*another*",
    ),
    "Detached: chain of another root": (
        "*/other-root-*",
        "*/chain-of-another-root-*",
        "*/root-of-the-same-name-*",
    ),
    "Certificate: cross-signed": ("*/cross-signed-*",),
    "Certificate: wrong BIC": ("srtp/signer_mismatch/*",),
    "Certificate: cannot be read": ("*/certificate_malformed/*",),
    "Certificate: absent": ("*/certificate_missing/*",),
    "Certificate: no chain to a pinned root": ("*/certificate_untrusted/*",),
    "Certificate: a CA that may not issue so": ("*/certificate_chain_invalid/*",),
    "Certificate: not yet valid": ("*/certificate_not_yet_valid/*",),
    "Certificate: expired": ("*/certificate_expired/*",),
    "Certificate: wrong usage": ("*/certificate_profile_invalid/*",),
    "Certificate: revoked": ("*/certificate_revoked/*",),
    "Certificate: status unknown": ("*/certificate_status_unknown/*",),
    "Certificate: of nobody we know": ("*/signer_unknown/*",),
}
BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "XML: another part is signed": (
        "*/xml-reference-to-a-part",
        "*/xml-reference-[fnx]*",
        "*/xml-signature-below-content",
        "*/xml-signed-root-*",
        "*/xml-message-document-wrapped",
        "*/xml-message-signature-*",
        "*/xml-message-with*",
    ),
    "XML: changed after it was signed": (
        "*/xml-value-changed",
        "*/xml-*whitespace*",
        "*/xml-*-changed",
    ),
    "XML: a key of the attacker's": (
        "*/xml-key-*",
        "*/xml-serial-*",
        "*/xml-two-certificates-*",
        "*/xml-retrieval-method",
    ),
    "XML: weak or other algorithm": ("*/xml-digest-*", "*/xml-method-*", "*/xml-message-digest-*"),
    "XML: no signature, or another structure": (
        "*/xml-stripped",
        "*/xml-no-signature-value",
        "*/xml-reference-type",
        "*/xml-text-in-signed-info",
    ),
    "XML: not well-formed, or other text": ("*/xml_invalid/*",),
    "XML: too deep, too wide": ("*/xml_too_deep/*",),
    "Token or JWS changed after it was signed": (
        "wallet/signature_mismatch/*",
        "*/jws-body-*",
        "*/jws-algorithm-swapped",
        "*/jws-with-payload",
    ),
    "Token or JWS of another algorithm or type": (
        "wallet/algorithm_forbidden/*",
        "*/jws-of-another-key",
        "*/token_type_wrong/*",
        "*/without-alg",
    ),
    "Token whose form or claims cannot be": (
        "wallet/token_malformed/*",
        "*/token_claim_missing/*",
    ),
    "Token that names another key set": ("*/token_key_source_wrong/*",),
    "Signature header that is no base64": ("srtp/signature_malformed/*",),
    "Request changed after it was signed": ("srtp/signature_mismatch/*",),
    "HMAC or API key wrong or absent": (
        "pivot/credentials_*",
        "uaepass/credentials_*",
        "send/credentials_*",
    ),
    "Timestamp wrong or old": ("*/timestamp_*",),
    "Path that nobody was given": ("wallet/credentials_*", "*/path_token_mismatch/*"),
    "Credential twice": ("srtp/credentials_ambiguous/*",),
    "Header of the edge from elsewhere": ("*/edge_untrusted/*",),
    "Header that is not taken": ("*/header_forbidden/*",),
    "Body too large": ("*/body_too_large/*",),
    "JSON that is none, or read in two ways": ("*/encoding_invalid/*", "*/json_*"),
    "Payload without meaning, or with two": ("*/payload_*", "*/document_unknown/*"),
}
FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {**OF_THE_ISSUE, **BESIDE}


def family_of(vector: Vector) -> tuple[str, str]:
    """Return the attack that the vector is, and the pattern that says so; empty: none does."""
    provider, _, name = vector.name.split("/", 2)
    for family, patterns in FAMILIES.items():
        for pattern in patterns:
            if fnmatchcase(f"{provider}/{name}", pattern):
                return family, pattern
    return "", ""


def attacks() -> list[Vector]:
    """Return every rejected or refused vector of every provider."""
    found = [vector for provider in provider_names() for vector in vectors_of(provider)]
    return [vector for vector in found if vector.verdict != "accepted"]


def table(vectors: Iterable[Vector]) -> Iterator[str]:
    """Yield the lines of the README's table."""
    found: dict[str, list[Vector]] = {}
    for vector in vectors:
        found.setdefault(family_of(vector)[0], []).append(vector)
    for title, families in (("of the issue", OF_THE_ISSUE), ("beside those", BESIDE)):
        yield f"| Attack: {title} | Vectors | Count | Codes |\n|---|---|---:|---|\n"
        for family, patterns in families.items():
            listed = ", ".join(f"`{pattern}`" for pattern in patterns)
            counts = Counter(one.code for one in found[family])
            codes = ", ".join(f"`{code}` {count}" for code, count in counts.items())
            yield f"| {family} | {listed} | {len(found[family])} | {codes} |\n"
        yield "\n"


def with_table(text: str) -> str:
    """Return the README's text with the table as it must be."""
    head, _, rest = text.partition(_BEGIN)
    return head + _BEGIN + "\n" + "".join(table(attacks())) + _END + rest.partition(_END)[2]


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
