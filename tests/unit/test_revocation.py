"""Revocation lists: whom they name, when they speak, and for whom they do not."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography import x509

from contracts.codes import RejectionCode as Code
from tests.certificates import (
    ISSUING,
    YEAR,
    Issued,
    checked,
    distinguished_name,
    intermediate,
    issue,
    leaf,
    refusal,
    revocation_list,
    root,
    trust,
)
from tests.updates import NOON

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
ROOT = root()
ISSUING_CA = intermediate(ROOT)
BANK = leaf(ISSUING_CA)
OTHER = leaf(ISSUING_CA, "Bank B")
Lists = Sequence[x509.CertificateRevocationList]


def accepted(lists: Lists, *, reject_unknown: bool, one: Issued = BANK) -> bool:
    by = trust(ROOT, lists=lists, reject_unknown=reject_unknown)
    return checked(one, ISSUING_CA, by=by) == one.fingerprint


def refused(lists: Lists, *, reject_unknown: bool = False, one: Issued = BANK) -> Code:
    by = trust(ROOT, lists=lists, reject_unknown=reject_unknown)
    return refusal(one, ISSUING_CA, by=by)


def current(*revoked: Issued) -> Lists:
    return (revocation_list(ROOT), revocation_list(ISSUING_CA, *revoked))


def test_certificate_that_current_lists_do_not_name_is_trusted() -> None:
    assert accepted(current(OTHER), reject_unknown=True)


def test_certificate_that_a_list_names_is_revoked() -> None:
    assert refused(current(BANK)) is Code.CERTIFICATE_REVOKED


def test_ca_that_a_list_names_is_revoked() -> None:
    lists = (revocation_list(ROOT, ISSUING_CA), revocation_list(ISSUING_CA))

    assert refused(lists) is Code.CERTIFICATE_REVOKED


def test_pinned_certificate_is_revoked_by_a_list_of_its_issuer() -> None:
    by = trust(pinned=[BANK], intermediates=[ISSUING_CA], lists=current(BANK))

    assert refusal(BANK, by=by) is Code.CERTIFICATE_REVOKED


def test_pinned_certificate_needs_a_list_where_one_is_demanded() -> None:
    lists = [revocation_list(ISSUING_CA)]
    informed = trust(pinned=[BANK], intermediates=[ISSUING_CA], lists=lists, reject_unknown=True)
    ignorant = trust(pinned=[BANK], reject_unknown=True)

    assert checked(BANK, by=informed) == BANK.fingerprint
    assert refusal(BANK, by=ignorant) is Code.CERTIFICATE_STATUS_UNKNOWN


@pytest.mark.parametrize(
    "lists",
    [
        (),
        (revocation_list(ROOT),),
        (revocation_list(ISSUING_CA),),
        (revocation_list(ROOT), revocation_list(ROOT, OTHER)),
    ],
    ids=["no list", "none of the CA", "none of the root", "another issuer's"],
)
def test_certificate_that_no_list_covers_is_refused_only_where_one_is_demanded(
    lists: Lists,
) -> None:
    assert accepted(lists, reject_unknown=False)
    assert refused(lists, reject_unknown=True) is Code.CERTIFICATE_STATUS_UNKNOWN


def test_serial_number_in_another_issuers_list_is_another_certificate() -> None:
    one = issue(ISSUING_CA, "Bank A", serial=77)
    namesake = issue(ROOT, "Bank C", serial=77)

    assert accepted([revocation_list(ROOT, namesake)], reject_unknown=False, one=one)


def test_list_that_its_issuer_did_not_sign_says_nothing() -> None:
    forger = issue(None, "Test Issuing CA", key_type="ec-384", ca=True, key_usage=ISSUING)
    other_kind = issue(None, "Test Issuing CA", key_type="rsa", ca=True, key_usage=ISSUING)

    for one in (forger, other_kind):
        lists = (revocation_list(ROOT), revocation_list(one, BANK))
        assert accepted(lists, reject_unknown=False)
        assert refused(lists, reject_unknown=True) is Code.CERTIFICATE_STATUS_UNKNOWN


def test_list_of_a_ca_that_may_not_sign_lists_says_nothing() -> None:
    issuer = issue(ROOT, "Mute CA", ca=True, key_usage=("key_cert_sign",))
    bank = leaf(issuer)
    by = trust(ROOT, lists=[revocation_list(issuer, bank)])

    assert checked(bank, issuer, by=by) == bank.fingerprint


def test_list_signed_with_the_new_key_of_a_ca_counts_for_its_older_certificates() -> None:
    renewed = issue(ROOT, "Test Issuing CA", key_type="ec-384", ca=True, key_usage=ISSUING)
    lists = (revocation_list(ROOT), revocation_list(renewed, BANK))
    by = trust(ROOT, intermediates=[renewed], lists=lists)

    assert refusal(BANK, ISSUING_CA, by=by) is Code.CERTIFICATE_REVOKED


@pytest.mark.parametrize(("ago", "known"), [(60 * SECOND, True), (61 * SECOND, False)])
def test_list_that_was_due_for_renewal_covers_nobody(ago: timedelta, *, known: bool) -> None:
    due = NOON - ago
    late = revocation_list(ISSUING_CA, OTHER, this_update=due - DAY, next_update=due)
    lists = (revocation_list(ROOT), late)

    if known:
        assert accepted(lists, reject_unknown=True)
    else:
        assert refused(lists, reject_unknown=True) is Code.CERTIFICATE_STATUS_UNKNOWN
    assert accepted(lists, reject_unknown=False)


def test_certificate_that_an_old_list_names_stays_revoked() -> None:
    old = revocation_list(
        ISSUING_CA,
        BANK,
        revoked_at=NOON - 9 * DAY,
        this_update=NOON - 8 * DAY,
        next_update=NOON - 7 * DAY,
    )

    assert refused([old]) is Code.CERTIFICATE_REVOKED


def test_certificate_is_trusted_until_it_was_revoked() -> None:
    """A replay decides what the first run decided, though today's list is a later one."""
    later = revocation_list(ISSUING_CA, BANK, revoked_at=NOON + DAY, this_update=NOON + 2 * DAY)
    anchors = revocation_list(ROOT, this_update=NOON + 2 * DAY)
    by = trust(ROOT, lists=[later, anchors], reject_unknown=True)

    assert checked(BANK, ISSUING_CA, by=by) == BANK.fingerprint
    assert refusal(BANK, ISSUING_CA, by=by, at=NOON + DAY) is Code.CERTIFICATE_REVOKED


def test_list_made_after_a_certificate_expired_says_nothing_of_it() -> None:
    short = issue(ISSUING_CA, "Bank A", not_after=NOON + DAY)
    later = revocation_list(ISSUING_CA, this_update=NOON + 2 * DAY, next_update=NOON + 9 * DAY)
    by = trust(ROOT, lists=[revocation_list(ROOT), later], reject_unknown=True)

    assert refusal(short, ISSUING_CA, by=by) is Code.CERTIFICATE_STATUS_UNKNOWN
    assert checked(BANK, ISSUING_CA, by=by) == BANK.fingerprint


HERE = [x509.UniformResourceIdentifier("http://crl.example.org/1")]
ELSEWHERE = [x509.UniformResourceIdentifier("http://crl.example.org/2")]


def scope(
    *,
    full_name: list[x509.UniformResourceIdentifier] | None = None,
    users: bool = False,
    cas: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
    attributes: bool = False,
) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        full_name=full_name,
        relative_name=None,
        only_contains_user_certs=users,
        only_contains_ca_certs=cas,
        only_some_reasons=reasons,
        indirect_crl=False,
        only_contains_attribute_certs=attributes,
    )


POINTED = issue(
    ISSUING_CA,
    "Bank P",
    extensions=[
        (
            x509.CRLDistributionPoints(
                [x509.DistributionPoint(HERE, relative_name=None, reasons=None, crl_issuer=None)]
            ),
            False,
        )
    ],
)


@pytest.mark.parametrize(
    ("part", "covers"),
    [
        (scope(users=True), True),
        (scope(cas=True), False),
        (scope(attributes=True), False),
        (scope(reasons=frozenset({x509.ReasonFlags.key_compromise})), False),
        (scope(full_name=HERE), True),
        (scope(full_name=ELSEWHERE), False),
    ],
)
def test_list_of_some_certificates_covers_those_alone(
    part: x509.IssuingDistributionPoint, *, covers: bool
) -> None:
    lists = (revocation_list(ROOT), revocation_list(ISSUING_CA, extensions=[(part, True)]))

    if covers:
        assert accepted(lists, reject_unknown=True, one=POINTED)
    else:
        unknown = refused(lists, reject_unknown=True, one=POINTED)
        assert unknown is Code.CERTIFICATE_STATUS_UNKNOWN


def test_list_of_users_does_not_cover_a_ca() -> None:
    lists = (
        revocation_list(ROOT, extensions=[(scope(users=True), True)]),
        revocation_list(ISSUING_CA),
    )

    assert refused(lists, reject_unknown=True) is Code.CERTIFICATE_STATUS_UNKNOWN


def test_root_needs_no_list() -> None:
    """It is trusted because it is pinned, whatever others say of it."""
    by = trust(ISSUING_CA, lists=[revocation_list(ISSUING_CA)], reject_unknown=True)

    assert checked(BANK, by=by) == BANK.fingerprint


def test_revoked_ca_outweighs_an_unknown_leaf() -> None:
    lists = [revocation_list(ROOT, ISSUING_CA)]

    assert refused(lists, reject_unknown=True) is Code.CERTIFICATE_REVOKED


def test_expired_comes_before_revoked() -> None:
    by = trust(ROOT, lists=current(BANK))

    assert refusal(BANK, ISSUING_CA, by=by, at=NOON + 2 * YEAR) is Code.CERTIFICATE_EXPIRED


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(1),
        x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=True,
            only_contains_attribute_certs=False,
        ),
    ],
    ids=["delta", "indirect"],
)
def test_list_of_a_kind_that_is_not_understood_makes_no_trust(
    extension: x509.ExtensionType,
) -> None:
    odd = revocation_list(ISSUING_CA, extensions=[(extension, True)])

    with pytest.raises(ValueError, match=r"delta|indirect"):
        trust(ROOT, lists=[odd])


def test_name_of_the_issuer_is_compared_as_names_are() -> None:
    """A CA that writes its own name in capitals in its list is the same CA."""
    loud = Issued(
        issue(None, "TEST ISSUING CA", ca=True, key_usage=ISSUING).certificate, ISSUING_CA.key
    )
    lists = (revocation_list(ROOT), revocation_list(loud, BANK))

    assert loud.certificate.subject == distinguished_name("TEST ISSUING CA")
    assert refused(lists) is Code.CERTIFICATE_REVOKED
