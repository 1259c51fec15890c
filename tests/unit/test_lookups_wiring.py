"""Requests of public bodies: who may have sent them, what they need, what is laid beside them."""

import json
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Broken, Rejected, Unavailable
from contracts.needs import AddressNeed, FileNeed
from contracts.provider import Provider
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from contracts.update import Expectation
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import EndpointKeys
from runtime.metrics import Metrics
from runtime.object_store import ObjectStore
from runtime.service_configuration import ObjectStore as StoreSettings
from tests.send.requests import REQUEST_ID, RULES, found, request
from tests.stored_files import ENDPOINT, SECRET, notifications
from tests.updates import PIVOT, at
from workers.verifier.notification_sources import NotificationSources
from workers.verifier.policies import what_is_missing
from workers.verifier.policy import Policy
from workers.verifier.verify import needs_of, verify

SEND = provider_named("send")
API_KEY = {"keys": [{"id": "d", "file": "delivery.key"}]}


def endpoint(provider: Provider = SEND, **settings: Any) -> Endpoint:  # noqa: ANN401 - as Endpoint
    return Endpoint(name=ENDPOINT, provider=provider.name, path="/callbacks/send", **settings)


def policies(**settings: Any) -> dict[str, Policy]:  # noqa: ANN401 - as Endpoint
    given = {"notifications": notifications(), "api_key": API_KEY, **settings}
    policy = Policy(endpoint(**given), SEND.door, EndpointKeys, settings=lambda: RULES)
    return {ENDPOINT: policy}


def raw(**changes: Any) -> RawCallback:  # noqa: ANN401 - members of RawCallback
    given = {
        "body": json.dumps(request()).encode(),
        "callback_id": "c",
        "endpoint": ENDPOINT,
        "source": Source.REQUEST,
        "received_at": at(),
        "method": "POST",
        "target_uri": "https://send.example.org/delivery/v2.6/requests",
        "principal": "api_key:comune.2026",
        "content_type": "application/json",
        "transaction_id": REQUEST_ID,
        **changes,
    }
    return RawCallback(**given)


def code_of(callback: RawCallback) -> RejectionCode:
    with pytest.raises(Rejected) as caught:
        verify(callback, provider=SEND, policies=policies(), topic="raw", at=(0, 0))
    return caught.value.code


def test_request_needs_its_files_and_addresses() -> None:
    needs = needs_of(raw(), provider=SEND, policies=policies())

    assert {name: type(need) for name, need in needs.items()} == {
        "file:0": FileNeed,
        "address:0": AddressNeed,
    }


def test_request_with_all_it_needs_is_judged_by_place_settings_and_evidence() -> None:
    callback, given = raw(), policies()
    evidence = found(needs_of(callback, provider=SEND, policies=given))

    updates = verify(
        callback, provider=SEND, policies=given, topic="raw", at=(1, 7), evidence=evidence
    )
    elsewhere = verify(
        callback, provider=SEND, policies=given, topic="raw", at=(1, 8), evidence=evidence
    )

    (verdict,), (other,) = updates, elsewhere
    assert isinstance(verdict.what, Expectation)
    assert isinstance(other.what, Expectation)
    assert verdict.what.then is not None
    assert verdict.what.then.native_status == "ACCEPTED"
    assert verdict.what.assigned["iun"] != other.what.assigned["iun"]
    assert (verdict.proof.scheme, verdict.proof.key_id, verdict.proof.signer) == (
        "api_key",
        "comune.2026",
        "comune",
    )


def test_request_that_nothing_was_looked_up_for_waits() -> None:
    with pytest.raises(Unavailable):
        verify(raw(), provider=SEND, policies=policies(), topic="raw", at=(0, 0))


def test_record_of_which_only_the_beginning_is_stored_is_not_judged_by_it() -> None:
    whole = raw()
    cut = replace(whole, cut_from=len(whole.body) + 1)

    assert RawCallback.from_record(cut.body, cut.headers()) == cut
    assert code_of(cut) is RejectionCode.BODY_TOO_LARGE


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        ("", RejectionCode.PRINCIPAL_MISSING),
        ("api_key:", RejectionCode.PRINCIPAL_MISSING),
        ("api_key:delivery", RejectionCode.PRINCIPAL_MISSING),
        ("api_key:other.2026", RejectionCode.PRINCIPAL_MISSING),
        ("path_token:comune.2026", RejectionCode.PRINCIPAL_MISSING),
        ("api_key:comune", RejectionCode.KEY_UNKNOWN),
        ("api_key:comune.2025", RejectionCode.KEY_UNKNOWN),
    ],
)
def test_request_must_come_from_a_body_by_a_key_of_its_own(
    principal: str, code: RejectionCode
) -> None:
    assert code_of(raw(principal=principal)) == code


def test_what_cannot_be_judged_has_no_needs_to_tell() -> None:
    for callback in (raw(body=b"{"), raw(principal=""), raw(endpoint="nowhere")):
        with pytest.raises(Rejected):
            needs_of(callback, provider=SEND, policies=policies())


@pytest.mark.parametrize("source", [Source.CALLBACK, Source.EXPECTATION])
def test_what_is_no_request_needs_nothing(source: Source) -> None:
    callback = raw(source=source, principal="api_key:d", body=b"{}")

    assert needs_of(callback, provider=SEND, policies=policies()) == {}
    assert needs_of(raw(), provider=replace(SEND, needs=None), policies=policies()) == {}


def test_endpoint_says_what_it_lacks_and_what_is_not_its_own() -> None:
    section = notifications()
    remote = {"url": "https://x/v2.8", "stream_id": "s", "api_key_file": "k"}

    assert "needs the key notifications" in what_is_missing(SEND, endpoint(api_key=API_KEY))
    assert what_is_missing(SEND, endpoint(api_key=API_KEY, notifications=section)) == ""
    assert what_is_missing(SEND, endpoint(api_key=API_KEY, remote_stream=remote)) == ""
    assert "remove the key notifications" in what_is_missing(
        PIVOT, endpoint(PIVOT, api_key=API_KEY, notifications=section)
    )


def sources(
    directory: Path,
    metrics: Metrics | None = None,
    **pdf: Any,  # noqa: ANN401 - the section pdf
) -> tuple[NotificationSources, list[str]]:
    for name in ("slots.key", "iun.key"):
        (directory / name).write_bytes(SECRET)
    section = notifications(
        attachments={"slot_keys": [{"id": "slots", "file": directory / "slots.key"}]},
        iun_keys={"keys": [{"id": "iun", "file": directory / "iun.key"}]},
        pdf=pdf,
    )
    heard: list[str] = []
    store = ObjectStore(StoreSettings(url=(directory / "store").as_uri()))
    made = NotificationSources(
        {ENDPOINT: endpoint(notifications=section), "other": endpoint(PIVOT)},
        store,
        metrics or Metrics(),
        lambda _, outcome: heard.append(outcome),
    )
    return made, heard


def test_rules_follow_the_files_of_their_keys_and_never_a_broken_one(tmp_path: Path) -> None:
    made, heard = sources(tmp_path)
    rules = made.rules(ENDPOINT)

    made.reload()
    same = made.rules(ENDPOINT) is rules
    (tmp_path / "iun.key").write_bytes(b"another-key-of-these-tests-0123456789")
    made.reload()
    renewed = made.rules(ENDPOINT)
    (tmp_path / "slots.key").write_bytes(b"")
    made.reload()
    made.reload()

    assert same
    assert rules is not None
    assert renewed is not None
    assert rules.iun_key_of(at()) != renewed.iun_key_of(at())
    assert made.rules(ENDPOINT) is renewed
    assert heard[0] == "taken"
    assert len(heard) == 2
    assert made.rules("other") is None


def test_ends_of_the_keys_of_slots_and_iuns_are_metrics(tmp_path: Path) -> None:
    metrics = Metrics()

    sources(tmp_path, metrics)

    for credential, key in (("slot_keys", "slots"), ("iun_keys", "iun")):
        labels = {"endpoint": ENDPOINT, "credential": credential, "key_id": key}
        ends = metrics.registry.get_sample_value("esito_keys_expiry_timestamp_seconds", labels)
        assert ends == inf


def test_trust_file_that_holds_no_certificate_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("no certificate")

    with pytest.raises(Broken, match=r"root\.pem"):
        sources(tmp_path, trust_files=[tmp_path / "root.pem"])
