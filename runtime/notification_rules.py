"""Turn an endpoint's section `notifications` into the rules that contracts/send judges by. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from contracts.errors import Broken
from contracts.instants import Instant
from contracts.send.rules import BodyRules, SendRules
from runtime.endpoint_configuration import Endpoint
from runtime.key_ring import KeyRing
from runtime.notification_configuration import Body, Notifications


def notifications_of(endpoints: Mapping[str, Endpoint]) -> dict[str, Notifications]:
    """Return the section `notifications` of each endpoint that has one."""
    return {
        name: endpoint.notifications
        for name, endpoint in endpoints.items()
        if endpoint.notifications is not None
    }


def send_rules(section: Notifications, iun_keys: KeyRing | None = None) -> SendRules:
    """Return the rules of an endpoint; without `iun_keys` they can check, and accept nothing."""
    rules = SendRules(
        bodies={body.id: _body_rules(body) for body in section.bodies},
        pdf_bytes_max=section.pdf.bytes_max,
        recipients_max=section.attachments.recipients_max,
        documents_max=section.attachments.documents_max,
        payments_max=section.attachments.payments_max,
        tax_ids_accepted=frozenset(section.tax_ids_accepted),
        tax_ids_refused=frozenset(section.tax_ids_refused),
        tax_ids_checked=section.tax_ids_checked,
        address_rows_checked=section.address_rows_checked,
        iun_half=section.iun_half,
    )
    if iun_keys is None:
        return rules
    return replace(rules, iun_key_of=partial(month_key, iun_keys))


def month_key(ring: KeyRing, received_at: Instant) -> bytes:
    """Return the key that was valid when the month of `received_at` began (UTC).

    One key for the whole month: two would be two permutations, and two places could meet.

    Raises:
        Broken: no key was.
    """
    moment = datetime.fromisoformat(received_at)
    begin = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _, secret in ring.secrets(at=begin):
        return secret
    raise Broken(
        f"iun_keys: none is valid at {begin.date()}; a key's not_before must be a month's beginning"
    )


def _body_rules(body: Body) -> BodyRules:
    return BodyRules(
        id=body.id,
        tax_id=body.tax_id,
        pades=body.pades,
        addresses_looked_up=body.addresses_looked_up,
        sheets_max=body.sheets_max,
    )
