"""The registry: whose a certificate is, and in whose name it may speak."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from contracts.codes import RejectionCode
from contracts.errors import Broken, Rejected
from runtime.signature_configuration import IssuedCertificate, ServiceProvider
from tests.certificates import Issued, distinguished_name, issue, leaf, root
from workers.verifier.registry import Registry

ROOT = root()
BANK = issue(ROOT, "Bank A", serial=0xA1B2C3, organization_identifier="PSDIT-BI-12345")
ISSUER = "CN=Test Root,O=Example,C=IT"


def provider(
    name: str,
    *,
    organizations: tuple[str, ...] = (),
    issued: tuple[tuple[str, str], ...] = (),
    fingerprints: tuple[str, ...] = (),
    bics: tuple[str, ...] = ("UNCRITMM",),
    leis: tuple[str, ...] = (),
) -> ServiceProvider:
    return ServiceProvider(
        id=name,
        bics=bics,
        leis=leis,
        organization_identifiers=organizations,
        certificates=tuple(IssuedCertificate(issuer=by, serial=serial) for by, serial in issued),
        fingerprints=fingerprints,
    )


OTHER = provider("bank-b", organizations=("PSDIT-BI-99999",), issued=((ISSUER, "99"),))


def owner(*providers: ServiceProvider, of: Issued = BANK) -> str:
    return Registry(providers).owner_of(of.certificate).id


def nobody(*providers: ServiceProvider, of: Issued = BANK) -> RejectionCode:
    with pytest.raises(Rejected) as caught:
        owner(*providers, of=of)
    return caught.value.code


@pytest.mark.parametrize(
    "one",
    [
        provider("bank-a", organizations=("PSDIT-BI-12345",)),
        provider("bank-a", issued=((ISSUER, "A1B2C3"),)),
        provider("bank-a", issued=((ISSUER, "00A1B2C3"),)),
        provider("bank-a", issued=(("CN=TEST  root, O=example, C=it", "A1B2C3"),)),
        provider("bank-a", fingerprints=(BANK.fingerprint,)),
        provider("bank-a", organizations=("PSDIT-BI-12345",), fingerprints=(BANK.fingerprint,)),
    ],
)
def test_certificate_belongs_to_the_provider_that_names_it(one: ServiceProvider) -> None:
    assert owner(OTHER, one) == "bank-a"
    assert owner(one, OTHER) == "bank-a"


@pytest.mark.parametrize(
    "one",
    [
        provider("bank-a", organizations=("psdit-bi-12345",)),
        provider("bank-a", organizations=("PSDIT-BI-1234",)),
        provider("bank-a", issued=((ISSUER, "A1B2C4"),)),
        provider("bank-a", issued=(("CN=Other Root,O=Example,C=IT", "A1B2C3"),)),
        provider("bank-a", issued=(("C=IT,O=Example,CN=Test Root", "A1B2C3"),)),
        provider("bank-a", fingerprints=("ab" * 32,)),
    ],
)
def test_certificate_that_nobody_names_is_unknown(one: ServiceProvider) -> None:
    assert nobody(one, OTHER) is RejectionCode.SIGNER_UNKNOWN


def test_certificate_without_an_organization_identifier_is_unknown() -> None:
    named = provider("bank-a", organizations=("PSDIT-BI-12345",))

    assert nobody(named, of=leaf(ROOT, organization_identifier=None)) is (
        RejectionCode.SIGNER_UNKNOWN
    )


def test_certificate_that_two_providers_name_by_different_marks_is_nobodys() -> None:
    one = provider("bank-a", organizations=("PSDIT-BI-12345",))
    other = provider("bank-b", fingerprints=(BANK.fingerprint,))

    assert nobody(one, other) is RejectionCode.SIGNER_UNKNOWN


def test_certificate_with_two_organizations_is_nobodys_if_they_are_two_providers() -> None:
    """A CA that lets a bank add a second organizationIdentifier must not make it another bank."""
    both = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "PSDIT-BI-12345"),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "PSDIT-BI-99999"),
        ]
    )
    two = issue(ROOT, "Bank A", subject=both)
    one = provider("bank-a", organizations=("PSDIT-BI-12345",))

    assert owner(one, of=two) == "bank-a"
    assert nobody(one, OTHER, of=two) is RejectionCode.SIGNER_UNKNOWN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            provider("bank-a", organizations=("PSDIT-BI-12345",)),
            provider("bank-b", organizations=("PSDIT-BI-12345",)),
        ),
        (
            provider("bank-a", issued=((ISSUER, "A1B2C3"),)),
            provider("bank-b", issued=(("CN=test root, O=EXAMPLE, C=IT", "0A1B2C3"),)),
        ),
        (
            provider("bank-a", fingerprints=("ab" * 32,)),
            provider("bank-b", fingerprints=("ab" * 32,)),
        ),
    ],
)
def test_two_providers_that_claim_one_certificate_are_a_fault(
    one: ServiceProvider, other: ServiceProvider
) -> None:
    with pytest.raises(Broken, match="service_providers bank-a and bank-b claim one"):
        Registry([one, other])


def test_provider_may_name_its_certificate_twice() -> None:
    twice = provider("bank-a", fingerprints=(BANK.fingerprint, BANK.fingerprint))

    assert owner(twice) == "bank-a"


@pytest.mark.parametrize("text", ["", "  ", "Example CA", "CN=", "XY=Example", "CN=a,,O=b"])
def test_issuer_that_is_no_distinguished_name_is_a_fault(text: str) -> None:
    with pytest.raises(Broken, match="service_providers bank-a: issuer is"):
        Registry([provider("bank-a", issued=((text, "1"),))])


@pytest.mark.parametrize(
    "text",
    ["CN=A,organizationIdentifier=VATIT-1,C=IT", "CN=A, 2.5.4.97=VATIT-1, C=IT"],
)
def test_issuer_with_an_organization_identifier_may_be_written_either_way(text: str) -> None:
    issuer = issue(
        None,
        "A",
        subject=x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "IT"),
                x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "VATIT-1"),
                x509.NameAttribute(NameOID.COMMON_NAME, "A"),
            ]
        ),
    )
    bank = issue(issuer, "Bank", serial=7)

    assert owner(provider("bank-a", issued=((text, "7"),)), of=bank) == "bank-a"


def test_comma_within_a_name_stays_in_it() -> None:
    issuer = issue(None, "Root, and more")
    bank = issue(issuer, "Bank", serial=7)

    named = provider("bank-a", issued=((r"CN=Root\, and more,O=Example,C=IT", "7"),))

    assert issuer.certificate.subject == distinguished_name("Root, and more")
    assert owner(named, of=bank) == "bank-a"


def test_provider_speaks_for_its_bics_and_leis() -> None:
    one = provider(
        "bank-a",
        organizations=("PSDIT-BI-12345",),
        bics=("UNCRITMMXXX", "UNCRITMM123"),
        leis=("549300TRUWO2CD2G5692",),
    )
    registry = Registry([one])

    assert registry.speaks_for(one) == {"UNCRITMM", "UNCRITMM123", "549300TRUWO2CD2G5692"}
