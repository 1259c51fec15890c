"""Signatures of PDFs: one outcome each, without a network and at the time of the request."""

import io
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from tests.certificates import SIGNING, Issued, issue
from tests.pdfs import (
    COMMITTING,
    an_annotation,
    changed,
    expired_signer,
    fill_form,
    other_content,
    partly_signed,
    pdf,
    pdf_root,
    pdf_with_form,
    signed,
    stamped,
    stranger,
    tampered,
)
from tests.updates import NOON
from workers.verifier.pades import read_signatures

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)


def outcomes(
    document: bytes, roots: Sequence[Issued] | None = None, at: datetime = NOON
) -> tuple[str, ...]:
    trusted = [Certificate.load(one.der) for one in ([pdf_root()] if roots is None else roots)]
    return read_signatures(io.BytesIO(document), trusted, at)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return signed(pdf())


def test_signature_over_the_whole_file_is_valid(whole: bytes) -> None:
    assert outcomes(whole) == ("valid",)


def test_signature_of_the_older_kind_is_valid_too() -> None:
    assert outcomes(signed(pdf(), subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)) == ("valid",)


def test_two_signatures_are_told_in_their_order(whole: bytes) -> None:
    assert outcomes(signed(whole, field="Second")) == ("valid", "valid")
    assert outcomes(signed(whole, stranger(), field="Second")) == ("valid", "untrusted")


def test_changed_byte_is_tampering(whole: bytes) -> None:
    assert outcomes(tampered(whole)) == ("tampered",)


@pytest.mark.parametrize("change", [other_content, an_annotation])
def test_later_revision_that_shows_something_else_is_told(whole: bytes, change: object) -> None:
    assert outcomes(changed(whole, change)) == ("changed_later",)  # type: ignore[arg-type]  # one of two


def test_form_that_is_filled_in_later_must_be_signed_by_somebody() -> None:
    filled = changed(signed(pdf_with_form()), fill_form)

    assert outcomes(filled) == ("changed_later",)
    assert outcomes(signed(filled, field="Second")) == ("valid", "valid")


def test_later_signature_does_not_heal_what_came_before_it(whole: bytes) -> None:
    assert outcomes(signed(changed(whole, other_content), field="Second")) == (
        "changed_later",
        "valid",
    )


def test_certified_pdf_allows_what_its_signer_allowed() -> None:
    certified = signed(pdf(), certify=MDPPerm.NO_CHANGES)

    assert outcomes(certified) == ("valid",)
    assert outcomes(changed(certified, an_annotation)) == ("changed_later",)


def test_signature_that_leaves_out_the_end_of_its_revision_is_partial(whole: bytes) -> None:
    assert outcomes(partly_signed(whole)) == ("partial",)


def test_bytes_behind_the_last_revision_are_not_taken(whole: bytes) -> None:
    assert outcomes(whole + b"\n% more\n%%EOF\n") == ("unsupported",)


def rolled_back(document: bytes, whole: bytes) -> bytes:
    """Return the file with an end that sends readers back to the end of `whole`."""
    trail = re.findall(rb"startxref\s+(\d+)", whole)[-1]
    return document + b"\nstartxref\n%s\n%%%%EOF\n" % trail


@pytest.mark.parametrize("hidden", [b"\n%", b"\n%PK\x03\x04 another file", b"\n" * 2_000 + b"%"])
def test_bytes_hidden_before_a_second_end_are_covered_by_no_signature(
    whole: bytes, hidden: bytes
) -> None:
    assert outcomes(rolled_back(whole + hidden, whole)) == ("partial",)


def test_revision_that_readers_are_led_away_from_is_told(whole: bytes) -> None:
    """A reader that repairs a file, or reads it from its end, shows it all the same."""
    assert outcomes(rolled_back(changed(whole, other_content), whole)) == ("partial",)


def test_timestamp_of_the_whole_document_may_follow(whole: bytes) -> None:
    assert outcomes(stamped(whole, NOON)) == ("valid",)
    assert outcomes(rolled_back(stamped(whole, NOON), whole)) == ("partial",)


def test_signer_without_a_trusted_root_is_untrusted(whole: bytes) -> None:
    assert outcomes(signed(pdf(), stranger())) == ("untrusted",)
    assert outcomes(whole, roots=[]) == ("untrusted",)


def test_certificate_to_log_in_with_signs_no_document() -> None:
    login = issue(pdf_root(), "Login", key_type="rsa", key_usage=SIGNING)

    assert outcomes(signed(pdf(), login)) == ("untrusted",)


def test_certificate_counts_at_the_time_of_the_request(whole: bytes) -> None:
    assert outcomes(whole, at=NOON + 400 * DAY) == ("expired",)
    assert outcomes(whole, at=NOON - 400 * DAY) == ("untrusted",)
    assert outcomes(signed(pdf(), expired_signer())) == ("expired",)


def test_trusted_timestamp_proves_that_a_signature_is_older() -> None:
    early = signed(pdf(), expired_signer(), stamped_at=NOON - 3 * DAY)
    late = signed(pdf(), expired_signer(), stamped_at=NOON)

    assert outcomes(early) == ("valid",)
    assert outcomes(late) == ("expired",)


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_broken_hash_is_not_verified(digest: str) -> None:
    assert outcomes(signed(pdf(), digest=digest)) == ("unsupported",)


def test_file_without_a_signature_that_can_be_found_is_not_verified() -> None:
    assert outcomes(pdf()) == ("unsupported",)


def talkative_signer() -> Issued:
    """Return a signer whose certificate says where to ask for everything."""
    asked = x509.UniformResourceIdentifier("http://127.0.0.1:9/ask")
    responder = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, asked)
    issuer = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, asked)
    lists = x509.DistributionPoint([asked], None, None, None)
    return issue(
        pdf_root(),
        "Talkative",
        key_type="rsa",
        key_usage=COMMITTING,
        extensions=[
            (x509.AuthorityInformationAccess([responder, issuer]), False),
            (x509.CRLDistributionPoints([lists]), False),
        ],
    )


def test_verifying_opens_no_socket_even_where_certificates_say_where_to_ask(
    tmp_path: Path,
) -> None:
    """In a process that may connect to nothing, and that says so if it is tried."""
    (tmp_path / "whole.pdf").write_bytes(signed(pdf(), talkative_signer()))
    (tmp_path / "root.der").write_bytes(pdf_root().der)
    program = (
        "import sys\n"
        "from datetime import datetime\n"
        "from asn1crypto.x509 import Certificate\n"
        "from workers.verifier.judge_process import forbid_connections\n"
        "from workers.verifier.pades import read_signatures\n"
        "tried = []\n"
        "sys.addaudithook(lambda event, _: event == 'socket.connect' and tried.append(event))\n"
        "forbid_connections()\n"
        "roots = [Certificate.load(open(sys.argv[2], 'rb').read())]\n"
        "at = datetime.fromisoformat('2026-11-02T12:00:00+00:00')\n"
        "print(*read_signatures(open(sys.argv[1], 'rb'), roots, at), *tried)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "whole.pdf", tmp_path / "root.der"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout.split() == ["valid"]


def test_process_that_judges_can_connect_to_nothing() -> None:
    program = (
        "import socket\n"
        "from workers.verifier.judge_process import forbid_connections\n"
        "forbid_connections()\n"
        "try:\n"
        "    socket.create_connection(('127.0.0.1', 9))\n"
        "except PermissionError as error:\n"
        "    print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )

    assert done.stdout.strip() == "socket.getaddrinfo"
