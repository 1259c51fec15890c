"""Make raw callbacks as the ingress stores them, signed for real by the simulator's own code."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from random import Random
from typing import Any, Final

from benchmarks.endpoints import CREDENTIAL_TYPE, Keys
from contracts.instants import instant
from contracts.provider import Door
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from runtime.configuration import Configuration
from runtime.identifiers import uuid7
from simulator import pivot, uaepass
from simulator.credentials import credentials_of
from simulator.mdoc import Request, device_response, issue_mdoc
from simulator.people import person, uuid
from simulator.pki import Identity, lasting
from simulator.pki_files import BANKS
from simulator.plan import Presents
from simulator.scene import scene_of
from simulator.sign_detached import signature_headers
from simulator.sign_jws import sign_detached_jws
from simulator.sign_xml import business_message, sign_business_message, sign_document
from simulator.srtp.bodies import carrying, json_body, xml_document
from simulator.srtp.messages import CREDITOR_BIC, Message, new_message, new_request, report, written
from simulator.wallet.cast import WalletCast
from simulator.wallet.files import read_wallet_keys

JSON: Final = "application/json"
XML: Final = "application/xml"
_SPEAKERS: Final = {bank.id: bank for bank in BANKS}
_BODY_BYTES_MAX: Final = 1_048_576  # asked for by stories of too large bodies alone


@dataclass(frozen=True)
class Callbacks:
    """Makes callbacks to the endpoints of one configuration, each about something new."""

    configuration: Configuration
    keys: Keys
    rng: Random
    now: datetime

    def pivot(self) -> RawCallback:
        """Return one that an API key authenticates."""
        session = pivot.new_session(self.rng, payment_type="SINGLE")
        session = session.with_charge("charge-1", 10_001)
        body = pivot.callback_body("PAYMENT.PAID", session, status="PAID")
        return self._raw("pivot", body, principal="api_key:local")

    def uaepass(self) -> RawCallback:
        """Return one with an HMAC over timestamp and body."""
        endpoint = self.configuration.endpoints_of("uaepass")["uaepass"]
        story = uaepass.ordinary_story(self.rng, _BODY_BYTES_MAX)
        body = story.steps[0].callbacks[0].body
        credentials = credentials_of(endpoint, public_url=self.configuration.ingress.public_url)
        headers = credentials.headers(body, Presents.CORRECT, now=self.now)
        return self._raw("uaepass", body, principal="api_key:local", headers=headers)

    def xml_body(self, endpoint: str, bank: str) -> RawCallback:
        """Return an XML document as the body, with the bank's signature inside."""
        message = self._message(bank)
        return self._raw(endpoint, self._signed_document(message, bank), media_type=XML)

    def xml_in_json(self, bank: str, *, in_base64: bool) -> RawCallback:
        """Return a signed XML document as a text in JSON."""
        signed = self._signed_document(self._message(bank), bank)
        text = b64encode(signed).decode() if in_base64 else signed.decode()
        return self._raw("srtp-xmldsig", carrying({"Document": text}))

    def business_message(self, bank: str) -> RawCallback:
        """Return a business message with the signature in its header."""
        message = self._message(bank)
        unsigned = business_message(
            self._document(message),
            sender=message.speaker.bic,
            receiver=CREDITOR_BIC,
            identifier=message.id,
            created=written(message.created),
            definition="pain.014.001.07",
        )
        body = sign_business_message(unsigned, self._banks[bank])
        return self._raw("srtp-xmldsig", body, media_type=XML)

    def detached(self, bank: str) -> RawCallback:
        """Return JSON with a signature in the X-SRTP-Signature headers."""
        body = json_body(self._report(self._message(bank)))
        given = {"Content-Type": JSON, "X-Request-ID": uuid(self.rng)}
        signed = signature_headers(
            self._banks[bank], target_uri=self._target("srtp-detached"), body=body, headers=given
        )
        return self._raw("srtp-detached", body, headers={**given, **signed})

    def detached_jws(self, bank: str) -> RawCallback:
        """Return JSON with a detached JWS in a header."""
        body = json_body(self._report(self._message(bank)))
        headers = {"x-jws-signature": sign_detached_jws(body, self._banks[bank])}
        return self._raw("srtp-jws", body, headers=headers)

    def wallet(self, *, templates: int) -> RawCallback:
        """Return a verification of so many templates, each with an ES256 token."""
        return self._verification("wallet", [self._sd_jwt() for _ in range(templates)])

    def sd_jwt(self) -> RawCallback:
        """Return a verification of one template whose SD-JWT we verify ourselves."""
        return self._verification("wallet-presentations", [self._sd_jwt()])

    def mdoc(self) -> RawCallback:
        """Return a verification of one template whose mdoc we verify ourselves."""
        who, life = person(self.rng), lasting(self.now)
        elements = {"given_name": who.given_name, "family_name": who.surname, "email": who.email}
        credential = issue_mdoc(
            CREDENTIAL_TYPE, {CREDENTIAL_TYPE: elements}, self.keys.mdoc_signer, life=life
        )
        request = Request("gateway", uuid(self.rng), "https://gateway.example.org/response")
        presentation = device_response([credential.present(request)])
        return self._verification("wallet-presentations", [presentation])

    def _verification(self, endpoint: str, presentations: list[str]) -> RawCallback:
        cast = self._wallet_cast(endpoint)
        begun, verification = cast.begin(self.rng), uuid(self.rng)
        tokens = {
            str(template): cast.sign(cast.claims(self.rng, one, verification_id=verification))
            for template, one in enumerate(presentations, 7)
        }
        entries = {name: {"token": one, "status": "COMPLETED"} for name, one in tokens.items()}
        sent = cast.callback(begun, {"tokens": entries})
        return self._raw(endpoint, sent.body, below=f"/{begun.id}", principal="path_token:local")

    def _sd_jwt(self) -> str:
        presentation, _ = self._wallet_cast("wallet").presentation(self.rng)
        return presentation

    def _wallet_cast(self, name: str) -> WalletCast:
        return self._wallet_casts[name]

    @cached_property
    def _wallet_casts(self) -> Mapping[str, WalletCast]:
        scene = scene_of(self.configuration, "wallet", now=self.now)
        keys = read_wallet_keys(self.keys.directory / "wallet")
        return {
            name: WalletCast(endpoint, endpoint.tokens.issuers[0], keys, scene)
            for name, endpoint in scene.endpoints.items()
            if endpoint.tokens is not None
        }

    @cached_property
    def _banks(self) -> Mapping[str, Identity]:
        return {name: self.keys.bank(name) for name in _SPEAKERS}

    def _message(self, bank: str) -> Message:
        return new_message(self.rng, speaker=_SPEAKERS[bank])

    def _report(self, message: Message) -> dict[str, Any]:
        return report(message, new_request(self.rng), status="ACCP")

    def _document(self, message: Message) -> bytes:
        return xml_document(self._report(message), "07")

    def _signed_document(self, message: Message, bank: str) -> bytes:
        return sign_document(self._document(message), self._banks[bank])

    def _target(self, endpoint: str) -> str:
        named = {one.name: one for one in self.configuration.endpoints}
        return self.configuration.ingress.public_url + named[endpoint].path

    def _raw(
        self,
        endpoint: str,
        body: bytes,
        *,
        principal: str = "",
        media_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        below: str = "",
    ) -> RawCallback:
        kept = _kept(provider_named(endpoint.partition("-")[0]).door)
        return RawCallback(
            body=body,
            callback_id=uuid7(int(self.now.timestamp() * 1000)),
            endpoint=endpoint,
            source=Source.CALLBACK,
            received_at=instant(self.now),
            method="POST",
            target_uri=self._target(endpoint) + below,
            principal=principal,
            content_type=media_type,
            http={
                name.lower(): value.encode()
                for name, value in (headers or {}).items()
                if name.lower() in kept
            },
        )


def _kept(door: Door) -> frozenset[str]:
    return frozenset(name.lower() for name in (*door.stored_headers, *door.kept_headers))
