"""Say which service provider a certificate belongs to, and in whose name it may speak. Pure.

A trusted certificate proves that a CA knows its holder; only the registry says that this holder is
the bank which the message names. A certificate is somebody's by its fingerprint, by its issuer and
serial number, or by the organizationIdentifier in its subject (ETSI EN 319 412-1 §5.1.4).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from contracts.codes import RejectionCode
from contracts.errors import Broken, Rejected
from contracts.iso20022.parties import normal_party
from runtime.signature_configuration import ServiceProvider
from workers.verifier.certificate_paths import NormalName, normal_name
from workers.verifier.certificates import fingerprint

# RFC 4514 §3 prescribes a table of nine names; these are written all the same.
_ATTRIBUTE_NAMES: Final[Mapping[str, x509.ObjectIdentifier]] = {
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "E": NameOID.EMAIL_ADDRESS,
}
# Signers are hundreds at most; who brings more, each trusted, is looked up anew.
_OWNERS_MAX: Final = 512
K_ = TypeVar("K_")
_SPACE_AFTER_COMMA: Final = re.compile(r"(?<!\\),[ ]+")


class Registry:
    """The service providers of one endpoint, by what identifies their certificates."""

    def __init__(self, providers: Sequence[ServiceProvider]) -> None:
        """Index the providers.

        Raises:
            Broken: an issuer is no distinguished name, or two providers claim one certificate.
        """
        self._by_fingerprint: dict[str, ServiceProvider] = {}
        self._by_issuer: dict[tuple[NormalName, int], ServiceProvider] = {}
        self._by_organization: dict[str, ServiceProvider] = {}
        # The same certificate has the same owner for as long as this registry lives.
        self._known_owner = lru_cache(maxsize=_OWNERS_MAX)(self._owner_of)
        self._parties = {
            provider.id: frozenset(map(normal_party, (*provider.bics, *provider.leis)))
            for provider in providers
        }
        for provider in providers:
            for digest in provider.fingerprints:
                _claim(self._by_fingerprint, digest, provider, "fingerprint")
            for issued in provider.certificates:
                key = (_issuer(provider, issued.issuer), int(issued.serial, 16))
                _claim(self._by_issuer, key, provider, "issuer and serial")
            for organization in provider.organization_identifiers:
                _claim(self._by_organization, organization, provider, "organization_identifier")

    def owner_of(self, certificate: x509.Certificate) -> ServiceProvider:
        """Return the provider whose certificate this is.

        Raises:
            Rejected: `signer_unknown`: it is nobody's, or two providers' by different marks.
        """
        return self._known_owner(certificate)

    def speaks_for(self, provider: ServiceProvider) -> frozenset[str]:
        """Return the BICs and LEIs in whose name the provider speaks, as `normal_party` has them.

        They are the provider's own list; what a certificate says of its holder adds nothing.
        """
        return self._parties[provider.id]

    def _owner_of(self, certificate: x509.Certificate) -> ServiceProvider:
        issued = (normal_name(certificate.issuer), certificate.serial_number)
        organizations = [
            str(attribute.value)
            for attribute in certificate.subject.get_attributes_for_oid(
                NameOID.ORGANIZATION_IDENTIFIER
            )
        ]
        claimants = [
            self._by_fingerprint.get(fingerprint(certificate)),
            self._by_issuer.get(issued),
            *(self._by_organization.get(one) for one in organizations),
        ]
        owners = {claimant.id: claimant for claimant in claimants if claimant is not None}
        if len(owners) != 1:
            some = "more than one service provider" if owners else "no service provider"
            raise Rejected(RejectionCode.SIGNER_UNKNOWN, f"{some} has this certificate")
        return next(iter(owners.values()))


def _issuer(provider: ServiceProvider, text: str) -> NormalName:
    try:
        name = x509.Name.from_rfc4514_string(
            _SPACE_AFTER_COMMA.sub(",", text.strip()), _ATTRIBUTE_NAMES
        )
    except ValueError:
        raise Broken(
            f"service_providers {provider.id}: issuer is no distinguished name; write it as "
            'openssl x509 -issuer -nameopt RFC2253 does, for example "CN=Example CA,O=Example,C=IT"'
        ) from None
    if not name.rdns:
        raise Broken(f"service_providers {provider.id}: issuer is empty; name the CA")
    return normal_name(name)


def _claim(
    claims: dict[K_, ServiceProvider], key: K_, provider: ServiceProvider, what: str
) -> None:
    former = claims.setdefault(key, provider)
    if former.id != provider.id:
        raise Broken(
            f"service_providers {former.id} and {provider.id} claim one {what}; "
            "a certificate is one provider's"
        )
