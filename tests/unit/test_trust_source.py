"""Trust from files: taken when they change, and never replaced by a broken one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contracts.codes import RejectionCode
from contracts.errors import Broken
from runtime.endpoint_configuration import Endpoint
from runtime.signature_configuration import Certificates
from tests.certificates import (
    Issued,
    checked,
    intermediate,
    leaf,
    load_trust,
    pem,
    refusal,
    revocation_list,
    root,
)
from tests.updates import NOON
from workers.verifier.trust_source import TrustSource

ROOT = root()
ISSUING_CA = intermediate(ROOT)
BANK = leaf(ISSUING_CA)


class Reloads(list[tuple[str, str]]):
    """What a trust source reported."""

    def __call__(self, endpoint: str, outcome: str) -> None:
        self.append((endpoint, outcome))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    (tmp_path / "issuing.pem").write_bytes(ISSUING_CA.pem)
    (tmp_path / "bank.pem").write_bytes(BANK.pem)
    (tmp_path / "ca.crl").write_bytes(written(revocation_list(ISSUING_CA)))
    return tmp_path


def written(crl: x509.CertificateRevocationList, encoding: Encoding = Encoding.DER) -> bytes:
    return crl.public_bytes(encoding)


def section(folder: Path) -> Certificates:
    return Certificates(
        root_files=(folder / "root.pem",),
        intermediate_files=(folder / "issuing.pem",),
        crl_files=(folder / "ca.crl",),
    )


def source(folder: Path, reloads: Reloads) -> TrustSource:
    endpoint = Endpoint(name="bank", provider="srtp", path="/send", certificates=section(folder))
    plain = Endpoint(name="plain", provider="pivot", path="/pivot")
    return TrustSource({"bank": endpoint, "plain": plain}, reloads)


def is_trusted(one: Issued, by: TrustSource) -> bool:
    trust = by.of("bank")
    assert trust is not None
    return checked(one, by=trust) == one.fingerprint


def code(one: Issued, by: TrustSource) -> RejectionCode:
    trust = by.of("bank")
    assert trust is not None
    return refusal(one, by=trust)


def test_section_becomes_the_trust_it_describes(folder: Path) -> None:
    described = Certificates(
        root_files=(folder / "root.pem",),
        pinned_files=(folder / "bank.pem",),
        crl_files=(folder / "ca.crl",),
        intermediate_files=(folder / "issuing.pem",),
        unknown_revocation="reject",
        skew_seconds=5,
    )

    trust = load_trust(described)

    assert trust.roots == (ROOT.certificate,)
    assert trust.pinned == {BANK.fingerprint: BANK.certificate}
    assert trust.intermediates == (ISSUING_CA.certificate,)
    assert trust.reject_unknown
    assert trust.skew == timedelta(seconds=5)
    assert checked(BANK, by=trust) == BANK.fingerprint


def test_endpoint_without_the_section_has_no_trust(folder: Path) -> None:
    trusts = source(folder, Reloads())

    assert trusts.of("plain") is None
    assert trusts.of("absent") is None
    assert is_trusted(BANK, trusts)


def test_file_may_hold_several_certificates_with_text_between_them(folder: Path) -> None:
    other = root("Other Root")
    text = b"subject=CN=\xe9\n" + ROOT.pem + b"\n# second\n" + other.pem + b"end"
    (folder / "root.pem").write_bytes(text)

    assert load_trust(section(folder)).roots == (ROOT.certificate, other.certificate)


def test_revocation_list_may_be_pem_or_der(folder: Path) -> None:
    for encoding in (Encoding.PEM, Encoding.DER):
        crl = revocation_list(ISSUING_CA, BANK)
        (folder / "ca.crl").write_bytes(written(crl, encoding))

        assert load_trust(section(folder)).crls == (crl,)


def test_new_revocation_list_is_taken(folder: Path) -> None:
    reloads = Reloads()
    trusts = source(folder, reloads)
    assert is_trusted(BANK, trusts)
    (folder / "ca.crl").write_bytes(written(revocation_list(ISSUING_CA, BANK)))

    trusts.reload()

    assert code(BANK, trusts) is RejectionCode.CERTIFICATE_REVOKED
    assert reloads == [("bank", "taken")]


def test_new_root_is_taken_and_the_former_is_not_kept(folder: Path) -> None:
    trusts = source(folder, Reloads())
    other = root("Other Root")
    (folder / "root.pem").write_bytes(other.pem)

    trusts.reload()

    assert is_trusted(leaf(other), trusts)
    assert code(BANK, trusts) is RejectionCode.CERTIFICATE_UNTRUSTED


def test_unchanged_files_are_not_reported_and_what_is_known_is_kept(folder: Path) -> None:
    reloads = Reloads()
    trusts = source(folder, reloads)
    before = trusts.of("bank")
    (folder / "root.pem").write_bytes(ROOT.pem)

    trusts.reload()

    assert trusts.of("bank") is before
    assert reloads == []


def test_revocation_list_that_was_not_renewed_is_taken_and_covers_nobody(folder: Path) -> None:
    due = NOON - timedelta(days=1)
    late = revocation_list(ISSUING_CA, this_update=due - timedelta(days=1), next_update=due)
    (folder / "ca.crl").write_bytes(written(late))
    strict = section(folder).model_copy(update={"unknown_revocation": "reject"})

    assert checked(BANK, by=load_trust(section(folder))) == BANK.fingerprint
    unknown = refusal(BANK, by=load_trust(strict))
    assert unknown is RejectionCode.CERTIFICATE_STATUS_UNKNOWN


def _remove(file: Path) -> None:
    file.unlink()


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-60])


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("name", ["root.pem", "issuing.pem", "ca.crl"])
@pytest.mark.parametrize("break_it", [_remove, _empty, _cut, _folder])
def test_broken_file_is_refused_once_by_its_name_and_the_former_trust_stays(
    folder: Path, name: str, break_it: Callable[[Path], None]
) -> None:
    reloads = Reloads()
    trusts = source(folder, reloads)
    break_it(folder / name)

    trusts.reload()
    trusts.reload()

    assert is_trusted(BANK, trusts)
    assert [endpoint for endpoint, _ in reloads] == ["bank"]
    assert reloads[0][1].startswith(f"{folder / name}: ")


@pytest.mark.parametrize("name", ["root.pem", "issuing.pem", "ca.crl"])
def test_broken_file_is_refused_at_the_start(folder: Path, name: str) -> None:
    _cut(folder / name)

    with pytest.raises(Broken, match=name):
        source(folder, Reloads())


def test_repaired_file_is_taken_and_breaking_again_is_reported_again(folder: Path) -> None:
    reloads = Reloads()
    trusts = source(folder, reloads)
    for content in (b"", pem(ROOT, root("Other Root")), b""):
        (folder / "root.pem").write_bytes(content)
        trusts.reload()

    assert [outcome == "taken" for _, outcome in reloads] == [False, True, False]


def test_restored_file_is_not_reported_as_taken(folder: Path) -> None:
    reloads = Reloads()
    trusts = source(folder, reloads)
    for content in (b"", ROOT.pem, b""):
        (folder / "root.pem").write_bytes(content)
        trusts.reload()

    assert [outcome == "taken" for _, outcome in reloads] == [False, False]


def test_revocation_list_of_a_stranger_is_refused(folder: Path) -> None:
    """Nobody could ever be found revoked by it, and the operator would not know."""
    (folder / "ca.crl").write_bytes(written(revocation_list(root("Other Root"))))

    with pytest.raises(Broken, match="name its issuer's certificate in intermediate_files"):
        load_trust(section(folder))


def test_revocation_list_in_a_name_that_nobody_has_is_refused(folder: Path) -> None:
    renamed = Issued(root("Another Name").certificate, ISSUING_CA.key)
    (folder / "ca.crl").write_bytes(written(revocation_list(renamed)))

    with pytest.raises(Broken, match="none of the endpoint's certificates signed"):
        load_trust(section(folder))


def test_two_revocation_lists_in_one_file_are_refused(folder: Path) -> None:
    """The library would read the first alone."""
    one = written(revocation_list(ISSUING_CA), Encoding.PEM)
    (folder / "ca.crl").write_bytes(one + one)

    with pytest.raises(Broken, match="give each a file"):
        load_trust(section(folder))


def test_revocation_list_of_another_version_is_refused(folder: Path) -> None:
    """The library has an exception of its own for it."""
    crl = written(revocation_list(ISSUING_CA))
    (folder / "ca.crl").write_bytes(crl.replace(b"\x02\x01\x01", b"\x02\x01\x07", 1))

    with pytest.raises(Broken, match=r"ca\.crl: no revocation list"):
        load_trust(section(folder))


def test_delta_list_is_refused(folder: Path) -> None:
    delta = revocation_list(ISSUING_CA, extensions=[(x509.DeltaCRLIndicator(1), True)])
    (folder / "ca.crl").write_bytes(written(delta))

    with pytest.raises(Broken, match="delta list"):
        load_trust(section(folder))


def test_certificate_in_der_is_refused_with_the_command_that_converts_it(folder: Path) -> None:
    (folder / "root.pem").write_bytes(ROOT.der)

    with pytest.raises(Broken, match=r"0 certificates in PEM.*openssl x509 -inform der"):
        load_trust(section(folder))


def test_weak_root_is_refused(folder: Path) -> None:
    (folder / "root.pem").write_bytes(root("Weak Root", key_type="rsa-1024").pem)

    with pytest.raises(Broken, match=r"root.pem: certificate 1 has an RSA key of less than 2048"):
        load_trust(section(folder))
