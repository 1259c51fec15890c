"""Say by revocation lists whether a certificate was revoked at a time. Pure: lists and time in.

A list is believed when the certificate's issuer signed it. That a certificate is named in it holds
for ever; that it is not named says something only while the list is current.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from cryptography import x509

from workers.verifier.certificate_paths import (
    NormalName,
    extension_of,
    key_fault,
    normal_name,
    quietly,
    signature_accepted,
)

_ISSUERS_MAX: Final = 64  # of one name: a CA has a certificate or two for each of its keys


class Revocation(Enum):
    """What the lists say of a certificate."""

    GOOD = auto()
    REVOKED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list, read once: the serial numbers it names, and since when.

    Who signed it is remembered: a check reads all of the list, 0.4 seconds of the largest, and who
    sends a bank's certificate with ever new ones beside it would have it done anew.
    """

    crl: x509.CertificateRevocationList
    issuer: NormalName
    revoked_at: Mapping[int, datetime]
    scope: x509.IssuingDistributionPoint | None
    signed_by: Callable[[x509.Certificate], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Remember nothing yet."""
        remembering = lru_cache(maxsize=_ISSUERS_MAX)(self._signed_by)
        object.__setattr__(self, "signed_by", remembering)

    def _signed_by(self, issuer: x509.Certificate) -> bool:
        """Tell whether `issuer` signed the list and may sign lists (RFC 5280 §6.3.3 f and g)."""
        if normal_name(issuer.subject) != self.issuer:
            return False
        usage = extension_of(issuer, x509.KeyUsage)
        if usage is not None and not usage.crl_sign:
            return False
        if not signature_accepted(self.crl) or key_fault(issuer):
            return False
        return self.crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type] # key_fault


def read_list(crl: x509.CertificateRevocationList) -> RevocationList:
    """Return the list with its entries in a dictionary.

    Raises:
        ValueError: an extension cannot be read, or the list is of a kind that is not understood.
    """
    with quietly():
        issuer, delta = normal_name(crl.issuer), extension_of(crl, x509.DeltaCRLIndicator)
    if delta is not None:
        raise ValueError("it is a delta list; give the complete one")
    scope = extension_of(crl, x509.IssuingDistributionPoint)
    if scope is not None and scope.indirect_crl:
        raise ValueError("it is an indirect list; give the issuer's own")
    with quietly():
        revoked_at = {entry.serial_number: entry.revocation_date_utc for entry in crl}
    return RevocationList(crl, issuer, revoked_at, scope)


def lists_about(
    certificate: x509.Certificate,
    lists: Iterable[RevocationList],
    issuers: Iterable[x509.Certificate],
) -> tuple[RevocationList, ...]:
    """Return the lists of the certificate's issuer that one of `issuers` signed.

    Several issuers may have its name: a CA that changed its key signs its lists with the new one.
    """
    named = normal_name(certificate.issuer)
    known = tuple(issuers)
    return tuple(
        one for one in lists if one.issuer == named and any(one.signed_by(who) for who in known)
    )


def revocation_of(
    certificate: x509.Certificate,
    lists: Iterable[RevocationList],
    *,
    at: datetime,
    skew: timedelta,
) -> Revocation:
    """Return what `lists`, all of the certificate's issuer, say of it at `at`."""
    found = Revocation.UNKNOWN
    for one in lists:
        since = one.revoked_at.get(certificate.serial_number)
        if since is not None and since - at <= skew:
            return Revocation.REVOKED
        if _covers(one, certificate) and _is_current(one, certificate, at=at, skew=skew):
            found = Revocation.GOOD
    return found


def _is_current(
    one: RevocationList, certificate: x509.Certificate, *, at: datetime, skew: timedelta
) -> bool:
    """Tell whether the list's silence about the certificate says something of `at`.

    A list made later does too, so that a replay decides what the first run decided; but not one
    made after the certificate expired, which need not name it any more (RFC 5280 §3.3).
    """
    crl = one.crl
    if crl.next_update_utc is None or at - crl.next_update_utc > skew:
        return False
    made_later = crl.last_update_utc - at > skew
    return not made_later or crl.last_update_utc <= certificate.not_valid_after_utc


def _covers(one: RevocationList, certificate: x509.Certificate) -> bool:
    """Tell whether the list would name the certificate if it were revoked (RFC 5280 §5.2.5)."""
    scope = one.scope
    if scope is None:
        return True
    constraints = extension_of(certificate, x509.BasicConstraints)
    is_ca = constraints is not None and constraints.ca
    if scope.only_contains_attribute_certs or scope.only_some_reasons:
        return False
    if (scope.only_contains_user_certs and is_ca) or (scope.only_contains_ca_certs and not is_ca):
        return False
    return scope.full_name is None or _names_distribution_point(certificate, scope.full_name)


def _names_distribution_point(
    certificate: x509.Certificate, names: Iterable[x509.GeneralName]
) -> bool:
    points = extension_of(certificate, x509.CRLDistributionPoints) or ()
    return any(name in (point.full_name or ()) for point in points for name in names)
