"""Draw bodies, records and updates: honest ones, slightly wrong ones, and noise."""

import json
from typing import Any

from hypothesis import strategies as st

from contracts.raw import RawCallback, Source
from contracts.update import VerifiedUpdate
from tests.conformance.vector import VECTORS
from tests.updates import at, said

PIVOT_SAMPLE = (VECTORS / "pivot" / "sample-paid.json").read_bytes()
UAEPASS_SAMPLE = (VECTORS / "uaepass" / "sample-accepted.json").read_bytes()
SESSION_STATUSES = (
    "REQUIRE_PAYMENT_METHOD",
    "REQUIRE_CONFIRMATION",
    "REQUIRE_ACTION",
    "ACTIVE",
    "PROCESSING",
    "PAID",
    "CANCELLED",
    "EXPIRED",
    "FAILED",
)

header_bytes = st.binary(min_size=1, max_size=40)
texts = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
# Values that are nearly right, or wrong in a way somebody thought of before.
hostile: st.SearchStrategy[Any] = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "1e9",
        "NaN",
        "PAID\n",
        "\u0661",
        "x" * 300,
        -1,
        0,
        1e300,
        [],
        {},
        None,
    ]
)


@st.composite
def mutated_payloads(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw the sample with a few members changed, dropped or added, anywhere in it."""
    payload = json.loads(sample)
    for _ in range(draw(st.integers(1, 4))):
        _mutate(draw, payload)
    return json.dumps(payload).encode()


@st.composite
def mutated_bytes(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw the sample with a stretch of its bytes replaced by others."""
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(len(sample), start + 12)))
    return sample[:start] + draw(st.binary(max_size=12)) + sample[end:]


def bodies(sample: bytes) -> st.SearchStrategy[bytes]:
    """Draw any body: noise, JSON, or the sample changed by structure or by bytes."""
    return st.one_of(
        st.binary(max_size=200),
        json_values.map(lambda value: json.dumps(value).encode()),
        mutated_payloads(sample),
        mutated_bytes(sample),
    )


@st.composite
def raw_callbacks(draw: st.DrawFn, sample: bytes, endpoint: str) -> RawCallback:
    """Draw a callback as the ingress could have stored it, believable or not."""
    names = st.sampled_from(["x-uaepass-signature", "x-timestamp", "x-other"])
    return RawCallback(
        body=draw(bodies(sample)),
        callback_id=draw(texts.filter(_encodable)),
        endpoint=draw(st.sampled_from([endpoint, endpoint, "elsewhere"])),
        source=draw(st.sampled_from(Source)),
        received_at=at(draw(st.integers(-(10**6), 10**6))),
        method=draw(st.sampled_from(["POST", "GET"])),
        target_uri=f"https://example.org/{draw(st.text('abc/?&=%', max_size=10))}",
        principal=draw(st.sampled_from(["", "api_key:current", "api_key:", "hmac:x"])),
        http=draw(st.dictionaries(names, header_bytes, max_size=3)),
    )


@st.composite
def statements(draw: st.DrawFn) -> VerifiedUpdate:
    """Draw an update about one of a few transactions."""
    return said(
        draw(st.sampled_from([*SESSION_STATUSES, "PAYMENT.TEST", "REFUND.SUCCESS"])),
        transaction=draw(st.sampled_from(["t1", "t2", "t3"])),
        amount=draw(st.sampled_from([None, "5", "5.00", "6"])),
        seconds=draw(st.integers(0, 600)),
    )


def _encodable(text: str) -> bool:
    return text.isprintable()


def _mutate(draw: st.DrawFn, payload: Any) -> None:  # noqa: ANN401 - JSON holds any value
    place = payload
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        deeper = isinstance(place[key], dict | list) and place[key]
        if not deeper or draw(st.booleans()):
            break
        place = place[key]
    if isinstance(place, dict) and draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(hostile | json_values)
