"""Each reason to refuse a certificate, alone, under its own code."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from contracts.codes import RejectionCode as Code
from contracts.errors import Rejected
from tests.certificates import (
    ISSUING,
    SIGNING,
    YEAR,
    Issued,
    checked,
    distinguished_name,
    intermediate,
    issue,
    leaf,
    refusal,
    root,
    trust,
    weakly_signed,
)
from tests.updates import NOON

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ROOT = root()
ISSUING_CA = intermediate(ROOT)
BANK = leaf(ISSUING_CA)


def untrusted() -> dict[str, tuple[Issued, tuple[Issued, ...]]]:
    other = root("Other Root")
    same_name = issue(None, "Test Root", key_type="ec-384", ca=True, key_usage=ISSUING)
    rsa_root = root("RSA Root", key_type="rsa")
    old_ca = weakly_signed(intermediate(rsa_root, "Old CA", key_type="rsa"), rsa_root, "sha1")
    small_ca = intermediate(ROOT, "Small CA", key_type="rsa-1024")
    odd_curve = intermediate(ROOT, "Odd CA", key_type="ec-k1")
    return {
        "no chain": (BANK, ()),
        "self-signed": (leaf(None), ()),
        "another root": (leaf(other), (other,)),
        "another root of the same name": (leaf(same_name), (same_name,)),
        "the intermediate is missing": (leaf(intermediate(ISSUING_CA, "Sub CA")), (ISSUING_CA,)),
        "signed by SHA-1": (weakly_signed(leaf(rsa_root), rsa_root, "sha1"), ()),
        "signed by MD5": (weakly_signed(leaf(rsa_root), rsa_root, "md5"), ()),
        "signed by SHA-224": (issue(ROOT, "Bank A", hash_algorithm=hashes.SHA224()), ()),
        "a CA signed by SHA-1": (leaf(old_ca), (old_ca,)),
        "an RSA key of 1024 bits": (leaf(ROOT, key_type="rsa-1024"), ()),
        "a curve of other strength": (leaf(ROOT, key_type="ec-k1"), ()),
        "a CA's RSA key of 1024 bits": (leaf(small_ca), (small_ca,)),
        "a CA's curve": (leaf(odd_curve), (odd_curve,)),
    }


@pytest.mark.parametrize("case", untrusted())
def test_chain_that_leads_to_no_root_is_untrusted(case: str) -> None:
    one, chain = untrusted()[case]
    anchors = trust(ROOT, root("RSA Root", key_type="rsa"))

    assert refusal(one, *chain, by=anchors) is Code.CERTIFICATE_UNTRUSTED


def test_chain_that_is_untrusted_for_its_hash_alone_is_trusted_without_it() -> None:
    """The cases above prove something only if nothing else is wrong with them."""
    anchor = root("RSA Root", key_type="rsa")

    assert checked(leaf(anchor), by=trust(anchor))


def test_pinned_certificate_with_a_weak_key_is_untrusted() -> None:
    weak = leaf(ROOT, key_type="rsa-1024")

    assert refusal(weak, by=trust(pinned=[weak])) is Code.CERTIFICATE_UNTRUSTED


def test_pinned_certificate_may_be_signed_by_anything() -> None:
    anchor = root("RSA Root", key_type="rsa")
    bank = weakly_signed(leaf(anchor, key_type="rsa"), anchor, "sha1")

    assert checked(bank, by=trust(pinned=[bank])) == bank.fingerprint


def test_certificate_beside_a_pinned_one_is_untrusted() -> None:
    assert refusal(leaf(ISSUING_CA), by=trust(pinned=[BANK])) is Code.CERTIFICATE_UNTRUSTED


TEST_NAMES = x509.Name(list(distinguished_name("any"))[:2])


def names(
    tree: x509.Name, *, excluded: bool = False, critical: bool = False
) -> list[tuple[x509.ExtensionType, bool]]:
    subtrees = [x509.DirectoryName(tree)]
    constraints = x509.NameConstraints(
        None if excluded else subtrees, subtrees if excluded else None
    )
    return [(constraints, critical)]


def invalid_issuers() -> dict[str, Issued]:
    def ca(
        *,
        ca: bool | None = True,
        path_length: int | None = None,
        key_usage: tuple[str, ...] | None = ISSUING,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> Issued:
        return issue(
            ROOT,
            "Odd CA",
            ca=ca,
            path_length=path_length,
            key_usage=key_usage,
            extensions=extensions,
        )

    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    return {
        "a leaf": ca(ca=False, key_usage=("digital_signature",)),
        "no basicConstraints": ca(ca=None),
        "no keyCertSign": ca(key_usage=("crl_sign",)),
        "no keyUsage": ca(key_usage=None),
        "other names": ca(extensions=names(distinguished_name("Bank B"))),
        "this name excluded": ca(
            extensions=names(distinguished_name("BANK  a", "psdit-BI-12345"), excluded=True)
        ),
        "critical constraints on names": ca(extensions=names(TEST_NAMES, critical=True)),
        "an unknown critical extension": ca(extensions=[(unknown, True)]),
    }


@pytest.mark.parametrize("case", invalid_issuers())
def test_issuer_that_may_not_issue_so_makes_the_chain_invalid(case: str) -> None:
    issuer = invalid_issuers()[case]

    assert refusal(leaf(issuer), issuer) is Code.CERTIFICATE_CHAIN_INVALID


def test_issuer_that_is_constrained_to_the_name_may_issue_it() -> None:
    constraints = names(TEST_NAMES)
    issuer = issue(ROOT, "Odd CA", ca=True, key_usage=ISSUING, extensions=constraints)
    bank = leaf(issuer)

    assert checked(bank, issuer) == bank.fingerprint


def test_path_length_counts_the_certificates_between() -> None:
    short = intermediate(ROOT, "Short CA", path_length=0)
    below = intermediate(short, "Below CA")
    enough = intermediate(ROOT, "Enough CA", path_length=1)
    fitting = intermediate(enough, "Fitting CA", path_length=0)

    assert checked(leaf(short), short)
    assert checked(leaf(fitting), enough, fitting)
    assert refusal(leaf(below), short, below) is Code.CERTIFICATE_CHAIN_INVALID


def test_unknown_critical_extension_of_the_leaf_makes_the_chain_invalid() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

    assert (
        refusal(issue(ROOT, "Odd", extensions=[(unknown, True)])) is Code.CERTIFICATE_CHAIN_INVALID
    )
    assert checked(issue(ROOT, "Odd", extensions=[(unknown, False)]))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (-YEAR.total_seconds() - 61, Code.CERTIFICATE_NOT_YET_VALID),
        (-YEAR.total_seconds() - 60, None),
        (YEAR.total_seconds() + 60, None),
        (YEAR.total_seconds() + 61, Code.CERTIFICATE_EXPIRED),
    ],
)
@pytest.mark.parametrize("pinned", [False, True])
def test_validity_ends_a_skew_after_its_end_and_begins_a_skew_before_its_beginning(
    seconds: float, code: Code | None, *, pinned: bool
) -> None:
    by = trust(pinned=[BANK]) if pinned else trust(ROOT, intermediates=[ISSUING_CA])
    at = NOON + timedelta(seconds=seconds)

    if code is None:
        assert checked(BANK, by=by, at=at) == BANK.fingerprint
    else:
        assert refusal(BANK, by=by, at=at) is code


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_time_at_the_end_of_all_times_is_no_error(at: datetime) -> None:
    code = refusal(BANK, ISSUING_CA, at=at)

    assert code in {Code.CERTIFICATE_NOT_YET_VALID, Code.CERTIFICATE_EXPIRED}


@pytest.mark.parametrize("level", ["root", "intermediate", "leaf"])
@pytest.mark.parametrize(
    ("not_before", "not_after", "code"),
    [
        (NOON + timedelta(days=1), NOON + YEAR, Code.CERTIFICATE_NOT_YET_VALID),
        (NOON - YEAR, NOON - timedelta(days=1), Code.CERTIFICATE_EXPIRED),
    ],
)
def test_every_certificate_of_the_chain_must_be_valid(
    level: str, not_before: datetime, not_after: datetime, code: Code
) -> None:
    def issued(by: Issued | None, name: str) -> Issued:
        ca = name != "leaf"
        usage = ISSUING if ca else SIGNING
        if name == level:
            return issue(
                by, name, ca=ca, key_usage=usage, not_before=not_before, not_after=not_after
            )
        return issue(by, name, ca=ca, key_usage=usage)

    anchor = issued(None, "root")
    issuing = issued(anchor, "intermediate")
    bank = issued(issuing, "leaf")

    assert refusal(bank, issuing, by=trust(anchor)) is code


def test_chain_whose_certificates_were_never_valid_together_is_expired() -> None:
    """However near the end of one and the beginning of the other are to the time of receipt."""
    issuing = issue(ROOT, "I", ca=True, key_usage=ISSUING, not_after=NOON - 5 * SECOND)
    bank = issue(issuing, "L", not_before=NOON + 5 * SECOND)

    assert refusal(bank, issuing) is Code.CERTIFICATE_EXPIRED


def test_chain_that_was_seen_before_is_judged_at_the_new_time() -> None:
    one = trust(ROOT)
    checked(BANK, ISSUING_CA, by=one)

    assert refusal(BANK, ISSUING_CA, by=one, at=NOON + 2 * YEAR) is Code.CERTIFICATE_EXPIRED
    assert refusal(BANK, by=one) is Code.CERTIFICATE_UNTRUSTED


def test_reason_is_that_of_the_chain_that_came_furthest() -> None:
    short = issue(ROOT, "Twice", ca=False, key_usage=ISSUING)
    expired = issue(ROOT, "Twice", ca=True, key_usage=ISSUING, not_after=NOON - MINUTE - SECOND)

    assert refusal(leaf(short), short) is Code.CERTIFICATE_CHAIN_INVALID
    assert refusal(leaf(short), expired, short) is Code.CERTIFICATE_EXPIRED
    assert refusal(leaf(short), short, expired) is Code.CERTIFICATE_EXPIRED


@pytest.mark.parametrize(("namesakes", "found"), [(30, True), (31, False)])
def test_only_so_many_signatures_are_checked(namesakes: int, *, found: bool) -> None:
    """A caller chooses what stands in the chain, and each namesake costs a signature."""
    namesake = issue(None, "Test Issuing CA", key_type="ec-384", ca=True, key_usage=ISSUING)
    chain = [*[namesake] * namesakes, ISSUING_CA]

    if found:
        assert checked(BANK, *chain) == BANK.fingerprint
    else:
        assert refusal(BANK, *chain) is Code.CERTIFICATE_UNTRUSTED


def test_copies_of_a_ca_that_issued_itself_lead_nowhere() -> None:
    """Tried in every order they would use up the signatures before the true one's turn."""
    copies = [
        issue(None, "Test Issuing CA", ca=True, key_usage=ISSUING, serial=number)
        for number in range(1, 16)
    ]

    assert refusal(BANK, *copies) is Code.CERTIFICATE_UNTRUSTED
    assert checked(BANK, *copies, ISSUING_CA) == BANK.fingerprint


@pytest.mark.parametrize(
    ("issuer", "detail"),
    [
        (issue(ROOT, "Odd CA", ca=False, key_usage=ISSUING), "is no CA's"),
        (issue(ROOT, "Odd CA", ca=True, key_usage=SIGNING), "may not sign certificates"),
        (intermediate(intermediate(ROOT, path_length=0), "Odd CA"), "longer than a CA of it"),
    ],
)
def test_detail_says_what_is_wrong_with_the_chain(issuer: Issued, detail: str) -> None:
    with pytest.raises(Rejected, match=detail):
        checked(leaf(issuer), issuer, intermediate(ROOT, path_length=0))
