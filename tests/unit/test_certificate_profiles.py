"""What a certificate must be made for, so that callbacks may be signed or sent with it."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from contracts.codes import RejectionCode as Code
from tests.certificates import (
    ISSUING,
    checked,
    intermediate,
    issue,
    leaf,
    refusal,
    root,
    trust,
)

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ROOT = root()
ISSUING_CA = intermediate(ROOT)
BANK = leaf(ISSUING_CA)


@pytest.mark.parametrize(
    ("ca", "key_usage"),
    [(True, ISSUING), (False, ("key_encipherment",)), (False, ("key_cert_sign",))],
)
@pytest.mark.parametrize("pinned", [False, True])
def test_certificate_that_is_not_to_sign_with_is_refused(
    *, ca: bool, key_usage: tuple[str, ...], pinned: bool
) -> None:
    one = issue(ROOT, "Odd", ca=ca, key_usage=key_usage)
    by = trust(ROOT, pinned=[one] if pinned else [])

    assert refusal(one, by=by) is Code.CERTIFICATE_PROFILE_INVALID


@pytest.mark.parametrize(
    ("ca", "key_usage"),
    [(None, None), (False, None), (None, ("digital_signature",)), (False, ("content_commitment",))],
)
def test_certificate_with_one_of_two_usages_or_without_the_extension_is_taken(
    ca: bool | None,  # noqa: FBT001 - a parameter of the table above
    key_usage: tuple[str, ...] | None,
) -> None:
    one = issue(ROOT, "Odd", ca=ca, key_usage=key_usage)

    assert checked(one) == one.fingerprint


def test_root_itself_is_no_certificate_to_sign_with() -> None:
    assert refusal(ROOT, by=trust(ROOT)) is Code.CERTIFICATE_PROFILE_INVALID


CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


@pytest.mark.parametrize("purposes", [(), (CLIENT,), (SERVER, CLIENT), (ANY,)])
def test_caller_needs_the_purpose_of_a_client_where_purposes_are_given(
    purposes: tuple[x509.ObjectIdentifier, ...],
) -> None:
    one = issue(ROOT, "Client", extended_key_usage=purposes)

    assert checked(one, client=True) == one.fingerprint


def test_certificate_for_servers_may_sign_but_not_call() -> None:
    server = issue(ROOT, "Server", extended_key_usage=[SERVER])
    servers_ca = issue(ROOT, "Servers CA", ca=True, key_usage=ISSUING, extended_key_usage=[SERVER])

    assert checked(server) == server.fingerprint
    assert refusal(server, client=True) is Code.CERTIFICATE_PROFILE_INVALID
    assert refusal(leaf(servers_ca), servers_ca, client=True) is Code.CERTIFICATE_PROFILE_INVALID
