"""The ingress writes the headers that contracts.raw describes, and contracts.raw reads them."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.raw import RawCallback, Source
from ingress.record_headers import RecordHeaders

# Header values as aiohttp gives them: any bytes, decoded with surrogateescape.
FIELD_VALUES = st.binary(max_size=40).map(lambda value: value.decode("utf-8", "surrogateescape"))
TARGETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)
URL = "https://callbacks.example.org/"


@given(
    content_type=FIELD_VALUES,
    target=TARGETS,
    principal=st.sampled_from(["", "api_key:a", "api_key:a hmac:b", "path_token:k"]),
    client_certificate=st.sampled_from(["", "MAA=", "MAEA"]),
    traceparent=st.sampled_from(["", f"00-{'a' * 32}-{'b' * 16}-01"]),
    stored=st.dictionaries(st.sampled_from(["x-signature", "x-timestamp"]), st.binary(max_size=20)),
    source=st.sampled_from(list(Source)),
)
def test_written_headers_are_those_of_the_contract(
    *,
    content_type: str,
    target: str,
    principal: str,
    client_certificate: str,
    traceparent: str,
    stored: dict[str, bytes],
    source: Source,
) -> None:
    expected = RawCallback(
        body=b"",
        callback_id="01a1fdb8-84da-7a28-be3e-256e87c79d48",
        endpoint="pivot-id",
        source=source,
        received_at="2026-11-21T10:48:10.714243Z",
        method="POST",
        target_uri=URL + target,
        principal=principal,
        content_type=content_type,
        traceparent=traceparent,
        client_certificate=client_certificate.encode(),
        http=stored,
    )
    headers = RecordHeaders(endpoint="pivot-id", source=source, method="POST", public_url=URL)

    written = headers.build(
        callback_id=expected.callback_id,
        received_at=expected.received_at,
        path="/" + target,
        principal=principal,
        content_type=content_type,
        traceparent=traceparent,
        stored=stored,
        client_certificate=client_certificate,
    )

    assert sorted(written) == sorted(expected.headers())
    assert RawCallback.from_record(b"", written) == expected
