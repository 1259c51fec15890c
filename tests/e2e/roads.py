"""Name every road of a signed SRTP message, and travel it: over real TLS, to the running ingress.

A road is an endpoint with its schemes, and a carrier. The endpoints are those of `esito up`, which
play the edge's part with a header, and three more where Esito itself ends TLS.
"""

import asyncio
import copy
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp

from contracts.update import Scheme
from simulator.plan import Callback
from simulator.scene import scene_of
from simulator.srtp.cast import Act, Carrier, Cast, caller_of, cast_of
from simulator.srtp.messages import new_message, new_request, report
from tests.e2e.esito import Esito, only_of

BANK_B: Final = "bank-b"
_JSON_OR_XML: Final = (Carrier.JSON_DIRECT, Carrier.JSON_DOCUMENT, Carrier.XML_BODY)
_XML_SIGNATURES: Final = (
    Carrier.XML_TEXT,
    Carrier.XML_BASE64,
    Carrier.XML_BODY,
    Carrier.BUSINESS_MESSAGE,
)
_XMLDSIG, _CERTIFICATE = Scheme.XMLDSIG, Scheme.CLIENT_CERTIFICATE
# What each endpoint's proof says, the strongest scheme first, and what it may be carried in.
_ENDPOINTS: Final[dict[str, tuple[tuple[Scheme, ...], Sequence[Carrier]]]] = {
    "srtp-xmldsig": ((_XMLDSIG,), _XML_SIGNATURES),
    "srtp-detached": ((Scheme.DETACHED_SIGNATURE,), _JSON_OR_XML),
    "srtp-jws": ((Scheme.DETACHED_JWS,), _JSON_OR_XML),
    "srtp-mtls": ((_CERTIFICATE,), _JSON_OR_XML),
    "srtp-tls": ((_CERTIFICATE,), _JSON_OR_XML),
    "srtp-strict": ((_XMLDSIG, _CERTIFICATE), _XML_SIGNATURES),
    "srtp-tls-xmldsig": ((_XMLDSIG, _CERTIFICATE), _XML_SIGNATURES),
    "srtp-tls-detached": ((Scheme.DETACHED_SIGNATURE, _CERTIFICATE), _JSON_OR_XML),
}
# Sections of the endpoints that `esito up` has not.
_BY_HANDSHAKE: Final[dict[str, dict[str, Any]]] = {
    "tls": {},
    "tls-xmldsig": {"xmldsig": {}},
    "tls-detached": {"detached_signature": {}},
}


@dataclass(frozen=True, slots=True)
class Road:
    """One way for a message to come: where to, proven how, carried in what."""

    endpoint: str
    schemes: tuple[Scheme, ...]
    carrier: Carrier

    def __str__(self) -> str:
        """Return the name by which a test is known."""
        return f"{self.endpoint}-{self.carrier}"


ROADS: Final = tuple(
    Road(endpoint, schemes, carrier)
    for endpoint, (schemes, carriers) in _ENDPOINTS.items()
    for carrier in carriers
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One message on one road: as bank A sends it, and as bank B does in A's name.

    `forged` has each way to do so: everything by bank B, and where a road has two schemes, each of
    them alone. `answers` are the statuses in order, those of the forged ones first.
    """

    road: Road
    transaction: str
    true: Callback
    forged: tuple[Callback, ...]
    answers: tuple[int, ...]


def configure(settings: dict[str, Any]) -> None:
    """Let the ingress end TLS, and add the endpoints that see the caller's own certificate."""
    only_of(settings, "srtp")
    ingress = settings["ingress"]
    ingress["public_url"] = ingress["public_url"].replace("http:", "https:")
    ingress["tls"] = {
        "certificate_file": "pki/identities/server.pem",
        "key_file": "pki/identities/server.key",
        "client_ca_file": "pki/trust/root.pem",
    }
    # Half of the callbacks are meant to be rejected: that must not count as a fault of ours.
    settings["worker"] = {"breaker": {"rejected_ratio_max": 1}}
    edge = next(one for one in settings["endpoints"] if one["name"] == "srtp-mtls")
    for name, sections in _BY_HANDSHAKE.items():
        added = copy.deepcopy(edge) | {"client_certificate": {"seen_by": "esito"}, **sections}
        added |= {"name": f"srtp-{name}", "path": f"/srtp/{name}/send", "more_paths": []}
        settings["endpoints"].append(added)


async def travel(esito: Esito) -> list[Journey]:
    """Send every message on every road; return once nothing more can come of them."""
    traveller = _Traveller(esito)
    found = await asyncio.gather(*map(traveller.travel, ROADS))
    assert await esito.reader.wait_until_drained(seconds_max=60)
    return found


class _Traveller:
    """Both banks, and their connections."""

    def __init__(self, esito: Esito) -> None:
        self._scene = scene_of(esito.configuration, "srtp")
        self._cast: Cast = cast_of(self._scene)
        self._pki = esito.directory / "pki"

    async def travel(self, road: Road) -> Journey:
        rng = Random(f"a message on {road}")  # noqa: S311 - chance, no secret
        request, message = new_request(rng), new_message(rng)
        act = Act(
            message=message,
            content=report(message, request, status="ACCP"),
            carrier=road.carrier,
        )
        acts = [*_forged(road, act), act]
        callbacks = [self._callback(road, one) for one in acts]
        # One after the other: were a forged one taken, the true one would be its duplicate.
        answers = [
            await self._post(road, callback, caller_of(one))
            for one, callback in zip(acts, callbacks, strict=True)
        ]
        return Journey(
            road=road,
            transaction=request.id,
            true=callbacks[-1],
            forged=tuple(callbacks[:-1]),
            answers=tuple(answers),
        )

    def _callback(self, road: Road, act: Act) -> Callback:
        # The same chances for all of them: the version of the schema, the digest, the padding.
        rng = Random(f"a request on {road}")  # noqa: S311 - chance, no secret
        return self._cast.callback(rng, self._scene.endpoints[road.endpoint], act)

    async def _post(self, road: Road, callback: Callback, caller: str) -> int:
        section = self._scene.endpoints[road.endpoint].client_certificate
        by_handshake = section is not None and section.seen_by == "esito"
        connector = aiohttp.TCPConnector(
            ssl=_context(self._pki, caller if by_handshake else None), force_close=True
        )
        url = self._scene.public_url + callback.path
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(url, data=callback.body, headers=dict(callback.headers)) as response,
        ):
            return response.status


def _forged(road: Road, act: Act) -> Iterator[Act]:
    """Yield the act as bank B would do it: all of it, and where there are two proofs, one alone."""
    yield replace(act, signer=BANK_B)
    if len(road.schemes) > 1:
        yield replace(act, signer=BANK_B, caller=act.message.speaker.id)
        yield replace(act, caller=BANK_B)


def _context(pki: Path, caller: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=pki / "trust" / "root.pem")
    if caller is not None:
        identity = pki / "identities" / caller
        context.load_cert_chain(identity.with_suffix(".pem"), identity.with_suffix(".key"))
    return context
