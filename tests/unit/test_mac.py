"""Profiles against published vectors and hand-made ones; formats of codes and timestamps."""

from datetime import UTC, datetime

import pytest

from runtime.mac import (
    Encoding,
    Hash,
    MacInput,
    MacProfile,
    Part,
    TimestampFormat,
    compute_mac,
    matching_secret,
    read_mac,
    read_timestamp,
    write_mac,
)

# RFC 4231 §4.3, test case 2: key "Jefe", data "what do ya want for nothing?".
JEFE = b"Jefe"
DATA = b"what do ya want for nothing?"
RFC_4231 = {
    Hash.SHA256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    Hash.SHA384: (
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
        "8e2240ca5e69e2c78b3239ecfab21649"
    ),
    Hash.SHA512: (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    ),
}
# RFC 4231 §4.3 again, as `xxd -r -p | base64` writes it.
IN_BASE64 = b"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
SIGNED = MacInput(
    timestamp=b"1750759001",
    method="POST",
    path="/callbacks",
    target_uri="https://example.org/callbacks?x=1",
    body=DATA,
)


def profile(
    *parts: Part,
    hash_: Hash = Hash.SHA256,
    separator: str = ".",
    encoding: Encoding = Encoding.HEX,
    prefix: str = "",
) -> MacProfile:
    return MacProfile(
        hash_, parts or (Part.BODY,), separator, encoding, TimestampFormat.EPOCH_SECONDS, prefix
    )


@pytest.mark.parametrize("hash_", Hash)
def test_code_over_the_body_is_that_of_rfc_4231(hash_: Hash) -> None:
    assert compute_mac(profile(hash_=hash_), SIGNED, JEFE).hex() == RFC_4231[hash_]


# printf '…' | openssl dgst -sha256 -hmac Jefe
@pytest.mark.parametrize(
    ("parts", "separator", "code"),
    [
        (
            (Part.TIMESTAMP, Part.BODY),
            ".",
            "f855aa1d1affc231fc4df211990c5199fa059bab52fcee2f0ddc1600c8b01b3f",
        ),
        (
            (Part.METHOD, Part.PATH, Part.BODY),
            "",
            "c6baee2d6287a60ad572fc8dafd80e09acecc8cfc29f0c9810068cd218be536a",
        ),
        (
            (Part.TARGET_URI, Part.TIMESTAMP, Part.BODY_SHA256_HEX),
            "\n",
            "3a66763cb0ab41ac38812fa42fffc4b0cd01a92e7d03e9565413d27fdabe0130",
        ),
    ],
)
def test_parts_are_joined_in_the_declared_order(
    parts: tuple[Part, ...], separator: str, code: str
) -> None:
    assert compute_mac(profile(*parts, separator=separator), SIGNED, JEFE).hex() == code


@pytest.mark.parametrize(
    ("encoding", "prefix", "header"),
    [
        (Encoding.HEX, "", RFC_4231[Hash.SHA256].encode()),
        (Encoding.HEX, "sha256=", b"sha256=" + RFC_4231[Hash.SHA256].encode()),
        (Encoding.BASE64, "", IN_BASE64),
        (Encoding.BASE64, "v1,", b"v1," + IN_BASE64),
        (Encoding.BASE64URL, "", IN_BASE64.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=")),
    ],
)
def test_header_is_written_as_declared_and_fits_its_secret(
    encoding: Encoding, prefix: str, header: bytes
) -> None:
    recipe = profile(encoding=encoding, prefix=prefix)

    assert write_mac(recipe, SIGNED, JEFE) == header
    assert matching_secret(recipe, SIGNED, header=header, secrets=[("jefe", JEFE)]) == "jefe"


@pytest.mark.parametrize(
    ("encoding", "prefix", "header"),
    [
        (Encoding.HEX, "", b""),
        (Encoding.HEX, "", b"5bdcc146"),
        (Encoding.HEX, "", b"5"),
        (Encoding.HEX, "", b"zz" * 32),
        (Encoding.HEX, "", b"\xff" * 64),
        (Encoding.HEX, "", IN_BASE64),
        (Encoding.HEX, "", b" " + RFC_4231[Hash.SHA256].encode()),
        (Encoding.HEX, "", b"0x" + RFC_4231[Hash.SHA256].encode()),
        (Encoding.HEX, "sha256=", RFC_4231[Hash.SHA256].encode()),
        (Encoding.HEX, "sha256=", b"SHA256=" + RFC_4231[Hash.SHA256].encode()),
        (Encoding.BASE64, "", RFC_4231[Hash.SHA256].encode()),
        (Encoding.BASE64, "", IN_BASE64 + b"!"),
        (Encoding.BASE64, "", IN_BASE64[:20] + b"\n" + IN_BASE64[20:]),
        (Encoding.BASE64, "", IN_BASE64.rstrip(b"=")),
        (Encoding.BASE64, "", IN_BASE64.rstrip(b"=") + "\uff1d".encode()),
        (Encoding.BASE64URL, "", b"===="),
        (Encoding.BASE64URL, "", b"a"),
    ],
)
def test_header_not_as_declared_fits_no_secret(
    encoding: Encoding, prefix: str, header: bytes
) -> None:
    recipe = profile(encoding=encoding, prefix=prefix)

    assert matching_secret(recipe, SIGNED, header=header, secrets=[("jefe", JEFE)]) is None


def test_base64_of_urls_is_taken_with_and_without_padding() -> None:
    recipe = profile(encoding=Encoding.BASE64URL)
    code = compute_mac(recipe, SIGNED, JEFE)
    unpadded = write_mac(recipe, SIGNED, JEFE)

    assert read_mac(recipe, unpadded) == read_mac(recipe, unpadded + b"=") == code


def test_no_secret_at_all_fits_nothing() -> None:
    recipe = profile()

    for header in (b"", write_mac(recipe, SIGNED, b"")):
        assert matching_secret(recipe, SIGNED, header=header, secrets=[]) is None


def test_the_secret_that_fits_is_named_among_several() -> None:
    recipe = profile()
    secrets = [("one", b"one" * 8), ("jefe", JEFE), ("two", b"two" * 8)]

    header = write_mac(recipe, SIGNED, JEFE)

    assert matching_secret(recipe, SIGNED, header=header, secrets=secrets) == "jefe"


def test_search_goes_on_after_a_hit() -> None:
    recipe = profile()
    secrets = [("one", JEFE), ("other", b"other" * 8), ("two", JEFE)]

    header = write_mac(recipe, SIGNED, JEFE)

    assert matching_secret(recipe, SIGNED, header=header, secrets=secrets) == "two"


@pytest.mark.parametrize(
    ("form", "header", "moment"),
    [
        (
            TimestampFormat.EPOCH_SECONDS,
            b"1750759001",
            datetime(2025, 6, 24, 9, 56, 41, tzinfo=UTC),
        ),
        (TimestampFormat.EPOCH_SECONDS, b"0", datetime(1970, 1, 1, tzinfo=UTC)),
        (
            TimestampFormat.EPOCH_MILLISECONDS,
            b"1750759001250",
            datetime(2025, 6, 24, 9, 56, 41, 250_000, tzinfo=UTC),
        ),
        (
            TimestampFormat.ISO8601,
            b"2025-06-24T09:56:41Z",
            datetime(2025, 6, 24, 9, 56, 41, tzinfo=UTC),
        ),
        (
            TimestampFormat.ISO8601,
            b"2025-06-24T13:56:41.250+04:00",
            datetime(2025, 6, 24, 9, 56, 41, 250_000, tzinfo=UTC),
        ),
    ],
)
def test_timestamp_is_read_in_its_format(
    form: TimestampFormat, header: bytes, moment: datetime
) -> None:
    assert read_timestamp(form, header) == moment


@pytest.mark.parametrize("form", TimestampFormat)
@pytest.mark.parametrize(
    "header",
    [
        b"",
        b" 1750759001",
        b"+1750759001",
        b"-1750759001",
        b"1750759001.5",
        b"1_750_759_001",
        b"0x685a7799",
        b"1e9",
        b"9999999999999999",
        b"999999999999999",
        b"NaN",
        b"\xff\xfe",
        "\u0661\u0667\u0665".encode(),
        b"2025-06-24T09:56:41",  # no offset: the instant would be a guess
        b"2025-06-24",
        b"2025-13-24T09:56:41Z",
        b"now",
    ],
)
def test_timestamp_in_no_format_is_none(form: TimestampFormat, header: bytes) -> None:
    assert read_timestamp(form, header) is None
