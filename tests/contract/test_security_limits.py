"""The table of limits in SECURITY.md has the numbers of the code."""

import pytest

from contracts.iso20022.profile import FINDINGS_MAX
from contracts.iso20022.telling import TRANSACTIONS_MAX
from contracts.json_object import BODY_BYTES_MAX, DEPTH_MAX
from contracts.needs import CONTENT_BYTES_MAX, CONTENTS_BYTES_MAX
from contracts.wallet_payload import TEMPLATES_MAX
from ops.generate import ROOT
from runtime.http_server import HEAD_BYTES_MAX
from workers.poller.remote import PAGE_BYTES_MAX
from workers.state_machine.settle import HELD_UPDATES_MAX
from workers.verifier import pades, xml_document
from workers.verifier.address_http import ANSWER_BYTES_MAX
from workers.verifier.certificate_paths import CERTIFICATES_MAX, SIGNATURE_CHECKS_MAX
from workers.verifier.certificates import CERTIFICATE_BYTES_MAX, CHAIN_BYTES_MAX, NAME_PARTS_MAX
from workers.verifier.jwk import JWKS_BYTES_MAX
from workers.verifier.jwks_fetch import FETCH_SECONDS_MAX
from workers.verifier.jws import HEADER_BYTES_MAX, JWS_BYTES_MAX
from workers.verifier.presentation_policy import PRESENTATION_CHARACTERS_MAX
from workers.verifier.presentations import PRESENTATIONS_MAX
from workers.verifier.rsa_keys import (
    RSA_BITS_MAX,
    RSA_BITS_MIN,
    RSA_EXPONENT_MAX,
    RSA_EXPONENT_MIN,
)
from workers.verifier.sd_jwt_disclosures import DISCLOSURES_MAX


def size(count: int) -> str:
    """Return a number of bytes as the table writes it."""
    kibibytes = count // 1_024
    return f"{kibibytes} KiB" if kibibytes < 1_024 else f"{kibibytes // 1_024} MiB"


# What the cell must have; the rows that are not here are of the configuration, whose defaults are
# in docs/CONFIGURATION.md, or of constants that are nobody else's.
NUMBERS = {
    "body": [size(BODY_BYTES_MAX)],
    "request head; one header field": [size(HEAD_BYTES_MAX)],
    "certificate; chain": [
        f"{size(CERTIFICATE_BYTES_MAX)}; {size(CHAIN_BYTES_MAX)} and {CERTIFICATES_MAX} ",
    ],
    "RSA key; its exponent; parts of a name": [
        f"{RSA_BITS_MIN:,} to {RSA_BITS_MAX:,} bits; {RSA_EXPONENT_MIN:,} to ",
        f" {RSA_EXPONENT_MAX.bit_length()} bits; {NAME_PARTS_MAX}",
    ],
    "chains tried for one certificate": [f"{SIGNATURE_CHECKS_MAX} signature checks"],
    "XML document": [
        f"{xml_document.DEPTH_MAX} levels",
        f"{xml_document.ELEMENTS_MAX:,} elements",
        f"{xml_document.ATTRIBUTES_MAX} attributes",
        f"{xml_document.NAMESPACES_MAX:,} namespaces",
        f"{size(xml_document.TEXT_CHARACTERS_MAX)} of one text",
    ],
    "transactions of one message; findings": [f"{TRANSACTIONS_MAX}; {FINDINGS_MAX}"],
    "JSON": [f"{DEPTH_MAX} levels"],
    "token; its header": [f"{size(JWS_BYTES_MAX)}; {size(HEADER_BYTES_MAX)}"],
    "presentations of a token; one of them; its disclosures": [
        f"{PRESENTATIONS_MAX}; {size(PRESENTATION_CHARACTERS_MAX)}; {DISCLOSURES_MAX}"
    ],
    "templates of one interaction": [str(TEMPLATES_MAX)],
    "key set": [f"{size(JWKS_BYTES_MAX)}, {FETCH_SECONDS_MAX} seconds"],
    "PDF: pages; objects; signatures; revisions": [
        f"{pades.SIGNATURES_MAX}; {pades.REVISIONS_MAX}"
    ],
    "F24 metadata; of one request": [f"{size(CONTENT_BYTES_MAX)}; {size(CONTENTS_BYTES_MAX)}"],
    "answer of the registry of addresses": [size(ANSWER_BYTES_MAX)],
    "page of a remote stream": [size(PAGE_BYTES_MAX)],
    "elements of one notification that are held": [str(HELD_UPDATES_MAX)],
}


def _rows() -> dict[str, str]:
    limits = (ROOT / "SECURITY.md").read_text().partition("\n## Limits\n")[2].partition("\n## ")[0]
    rows = (line.strip("| ").split(" | ") for line in limits.splitlines() if line.startswith("| "))
    return dict(rows)


@pytest.mark.parametrize("what", NUMBERS)
def test_limit_in_the_document_is_that_of_the_code(what: str) -> None:
    said = _rows()[what]

    assert [number for number in NUMBERS[what] if number not in said] == []
