"""Read trusted certificates and revocation lists from files, again when they change.

A broken file never replaces a good Trust. A revocation list that is not renewed in time is no
broken file: what it does not name is then `unknown`, and `unknown_revocation` says what becomes of
that.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from runtime.endpoint_configuration import Endpoint
from runtime.reloaded import Reading, Reloaded
from runtime.signature_configuration import Certificates
from workers.verifier.certificates import Trust, fingerprint
from workers.verifier.trust_files import certificates_in, read_trust_file, revocation_list_in

_Contents = Mapping[Path, bytes]


class TrustSource(Reloaded[Certificates, Trust]):
    """The Trust of each endpoint that has one, as last read; `of` is a dictionary lookup."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once; `on_reload` is that of a Reloaded.

        Raises:
            Broken: a file is missing, or is not what its key says.
        """
        sections = {
            name: endpoint.certificates
            for name, endpoint in endpoints.items()
            if endpoint.certificates is not None
        }
        super().__init__(sections, _reading, on_reload)

    def of(self, endpoint: str) -> Trust | None:
        """Return the Trust of the endpoint of this name; None if it has no `certificates`."""
        return self._values.get(endpoint)


def _reading(section: Certificates) -> Reading[Trust]:
    contents = _contents(section)
    # A large revocation list is not kept to be compared with.
    digests = {file: sha256(content).digest() for file, content in contents.items()}
    return digests, partial(_trust, section, contents)


def _contents(section: Certificates) -> _Contents:
    files = (
        *section.root_files,
        *section.pinned_files,
        *section.intermediate_files,
        *section.crl_files,
    )
    return {file: read_trust_file(file) for file in files}


def _trust(section: Certificates, contents: _Contents) -> Trust:
    roots = _certificates(section.root_files, contents)
    pinned = _certificates(section.pinned_files, contents)
    intermediates = _certificates(section.intermediate_files, contents)
    known = (*roots, *pinned, *intermediates)
    return Trust(
        roots=roots,
        pinned={fingerprint(one): one for one in pinned},
        intermediates=intermediates,
        crls=tuple(revocation_list_in(file, contents[file], known) for file in section.crl_files),
        reject_unknown=section.unknown_revocation == "reject",
        skew=timedelta(seconds=section.skew_seconds),
    )


def _certificates(files: tuple[Path, ...], contents: _Contents) -> tuple[x509.Certificate, ...]:
    return tuple(one for file in files for one in certificates_in(file, contents[file]))
