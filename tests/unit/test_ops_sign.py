"""One signed request as a curl command: what a shell reads of it is what the simulator sends."""

import copy
import itertools
import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from contracts.errors import Broken
from ops.command_line import endpoint_named
from ops.local.installation import Addresses, write_installation
from ops.signed_request import SignedRequest, Wish, signed_request
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from simulator.srtp.cast import Carrier

WISH = Wish(carrier=Carrier.XML_TEXT, seed=7)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """Return an installation with one more endpoint, which sees the caller's certificate itself."""
    file = write_installation(tmp_path_factory.mktemp("sign"), Addresses())
    settings = yaml.safe_load(file.read_text())
    edge = next(one for one in settings["endpoints"] if one["name"] == "srtp-mtls")
    own = {"name": "srtp-tls", "path": "/srtp/tls/send", "more_paths": []}
    handshake = {"client_certificate": {"seen_by": "esito"}}
    settings["endpoints"].append(copy.deepcopy(edge) | own | handshake)
    settings["ingress"]["public_url"] = "https://127.0.0.1:8080"
    file.write_text(yaml.safe_dump(settings))
    return load_configuration(file, environ={})


def signed(configuration: Configuration, endpoint: str, wish: Wish = WISH) -> SignedRequest:
    return signed_request(configuration, endpoint_named(configuration, endpoint), wish)


def options(request: SignedRequest) -> dict[str, str]:
    """Return the options of the command as a shell gives them to curl; a header by its name."""
    found: dict[str, str] = {}
    for name, value in itertools.pairwise(shlex.split(request.curl())):
        field, _, text = value.partition(": ")
        found |= {field: text} if name == "-H" else {name: value}
    return found


def test_curl_has_url_headers_and_body_as_they_are_signed(configuration: Configuration) -> None:
    request = signed(configuration, "srtp-detached", replace(WISH, carrier=Carrier.XML_BODY))

    found = options(request)

    assert found["-i"] == "https://127.0.0.1:8080/srtp/detached/send"
    assert found["--data-binary"].encode() == request.callback.body
    for name, text in request.callback.headers:
        assert found[name] == text


def test_same_seed_is_the_same_message_whoever_signs(configuration: Configuration) -> None:
    true = signed(configuration, "srtp-xmldsig")
    forged = signed(configuration, "srtp-xmldsig", replace(WISH, signer="bank-b"))

    documents = [
        json.loads(one.callback.body)["AsynchronousSepaRequestToPayResponse"]["Document"]
        for one in (true, forged)
    ]

    unsigned = {document.partition("<ds:Signature")[0] for document in documents}
    assert len(unsigned) == 1
    assert documents[0] != documents[1]
    assert true.transaction_id == forged.transaction_id


def test_client_certificate_of_our_own_handshake_is_an_option_of_curl(
    configuration: Configuration,
) -> None:
    wish = Wish(carrier=Carrier.JSON_DIRECT, caller="bank-b")

    found = options(signed(configuration, "srtp-tls", wish))

    assert Path(found["--cert"]).name == "bank-b-tls.pem"
    assert Path(found["--key"]).name == "bank-b-tls.key"
    assert Path(found["--cacert"]).name == "root.pem"
    assert all(Path(found[name]).exists() for name in ("--cert", "--key", "--cacert"))


@pytest.mark.parametrize(
    ("endpoint", "wish", "message"),
    [
        ("pivot-local", WISH, "only srtp is signed so"),
        ("srtp-detached", WISH, "takes no xml-text; it takes json-direct"),
        ("srtp-xmldsig", replace(WISH, speaker="bank-c"), "no bank bank-c"),
        ("srtp-xmldsig", replace(WISH, signer="nobody"), "nobody"),
    ],
)
def test_wish_that_cannot_be_granted_says_why(
    configuration: Configuration, endpoint: str, wish: Wish, message: str
) -> None:
    with pytest.raises(Broken, match=message):
        signed(configuration, endpoint, wish)
