"""Write the attacks of tests/xml_attacks.py as vectors: `python -m tests.vectors.srtp.xml_once`.

The unit tests make these documents anew in every run, with keys of that run. Here one run is
recorded, with the certificates that signed it, so that they also go the whole way from the request
to the verdict and a change of the maker cannot take an attack away unseen.
"""

from pathlib import Path
from typing import Final

from tests.updates import NOON
from tests.vectors.srtp.callbacks import XML
from tests.vectors.writing import request, write
from tests.xml_attacks import attacks
from tests.xml_signing import BANK, EC_BANK, OTHER_BANK

DIRECTORY: Final = Path(__file__).parent
BODY_BYTES_MAX: Final = 65_536  # of the endpoint; larger ones are refused before they are read


def main() -> None:
    """Write certificates and vectors."""
    for name, issued in (("bank", BANK), ("other-bank", OTHER_BANK), ("ec-bank", EC_BANK)):
        (DIRECTORY / "pki" / "trust" / f"xml-{name}.pem").write_bytes(issued.pem)
    received_at = NOON.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    files = {}
    for name, code, document in attacks():
        body = document if isinstance(document, bytes) else document.encode()
        if len(body) <= BODY_BYTES_MAX:
            files[f"rejected/{code}/xml-{name}.http"] = request(
                endpoint="srtp-xml-pinned",
                received_at=received_at,
                target="/xml-pinned/send",
                headers=[("Content-Type", XML.encode())],
                body=body,
            )
    write(DIRECTORY, files)


if __name__ == "__main__":
    main()
