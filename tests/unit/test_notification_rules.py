"""From configuration to the rules of SEND, and the key of a month."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import Broken
from contracts.send.problems import Invalid
from contracts.send.request_rules import check_request
from runtime.endpoint_keys import KeyFile, Keys
from runtime.key_ring import Key, KeyRing
from runtime.notification_configuration import Attachments, Body, BodyKey, Notifications
from runtime.notification_rules import month_key, send_rules
from tests.send.requests import COMUNE, attachment, pago_pa, recipient, request

FILE = Path("key")
SECTION = Notifications(
    bodies=(
        Body(
            id="comune",
            tax_id="77777777777",
            keys=(BodyKey(id="k", file=FILE),),
            pades="required",
            addresses_looked_up=True,
            sheets_max=3,
        ),
    ),
    attachments=Attachments(
        slot_keys=(KeyFile(id="k", file=FILE),), recipients_max=5, documents_max=4
    ),
    iun_keys=Keys(keys=(KeyFile(id="k", file=FILE),)),
    iun_half=1,
    tax_ids_accepted=("VRDLNZ80A41F205X",),
    tax_ids_refused=("12345678903",),
    tax_ids_checked=False,
    address_rows_checked=False,
)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
RING = KeyRing(
    (
        Key("old", b"o" * 32, not_after=DECEMBER),
        Key("new", b"n" * 32, not_before=DECEMBER),
    )
)


def test_nobody_may_name_files_without_end_in_an_installation_that_says_nothing() -> None:
    attachments = Attachments(slot_keys=(KeyFile(id="k", file=FILE),))
    rules = send_rules(SECTION.model_copy(update={"attachments": attachments}))
    payments = [pago_pa(noticeCode=f"{number:018}") for number in range(41)]
    members = request(
        recipients=[recipient(payments=payments), *[{}] * 20],
        documents=[attachment(f"document-{number}") for number in range(16)],
    )

    with pytest.raises(Invalid) as caught:
        check_request(members, rules, COMUNE)

    sizes = [one for one in caught.value.errors if one.code.endswith("_SIZE")]
    assert [(one.element, one.detail) for one in sizes] == [
        ("recipients", "more than 20"),
        ("documents", "more than 15"),
        ("recipients.payments", "more than 40 of all recipients"),
    ]


def test_every_rule_is_the_configurations() -> None:
    rules = send_rules(SECTION, RING)

    body = rules.bodies["comune"]
    assert (body.tax_id, body.pades, body.addresses_looked_up, body.sheets_max) == (
        "77777777777",
        "required",
        True,
        3,
    )
    assert (rules.recipients_max, rules.documents_max) == (5, 4)
    assert rules.pdf_bytes_max == SECTION.pdf.bytes_max
    assert (rules.iun_half, rules.tax_ids_checked, rules.address_rows_checked) == (1, False, False)
    assert rules.tax_ids_accepted == {"VRDLNZ80A41F205X"}
    assert rules.tax_ids_refused == {"12345678903"}
    assert rules.iun_key_of("2026-11-30T23:59:59.999999Z") == b"o" * 32


def test_rules_without_keys_make_no_iun() -> None:
    with pytest.raises(Broken, match="iun_keys"):
        send_rules(SECTION).iun_key_of("2026-11-05T00:00:00.000000Z")


@pytest.mark.parametrize(
    ("received_at", "secret"),
    [
        ("2026-11-30T23:59:59.999999Z", b"o" * 32),
        ("2026-12-01T00:00:00.000000Z", b"n" * 32),
    ],
)
def test_key_of_a_month_is_the_one_that_its_beginning_had(received_at: str, secret: bytes) -> None:
    assert month_key(RING, received_at) == secret


def test_key_that_ends_or_begins_within_a_month_changes_nothing_in_it() -> None:
    """Two keys in one month would be two permutations, which could meet in one IUN."""
    middle = datetime(2026, 11, 15, tzinfo=UTC)
    ring = KeyRing(
        (Key("old", b"o" * 32, not_after=middle), Key("new", b"n" * 32, not_before=middle))
    )

    assert month_key(ring, "2026-11-20T00:00:00.000000Z") == b"o" * 32
    assert month_key(ring, "2026-12-20T00:00:00.000000Z") == b"n" * 32


def test_month_without_a_key_is_our_fault() -> None:
    ring = KeyRing((Key("new", b"n" * 32, not_before=datetime(2026, 11, 15, tzinfo=UTC)),))

    with pytest.raises(Broken, match="month's beginning"):
        month_key(ring, "2026-11-20T00:00:00.000000Z")
