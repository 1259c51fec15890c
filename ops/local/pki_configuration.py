"""Write the part of an endpoint's configuration that trusts a test PKI."""

from pathlib import Path
from textwrap import indent
from typing import Final

from simulator.pki_files import BANKS

_CERTIFICATES: Final = """\
certificates:
  root_files: [{trust}/root.pem]
  intermediate_files: [{trust}/issuing.pem]
  crl_files: [{trust}/issuing.crl]
"""
_PROVIDER: Final = """\
  - id: {bank.id}
    bics: [{bank.bic}]
    leis: [{bank.lei}]
    organization_identifiers: [{bank.organization}]
"""


def pki_configuration(trust: Path, *, spaces: int = 0) -> str:
    """Return `certificates:` and `service_providers:` as YAML, so far to the right."""
    listed = "".join(_PROVIDER.format(bank=bank) for bank in BANKS)
    text = f"{_CERTIFICATES.format(trust=trust)}service_providers:\n{listed}"
    return indent(text, " " * spaces)
