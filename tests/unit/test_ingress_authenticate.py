"""Who is calling is decided by one header field that comes once, and by keys valid at that time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from multidict import CIMultiDict

from contracts.codes import RefusalCode
from contracts.provider import Door
from ingress.authenticate import (
    Refused,
    Signed,
    authenticate_api_key,
    authenticate_hmac,
    single_field,
)
from runtime.endpoint_configuration import Hmac
from runtime.key_ring import Key, KeyRing
from runtime.mac import MacInput, write_mac

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
SECRET: Final = b"a-secret-of-the-unit-tests"
HEADER: Final = "x-api-key"
DOOR: Final = Door(
    provider="any",
    credentials=("api_key", "hmac"),
    signature_header="x-signature",
    timestamp_header="x-timestamp",
)
HMAC: Final = Hmac.model_validate(
    {
        "keys": [{"id": "h", "file": "unused"}],
        "hash": "sha256",
        "parts": ["timestamp", "body"],
        "separator": ".",
        "encoding": "hex",
        "timestamp_format": "epoch_seconds",
        "tolerance_seconds": 300,
        "golden_vector_file": Path("unused"),
    }
)


def ring(*keys: Key) -> KeyRing:
    return KeyRing(keys)


def refusal_of(values: list[str], keys: KeyRing) -> RefusalCode:
    fields = CIMultiDict((HEADER, value) for value in values)
    with pytest.raises(Refused) as refusal:
        authenticate_api_key(fields, keys, header=HEADER, at=NOW)
    return refusal.value.code


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], RefusalCode.CREDENTIALS_MISSING),
        ([""], RefusalCode.CREDENTIALS_MISSING),
        ([SECRET.decode(), SECRET.decode()], RefusalCode.CREDENTIALS_AMBIGUOUS),
        ([SECRET.decode(), ""], RefusalCode.CREDENTIALS_AMBIGUOUS),
        ([SECRET.decode() + " "], RefusalCode.CREDENTIALS_WRONG),
        ([SECRET.decode()[:-1]], RefusalCode.CREDENTIALS_WRONG),
        ([SECRET.decode().upper()], RefusalCode.CREDENTIALS_WRONG),
        (["ключ"], RefusalCode.CREDENTIALS_WRONG),
        (["\udcff\udcfe"], RefusalCode.CREDENTIALS_WRONG),
        (["\x00"], RefusalCode.CREDENTIALS_WRONG),
        (["x" * 8_000], RefusalCode.CREDENTIALS_WRONG),
    ],
)
def test_api_key_that_is_not_one_right_field_is_refused(
    values: list[str], code: RefusalCode
) -> None:
    assert refusal_of(values, ring(Key("a", SECRET))) == code


def test_api_key_of_bytes_that_are_no_text_is_compared_as_bytes() -> None:
    secret = b"\xff\xfe\xed\xa0\x80 sixteen bytes"
    fields = CIMultiDict({HEADER: secret.decode("utf-8", "surrogateescape")})

    key_id = authenticate_api_key(fields, ring(Key("b", secret)), header=HEADER, at=NOW)

    assert key_id == "b"


@pytest.mark.parametrize(("secret", "key_id"), [(SECRET, "old"), (b"another" + SECRET, "new")])
def test_two_keys_at_once_each_is_taken_under_its_id(secret: bytes, key_id: str) -> None:
    keys = ring(Key("old", SECRET), Key("new", b"another" + SECRET))
    fields = CIMultiDict({"X-API-KEY": secret.decode()})

    assert authenticate_api_key(fields, keys, header=HEADER, at=NOW) == key_id


@pytest.mark.parametrize(
    ("begin", "end", "is_valid"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + timedelta(microseconds=1), None, False),
        (None, NOW + timedelta(microseconds=1), True),
        (None, NOW, False),
    ],
)
def test_key_is_taken_in_its_time_alone(
    begin: datetime | None, end: datetime | None, *, is_valid: bool
) -> None:
    keys = ring(Key("a", SECRET, begin, end))
    fields = CIMultiDict({HEADER: SECRET.decode()})

    if is_valid:
        assert authenticate_api_key(fields, keys, header=HEADER, at=NOW) == "a"
    else:
        assert refusal_of([SECRET.decode()], keys) == RefusalCode.CREDENTIALS_WRONG


def test_key_of_another_case_of_header_name_is_found() -> None:
    assert single_field(CIMultiDict({"X-Api-KEY": "v"}), HEADER) == b"v"


@pytest.mark.parametrize(
    ("age_seconds", "is_stale"),
    [(0, False), (300, False), (-300, False), (301, True), (-301, True)],
)
def test_hmac_outside_the_tolerance_is_stale_and_not_refused(
    age_seconds: int, *, is_stale: bool
) -> None:
    signed = mac_input(str(int(NOW.timestamp()) - age_seconds).encode())

    outcome = authenticated(signed, write_mac(HMAC.profile, signed, SECRET))

    assert (outcome.key_id, outcome.stale) == ("h", is_stale)


@pytest.mark.parametrize(
    "timestamp", [b"", b"now", b"1e9", b"-5", b"\xff", "٣".encode(), b"9" * 99]
)
def test_hmac_over_a_timestamp_that_is_none_is_refused(timestamp: bytes) -> None:
    signed = mac_input(timestamp)

    with pytest.raises(Refused) as refusal:
        authenticated(signed, write_mac(HMAC.profile, signed, SECRET))

    assert refusal.value.code == RefusalCode.TIMESTAMP_MALFORMED


@pytest.mark.parametrize("signature", [b"", b"00", b"zz" * 32, b"\xff" * 64, b"0" * 63, b"0" * 64])
def test_hmac_that_is_not_the_computed_one_is_refused_whatever_the_timestamp(
    signature: bytes,
) -> None:
    with pytest.raises(Refused) as refusal:
        authenticated(mac_input(b"no timestamp"), signature)

    assert refusal.value.code == RefusalCode.CREDENTIALS_WRONG


def mac_input(timestamp: bytes) -> MacInput:
    return MacInput(
        timestamp=timestamp, method="POST", path="/p", target_uri="https://x/p", body=b"{}"
    )


def authenticated(signed: MacInput, signature: bytes) -> Signed:
    return authenticate_hmac(
        {"x-signature": signature, "x-timestamp": signed.timestamp},
        ring(Key("h", SECRET)),
        door=DOOR,
        hmac=HMAC,
        signed=signed,
        at=NOW,
    )
