"""Say who plays in stories of SEND: public bodies of the configuration, and the files they send."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from contracts.errors import Broken
from runtime.endpoint_configuration import Endpoint
from runtime.notification_configuration import Body, Notifications
from simulator.pki_files import PUBLIC_BODY, read_identity
from simulator.scene import Scene
from simulator.send.acts import PROVINCIA, REGIONE, Act, File, Preload, Upload
from simulator.send.pdf import pdf, signed_pdf
from simulator.send.requests import recipient, request

TEXT: Final = "Notice of the simulator"


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as a request has it, and what of it nobody else may see."""

    members: dict[str, Any] = field(repr=False)

    @property
    def private(self) -> frozenset[str]:
        """Return the texts that must be in no log, header or metric."""
        found = {self.members["taxId"], self.members["denomination"]}
        if "digitalDomicile" in self.members:
            found.add(self.members["digitalDomicile"]["address"])
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class SendCast:
    """The bodies of one endpoint, and where their signing keys lie."""

    endpoint: Endpoint
    section: Notifications
    bodies: dict[str, Body]
    pki: Path
    now: datetime

    def signed(self, *, signer: str = PUBLIC_BODY, pages: int = 1) -> bytes:
        """Return a PDF that a body's seal has signed; made once for each kind."""
        return _signed(self.pki, signer, pages)

    def document(self, rng: Random, content: bytes | None = None) -> File:
        """Return a document under a new name, signed unless `content` is given."""
        return File(f"document-{rng.getrandbits(32):08x}", content or self.signed())

    def sender(self, body: str) -> tuple[str, str]:
        """Return a body's denomination and tax id."""
        return f"{body.capitalize()} di prova", self.bodies[body].tax_id

    def request(
        self,
        name: str,
        document: File,
        people: list[Person],
        *,
        body: str = PROVINCIA,
        **changes: Any,  # noqa: ANN401 - a value of JSON
    ) -> dict[str, Any]:
        """Return a request of `body` to `people`."""
        members = [one.members for one in people]
        sender = self.sender(body)
        return request(name, sender=sender, recipients=members, documents=[document], **changes)


def cast_of(scene: Scene) -> SendCast:
    """Return the cast of a scene.

    Raises:
        Broken: the endpoint is not one that `esito up` wrote, or there is nothing to sign with.
    """
    for endpoint in scene.endpoints.values():
        section = endpoint.notifications
        if section is not None:
            bodies = {one.id: one for one in section.bodies}
            if not {PROVINCIA, REGIONE} <= set(bodies) or not section.pdf.trust_files:
                break
            pki = section.pdf.trust_files[0].parent.parent
            read_identity(pki, PUBLIC_BODY)
            return SendCast(endpoint, section, bodies, pki, scene.now)
    raise Broken(
        "the simulator plays the bodies provincia and regione of an installation that esito up "
        "wrote"
    )


def new_name(rng: Random) -> str:
    """Return a protocol number that nobody has used."""
    return f"sim-{rng.getrandbits(64):016x}"


def new_person(rng: Random, **changes: Any) -> Person:  # noqa: ANN401 - a value of JSON
    """Return somebody new."""
    return Person(recipient(rng, **changes))


def uploads(*files: File, body: str = PROVINCIA) -> tuple[Act, ...]:
    """Return the acts that bring files to the store."""
    return (
        Preload(files=files, body=body),
        *(Upload(file=file, body=body) for file in files),
    )


@cache
def _signed(pki: Path, signer: str, pages: int) -> bytes:
    return signed_pdf(pdf(TEXT, pages=pages), read_identity(pki, signer))
