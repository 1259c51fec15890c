"""What a stranger's certificates may cost before they are refused."""

from time import process_time

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from contracts.codes import RejectionCode as Code
from contracts.errors import Rejected
from tests.certificates import (
    Issued,
    checked,
    issue,
    leaf,
    long_exponents,
    refusal,
    revocation_list,
    root,
    trust,
)
from workers.verifier.certificates import NAME_PARTS_MAX, read_certificate
from workers.verifier.revocation import read_list

# A twentieth of it is needed; of the processor's time, which a busy machine does not lengthen much.
SECONDS_MAX = 0.1
ROOT = root()


def test_ca_with_an_exponent_as_long_as_its_modulus_is_untrusted() -> None:
    (slow,) = long_exponents(ROOT, "Slow CA", 1)

    assert refusal(leaf(slow), slow) is Code.CERTIFICATE_UNTRUSTED


def test_chain_of_long_exponents_is_refused_before_any_of_them_is_used() -> None:
    """As many as fit into one header; each of the 32 signatures would cost 8 ms."""
    chain = long_exponents(root("Foreign Root"), "Slow CA", 9)
    bank, by = leaf(chain[0]), trust(ROOT)

    began = process_time()
    code = refusal(bank, *chain, by=by)
    seconds = process_time() - began

    assert code is Code.CERTIFICATE_UNTRUSTED
    assert seconds < SECONDS_MAX


def test_signature_of_a_revocation_list_is_checked_once() -> None:
    """A stranger may send a bank's certificate with ever new ones beside it."""
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(20_000_000))
    crl = revocation_list(ROOT, extensions=[(padding, False)])
    bank, by = leaf(ROOT), trust(ROOT, lists=[crl])
    strangers = [root(f"Foreign Root {number}") for number in range(20)]

    began = process_time()
    assert read_list(crl).signed_by(ROOT.certificate)
    seconds_once = process_time() - began
    began = process_time()
    for stranger in strangers:
        checked(bank, stranger, by=by)

    assert process_time() - began < 5 * seconds_once


def _of_parts(count: int) -> Issued:
    part = x509.NameAttribute(NameOID.SURNAME, "a")
    return issue(None, "Bank A", subject=x509.Name([part] * count))


def test_name_of_too_many_parts_is_malformed() -> None:
    """Names are compared part by part, each with each of a chain."""
    longest, too_long = _of_parts(NAME_PARTS_MAX), _of_parts(NAME_PARTS_MAX + 1)

    assert read_certificate(longest.der) == longest.certificate
    with pytest.raises(Rejected) as caught:
        read_certificate(too_long.der)

    assert caught.value.code is Code.CERTIFICATE_MALFORMED
