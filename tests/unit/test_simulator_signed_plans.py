"""Plans of providers that sign: what the verifier and the state machine really make of them."""

import json
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import instant
from contracts.provider import Provider
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from contracts.update import Statement
from ops.local.installation import Addresses, write_installation
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import KeySource
from runtime.token_configuration import TokenIssuer
from simulator.plan import Callback, Plan, Step, Story
from simulator.planning import PLAYERS, make_plan
from simulator.scene import scene_of
from workers.state_machine.decide import decide
from workers.state_machine.decision import Outcome, Rules
from workers.state_machine.snapshot import Snapshot
from workers.verifier.jwk import Jwk, parse_jwks
from workers.verifier.policies import Sources, endpoint_policies
from workers.verifier.policy import Policy
from workers.verifier.trust_source import TrustSource
from workers.verifier.verify import verify

NOW = datetime.now(UTC)
SIGNED = ("srtp", "wallet")


@dataclass(slots=True)
class Pipeline:
    """Verifier and state machine of one provider, without the processes around them."""

    provider: Provider
    policies: Mapping[str, Policy]
    rules: Mapping[str, Rules]
    key_set: list[Jwk]
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    def take(self, callback: RawCallback) -> tuple[set[object], set[object]]:
        """Return the status events and anomalies that the callback leads to."""
        statuses: set[object] = set()
        anomalies: set[object] = set()
        waiting = deque(
            verify(callback, provider=self.provider, policies=self.policies, topic="t", at=(0, 0))
        )
        while waiting:
            update = waiting.popleft()
            found = decide(self.snapshots.get(update.key), update, self.rules[update.endpoint])
            for decision in found:
                what = decision.update.what
                if decision.forward is not None:
                    waiting.append(decision.forward)
                if decision.after is not None:
                    self.snapshots[update.key] = decision.after
                if decision.outcome is Outcome.APPLIED:
                    assert isinstance(what, Statement)
                    statuses.add((what.transaction_id, what.native_status))
                if decision.notice is not None:
                    anomalies.add((what.transaction_id, decision.notice.code))
        return statuses, anomalies


@pytest.fixture(scope="module", name="configuration")
def _configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    file = write_installation(tmp_path_factory.mktemp("installation"), Addresses())
    return load_configuration(file, environ={})


@pytest.mark.parametrize("provider", SIGNED)
@pytest.mark.parametrize("seed", range(3))
def test_every_step_leads_where_verifier_and_state_machine_say(
    configuration: Configuration, provider: str, seed: int
) -> None:
    """Compare what a plan's author wrote by hand with what the code computes."""
    pipeline = a_pipeline(configuration, provider)

    wrong = [
        (story.fault, step.statuses, step.anomalies, step.rejection, found)
        for story in a_plan(configuration, provider, seed=seed).stories
        for step, found in computed(story, pipeline, configuration)
        if found != (set(step.statuses), set(step.anomalies), step.rejection)
    ]

    assert wrong == []


@pytest.mark.parametrize("provider", SIGNED)
def test_plan_tells_of_every_fault_and_mostly_of_none(
    configuration: Configuration, provider: str
) -> None:
    told = [story.fault for story in a_plan(configuration, provider).stories]

    assert set(told) == {None, *PLAYERS[provider].faults}
    assert told.count(None) > len(told) / 3


@pytest.mark.parametrize("provider", SIGNED)
def test_plan_of_the_same_seed_tells_the_same(configuration: Configuration, provider: str) -> None:
    """Signatures differ from one time to the next; what must come out of them does not."""
    one, other = (a_plan(configuration, provider, seed=5).expected() for _ in range(2))

    assert one.statuses == other.statuses
    assert one.refusals == other.refusals


@pytest.mark.parametrize("provider", SIGNED)
def test_plan_says_which_texts_are_private_and_sends_them(
    configuration: Configuration, provider: str
) -> None:
    for story in a_plan(configuration, provider).stories:
        assert story.private
        assert all(len(text) >= 11 for text in story.private)


def test_srtp_plan_calls_every_endpoint(configuration: Configuration) -> None:
    called = {one.endpoint for one in a_plan(configuration, "srtp").callbacks}

    assert called == set(configuration.endpoints_of("srtp"))


def test_srtp_plan_has_every_carrier(configuration: Configuration) -> None:
    bodies = [one.body for one in a_plan(configuration, "srtp").callbacks]

    assert any(body.startswith(b"<?xml") and b"<Document" in body for body in bodies)
    assert any(body.startswith(b"<?xml") and b"AppHdr" in body for body in bodies)
    assert any(body.startswith(b"{") and b'"Document": "<' in body for body in bodies)
    assert any(body.startswith(b"{") and b'"Document": "PD94' in body for body in bodies)
    assert any(body.startswith(b"{") and b'"Document": {' in body for body in bodies)


def test_published_key_is_that_of_the_tokens_signed_after_it(configuration: Configuration) -> None:
    plan = a_plan(configuration, "wallet")
    before = {key.kid for key in current_keys(configuration)}

    cues = [step.cue for step in plan.steps if step.cue]

    assert cues
    assert all({one["kid"] for one in json.loads(cue)["keys"]} > before for cue in cues)


def test_server_certificate_is_one_that_its_authority_vouches_for(
    configuration: Configuration,
) -> None:
    issuer = issuer_of(configuration)
    assert issuer.jwks_ca_file is not None
    identities = issuer.jwks_ca_file.parent.parent / "identities"

    context = ssl.create_default_context(cafile=str(issuer.jwks_ca_file))
    context.load_cert_chain(identities / "server.pem", identities / "server.key")

    assert context.cert_store_stats()["x509_ca"] == 1


def a_plan(
    configuration: Configuration, provider: str, *, transactions: int = 120, seed: int = 1
) -> Plan:
    return make_plan(
        provider,
        transactions=transactions,
        faults=PLAYERS[provider].faults,
        seed=seed,
        scene=scene_of(configuration, provider, now=NOW),
    )


def a_pipeline(configuration: Configuration, provider: str) -> Pipeline:
    endpoints = configuration.endpoints_of(provider)
    key_set = current_keys(configuration)

    def key_of(_: TokenIssuer, kid: str | None, alg: str, *__: object) -> Jwk:
        for key in key_set:
            if key.kid == kid and alg in key.algorithms:
                return key
        raise Rejected(RejectionCode.TOKEN_KEY_UNKNOWN, "kid")

    sources = Sources(
        keys=KeySource(endpoints, lambda *_: None),
        trust=TrustSource(endpoints, lambda *_: None),
        key_of=key_of,
    )
    declared = provider_named(provider)
    rules = {
        name: Rules(
            provider=declared,
            registration_required=one.registration == "required",
            early_milliseconds=int(one.early_seconds * 1000),
        )
        for name, one in endpoints.items()
    }
    return Pipeline(declared, endpoint_policies(declared, endpoints, sources), rules, key_set)


def computed(
    story: Story, pipeline: Pipeline, configuration: Configuration
) -> Iterator[tuple[Step, object]]:
    """Yield each step with the status events, anomalies and rejection that the code makes of it."""
    for step in story.steps:
        if step.cue:
            pipeline.key_set[:] = parse_jwks(step.cue.encode())
        statuses: set[object] = set()
        anomalies: set[object] = set()
        rejection = None
        for callback in step.callbacks:
            if callback.answer not in {200, 202}:
                continue  # refused at the door, which is not part of this
            try:
                found = pipeline.take(recorded(callback, configuration))
            except Rejected as error:
                rejection = error.code
                continue
            statuses |= found[0]
            anomalies |= found[1]
        yield step, (statuses, anomalies, rejection)


def recorded(callback: Callback, configuration: Configuration) -> RawCallback:
    """Return what the ingress would have written."""
    endpoint = next(one for one in configuration.endpoints if one.name == callback.endpoint)
    headers = {name.lower(): value for name, value in callback.headers}
    announced = callback.answer == 202
    path, dot, _ = callback.path.partition(".")
    principal = "api_key:local" if announced else "path_token:local" if dot else ""
    kept = provider_named(endpoint.provider).door.kept_headers
    return RawCallback(
        body=callback.body,
        callback_id="c",
        endpoint=endpoint.name,
        source=Source.EXPECTATION if announced else Source.CALLBACK,
        received_at=instant(NOW),
        method="POST",
        target_uri=configuration.ingress.public_url + path,
        principal=principal,
        content_type=headers["content-type"],
        client_certificate=certificate(endpoint, headers),
        http={name: value.encode() for name, value in headers.items() if name in kept},
    )


def certificate(endpoint: Endpoint, headers: Mapping[str, str]) -> bytes:
    section = endpoint.client_certificate
    if section is None or section.header is None:
        return b""
    return b64encode(ssl.PEM_cert_to_DER_cert(unquote(headers[section.header])))


def current_keys(configuration: Configuration) -> list[Jwk]:
    ca_file = issuer_of(configuration).jwks_ca_file
    assert ca_file is not None
    directory: Path = ca_file.parent.parent.parent
    return list(parse_jwks((directory / "wallet" / "jwks.json").read_bytes()))


def issuer_of(configuration: Configuration) -> TokenIssuer:
    for endpoint in configuration.endpoints:
        if endpoint.tokens is not None:
            return endpoint.tokens.issuers[0]
    raise AssertionError
