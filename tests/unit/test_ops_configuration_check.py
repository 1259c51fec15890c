"""What `esito config check` finds wrong with signatures, and what it tells of each endpoint."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from ops.configuration.endpoint_facts import lines_of
from ops.configuration.fault import Fault
from ops.configuration.signatures import EXPIRY_NOTICE, SCHEMA_NAMES
from tests.certificates import Issued, issue, leaf, pem
from tests.sound_endpoints import (
    BANK,
    BANK_A,
    DAY,
    EDGE,
    ISSUING_CA,
    ROOT,
    checked,
    srtp,
    wallet,
    write_list,
    write_sound_files,
)
from tests.updates import NOON

ENDING: Final = issue(ROOT, "Ending CA", not_after=NOON + EXPIRY_NOTICE)
ENDED: Final = issue(ROOT, "Ended CA", not_after=NOON)
COMING: Final = issue(ROOT, "Coming CA", not_before=NOON + timedelta(days=1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sound_files(tmp_path)


def told(found: list[Fault]) -> list[tuple[str, str]]:
    return [(one.name.removeprefix("endpoints.0."), one.what) for one in found]


def test_sound_endpoints_have_neither_fault_nor_warning(folder: Path) -> None:
    found = checked(srtp(folder), wallet(folder))

    assert (found.faults, found.warnings) == ([], [])


def test_srtp_endpoint_is_told_line_by_line(folder: Path) -> None:
    (facts,) = checked(srtp(folder, more_paths=["/cancel"])).endpoints

    assert list(lines_of(facts)) == [
        "srtp: provider srtp",
        "  paths: /send, /cancel",
        "  demanded: client_certificate, detached_signature",
        "  checked where present: xmldsig",
        "  client certificate: in x-certificate, from 10.0.0.0/8 alone",
        f"  root: Test Root, ends 2027-11-02T12:00:00+00:00 ({folder}/root.pem)",
        f"  intermediate: Test Issuing CA, ends 2027-11-02T12:00:00+00:00 ({folder}/issuing.pem)",
        f"  crl: Test Issuing CA, next list 2026-11-03T12:00:00+00:00 ({folder}/issuing.crl)",
        "  without a current list: accept",
        "  service provider: bank-a, in the name of UNCRITMM",
        f"  schemas: {folder}/xsd, missing none",
    ]


def test_wallet_endpoint_is_told_line_by_line(folder: Path) -> None:
    (facts,) = checked(wallet(folder, host="w.example")).endpoints

    assert list(lines_of(facts)) == [
        "wallet: provider wallet",
        "  paths: /wallet/<made for one transaction> at w.example",
        "  demanded: path_token, tokens",
        f"  credential_root: Test Root, ends 2027-11-02T12:00:00+00:00 ({folder}/root.pem)",
        f"  token issuer: filed, ES256, keys from {folder}/jwks.json",
        "  token issuer: served, ES256, keys from https://192.168.0.1/k, private addresses allowed",
        "  presentations: required, holder gateway_attested",
    ]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (ENDING, "the certificate of Ending CA ends on 2026-12-02"),
        (ENDED, "the certificate of Ended CA ended on 2026-11-02"),
        (COMING, "the certificate of Coming CA begins on 2026-11-03"),
    ],
)
def test_certificate_that_is_not_valid_for_a_month_is_a_warning(
    folder: Path,
    one: Issued,
    said: str,
) -> None:
    (folder / "issuing.pem").write_bytes(pem(ISSUING_CA, one))

    found = checked(srtp(folder))

    file = folder / "issuing.pem"
    assert told(found.warnings) == [("certificates.intermediate_files.0", f"{file}: {said}")]
    assert found.faults == []


def test_list_that_is_overdue_is_a_warning(folder: Path) -> None:
    write_list(folder, this_update=NOON - DAY, next_update=NOON)

    (warning,) = checked(srtp(folder)).warnings

    assert warning.name == "endpoints.0.certificates.crl_files.0"
    assert warning.what.endswith("the next list of Test Issuing CA was due on 2026-11-02")


def test_schemas_that_are_missing_are_named(folder: Path) -> None:
    for name in SCHEMA_NAMES[1:3]:
        (folder / "xsd" / f"{name}.xsd").unlink()

    found = checked(srtp(folder))

    lacking = "pain.014.001.08.xsd, pain.014.001.10.xsd"
    assert told(found.warnings) == [
        ("schema_directory", f"{folder}/xsd lacks {lacking}: such messages go unchecked")
    ]
    assert found.endpoints[0]["schemas"]["missing"] == lacking.split(", ")


def test_service_provider_without_a_pinned_certificate_is_a_warning(folder: Path) -> None:
    stranger = {"id": "bank-b", "bics": ["BPPIITRR"], "fingerprints": ["ab" * 32]}
    pinned = {"pinned_files": [folder / "bank.pem"]}

    found = checked(srtp(folder, certificates=pinned, service_providers=[BANK_A, stranger]))
    beside_a_root = checked(srtp(folder, service_providers=[BANK_A, stranger]))

    assert told(found.warnings) == [
        ("service_providers.1", "bank-b has none of the pinned certificates: it can prove nothing")
    ]
    assert beside_a_root.warnings == []


def test_pinned_certificate_of_nobody_is_a_warning(folder: Path) -> None:
    (folder / "bank.pem").write_bytes(pem(BANK, leaf(ROOT, "Bank Z", organization_identifier=None)))
    pinned = {"pinned_files": [folder / "bank.pem"]}

    (warning,) = checked(srtp(folder, certificates=pinned)).warnings

    assert warning.name == "endpoints.0.certificates.pinned_files.0"
    assert "the certificate of Bank Z is no service provider's" in warning.what


def test_path_that_nobody_can_announce_is_a_warning(folder: Path) -> None:
    (warning,) = checked(wallet(folder, expectations=None)).warnings

    assert warning.name == "endpoints.0.expectations"


FAULTS: Final[dict[str, tuple[dict[str, Any], tuple[str, str]]]] = {
    "no scheme at all": (
        {"detached_signature": None, "client_certificate": None},
        ("", "provider srtp needs one of xmldsig, detached_signature, detached_jws with required:"),
    ),
    "an unknown credential": (
        {"path_token": {"keys": [{"id": "a", "file": "a.key"}]}, "early_seconds": 60},
        ("path_token", "provider srtp offers no path_token"),
    ),
    "no registry": (
        {"service_providers": []},
        ("", "its signatures need the key service_providers"),
    ),
    "an odd edge": (
        {"client_certificate": {**EDGE, "edges": ["10.0.0.0/8", "10.0.0.1/8"]}},
        ("client_certificate.edges.1", "endpoint srtp: client_certificate.edges: 10.0.0.1/8 is no"),
    ),
    "a certificate of two": (
        {"service_providers": [BANK_A, {**BANK_A, "id": "bank-b"}]},
        ("service_providers", "service_providers bank-a and bank-b claim one"),
    ),
    "a header with a secret": (
        {"detached_jws": {"header": "authorization"}},
        ("", "detached_jws.header: authorization holds a credential"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_srtp_endpoint_that_does_not_start_is_a_fault(folder: Path, name: str) -> None:
    settings, (key, what) = FAULTS[name]

    found = [one for one in checked(srtp(folder, **settings)).faults if "a.key" not in one.what]

    assert [one.name for one in found] == [f"endpoints.0.{key}".rstrip(".")]
    assert found[0].what.startswith(what)
    assert found[0].fix


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("root.pem", "certificates.root_files.0"),
        ("issuing.pem", "certificates.intermediate_files.0"),
        ("issuing.crl", "certificates.crl_files.0"),
    ],
)
def test_broken_file_of_certificates_is_a_fault_at_its_key(
    folder: Path, file: str, key: str
) -> None:
    (folder / file).write_bytes(b"junk")

    found = checked(srtp(folder))

    assert (f"endpoints.0.{key}", True) in {
        (one.name, one.what.startswith(f"{folder / file}: ")) for one in found.faults
    }


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("jwks.json", "tokens.issuers.0.jwks_file"),
        ("root.pem", "tokens.presentations.issuer_root_files.0"),
    ],
)
def test_broken_file_of_the_wallet_is_a_fault_at_its_key(folder: Path, file: str, key: str) -> None:
    (folder / file).write_bytes(b"junk")

    (fault,) = checked(wallet(folder)).faults

    assert (fault.name, str(folder / file) in fault.what) == (f"endpoints.0.{key}", True)


def test_certificates_that_no_message_of_the_provider_needs_are_a_fault(folder: Path) -> None:
    unused = {"certificates": {"root_files": [folder / "root.pem"]}}

    (fault,) = checked(wallet(folder, **unused)).faults

    assert fault.what == "provider wallet signs nothing that certificates is for; remove the key"


def test_path_below_one_with_a_segment_for_each_transaction_is_a_fault(folder: Path) -> None:
    (fault,) = checked(wallet(folder), srtp(folder, path="/wallet/srtp")).faults

    assert fault.name == "endpoints.1.path"
    assert fault.what == (
        "/wallet/srtp is under /wallet, where wallet.path takes a segment for each transaction"
    )


def test_certificate_that_tls_does_not_ask_for_is_a_fault(folder: Path) -> None:
    (fault,) = checked(srtp(folder, client_certificate={"seen_by": "esito"})).faults

    assert fault.name == "ingress.tls.client_ca_file"
