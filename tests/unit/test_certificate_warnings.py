"""What the library warns of in a certificate is said to nobody: what is odd is read, or refused.

Every warning is an error in these tests (pyproject.toml), so one that gets out fails them.
"""

import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contracts.errors import Rejected
from runtime.signature_configuration import Certificates
from tests.certificates import ISSUING, Issued, issue, load_trust, revocation_list
from tests.updates import NOON
from workers.verifier.certificates import Trust, check_certificate, read_certificate, read_chain
from workers.verifier.issuer_certificate import issuer_key, read_certificates, subject_of

WARNING = "Attribute's length must be >= 2 and <= 2, but it was 3"


@pytest.fixture(scope="module")
def authority() -> Issued:
    """Return a CA in a country of three letters: the library reads its name, and warns."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        country = x509.NameAttribute(NameOID.COUNTRY_NAME, "ITA", _validate=False)
        name = x509.Name([country, x509.NameAttribute(NameOID.COMMON_NAME, "Odd CA")])
        made = issue(None, "Odd CA", subject=name, ca=True, key_usage=ISSUING)
    assert WARNING in {str(one.message) for one in warned}
    return made


@pytest.fixture(scope="module")
def bank(authority: Issued) -> Issued:
    return issued_by(authority, "Bank A")


@pytest.fixture(scope="module")
def trust(authority: Issued, bank: Issued, tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Return the Trust in the authority, and in its list that revokes the bank, from files."""
    folder = tmp_path_factory.mktemp("trust")
    (folder / "root.pem").write_bytes(authority.pem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        crl = revocation_list(authority, bank)
    (folder / "ca.crl").write_bytes(crl.public_bytes(Encoding.DER))
    return load_trust(
        Certificates(root_files=(folder / "root.pem",), crl_files=(folder / "ca.crl",))
    )


def issued_by(authority: Issued, key: str) -> Issued:
    """Return a certificate with the authority's own odd name, and a key of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return issue(authority, key, subject=authority.certificate.subject)


def test_the_library_still_warns_of_such_a_name(bank: Issued) -> None:
    with pytest.warns(UserWarning, match="length must be"):
        assert x509.load_der_x509_certificate(bank.der).subject


def test_odd_name_in_what_a_caller_sends_is_read_in_silence(
    authority: Issued, trust: Trust
) -> None:
    other = issued_by(authority, "Bank B")

    for leaf in (read_certificate(other.der), read_certificate(other.pem), *read_chain(other.pem)):
        assert check_certificate(leaf, (), trust, at=NOON) == other.fingerprint


def test_odd_name_in_the_certificate_of_a_credential_issuer_is_read_in_silence(
    authority: Issued, trust: Trust
) -> None:
    other = issued_by(authority, "Issuer")

    (leaf,) = read_certificates([other.der])

    assert issuer_key([leaf], trust, at=NOON) == other.key.public_key()
    assert subject_of(leaf) == "CN=Odd CA,C=ITA"


def test_odd_name_in_a_revocation_list_is_read_in_silence(bank: Issued, trust: Trust) -> None:
    with pytest.raises(Rejected, match="certificate_revoked"):
        check_certificate(read_certificate(bank.der), (), trust, at=NOON)
