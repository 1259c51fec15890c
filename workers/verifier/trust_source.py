"""Read trusted certificates and revocation lists from files, again when they change.

As with key rings (`runtime/key_source.py`), a broken file never replaces a good Trust, and contents
are compared, not times. A revocation list that is not renewed in time is no broken file: what it
does not name is then `unknown`, and `unknown_revocation` says what becomes of that.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from contracts.errors import Broken
from runtime.endpoint_configuration import Endpoint
from runtime.signature_configuration import Certificates
from workers.verifier.certificates import Trust, fingerprint
from workers.verifier.trust_files import certificates_in, read_trust_file, revocation_list_in

_Contents = Mapping[Path, bytes]
_Digests = Mapping[Path, bytes]  # a large revocation list is not kept to be compared with


class TrustSource:
    """The Trust of each endpoint that has one, as last read; `of` is a dictionary lookup."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], on_reload: Callable[[str, str], None]
    ) -> None:
        """Read every file once.

        `on_reload(endpoint, outcome)` hears `taken` or the reason a changed file was refused.

        Raises:
            Broken: a file is missing, or is not what its key says.
        """
        self._sections = {
            name: endpoint.certificates
            for name, endpoint in endpoints.items()
            if endpoint.certificates is not None
        }
        self._on_reload = on_reload
        self._read: dict[str, _Digests] = {}
        self._refused: dict[str, str] = {}
        self._trusts: dict[str, Trust] = {}
        for name, section in self._sections.items():
            contents = _contents(section)
            self._trusts[name], self._read[name] = _trust(section, contents), _digests(contents)

    def of(self, endpoint: str) -> Trust | None:
        """Return the Trust of the endpoint of this name; None if it has no `certificates`."""
        return self._trusts.get(endpoint)

    def reload(self) -> None:
        """Take what changed; keep the old Trust of an endpoint whose files are now broken."""
        for name, section in self._sections.items():
            try:
                contents = _contents(section)
                digests = _digests(contents)
                if digests == self._read[name]:
                    self._refused.pop(name, None)
                    continue
                trust = _trust(section, contents)
            except Broken as error:
                if self._refused.get(name) != str(error):
                    self._refused[name] = str(error)
                    self._on_reload(name, str(error))
                continue
            self._trusts[name], self._read[name] = trust, digests
            self._refused.pop(name, None)
            self._on_reload(name, "taken")

    async def watch(self, *, every_seconds: float) -> None:
        """Reload again and again until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.reload()


def load_trust(certificates: Certificates) -> Trust:
    """Return the Trust that a `certificates` section describes.

    Raises:
        Broken: a file is missing, or is not what its key says.
    """
    return _trust(certificates, _contents(certificates))


def _contents(section: Certificates) -> _Contents:
    files = (
        *section.root_files,
        *section.pinned_files,
        *section.intermediate_files,
        *section.crl_files,
    )
    return {file: read_trust_file(file) for file in files}


def _digests(contents: _Contents) -> _Digests:
    return {file: sha256(content).digest() for file, content in contents.items()}


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
