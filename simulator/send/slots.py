"""Make slots and versions of the past: their terms cannot be waited for.

The keys are those of the endpoint's own configuration, so what is made here is what the intake made
then.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.errors import Broken
from runtime.key_source import ring_of
from runtime.slots import Slot, open_slot, seal_slot, seal_version
from simulator.send.http import SendHttp


def expired_slot(slot: Mapping[str, str], http: SendHttp) -> dict[str, str]:
    """Return a slot as the intake gives it, made so long ago that it may no longer be used."""
    opened = _opened(slot, http)
    past = opened.made_at - timedelta(minutes=2 * opened.minutes)
    old = seal_slot(replace(opened, made_at=past), ring_of(http.section.attachments.slot_keys))
    base = slot["url"].rpartition("/")[0]
    return {**slot, "url": f"{base}/{old.token}", "secret": old.secret}


def aged_version(slot: Mapping[str, str], bytes_total: int, http: SendHttp) -> str:
    """Return the version token of an upload whose file no request may name any longer."""
    attachments = http.section.attachments
    past = datetime.now(UTC) - timedelta(days=attachments.unused_days + 1)
    ring = ring_of(attachments.slot_keys)
    return seal_version(_opened(slot, http), ring, bytes_total=bytes_total, uploaded_at=past)


def _opened(slot: Mapping[str, str], http: SendHttp) -> Slot:
    token = slot["url"].rpartition("/")[2]
    ring = ring_of(http.section.attachments.slot_keys)
    sealed = open_slot(token, ring, endpoint=http.endpoint.name, at=datetime.now(UTC))
    if sealed is None:
        raise Broken("the intake gave a slot that the configured slot_keys do not open")
    return sealed.slot
