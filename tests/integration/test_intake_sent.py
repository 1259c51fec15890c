"""Accepted notifications: detail, files, cancellation; each for its sender alone."""

import hashlib
import json
import secrets
from base64 import b64encode
from typing import Any

import pytest

from contracts.raw import RawCallback
from contracts.send.iun import iun_of
from tests.integration.intake import Answer, Intake
from tests.integration.intake_settings import GROUP_KEY, OTHER_KEY
from tests.send.requests import F24, f24, pago_pa, recipient, request

PDF = b"%PDF-1.7 " + b"a" * 100_000
CATEGORIES = ("REQUEST_ACCEPTED", "SEND_DIGITAL_DOMICILE", "VALIDATED_F24", "NOTIFICATION_VIEWED")
STATUSES = ("ACCEPTED", "DELIVERING", "DELIVERING", "VIEWED")


def new_iun() -> str:
    """Return an IUN that no other test has."""
    return iun_of((0, secrets.randbelow(2**40)), "2026-11-05T09:56:41.250000Z", key=b"k" * 32)


async def uploaded(intake: Intake, content: bytes, kind: str) -> dict[str, Any]:
    """Upload a file by slot; return it as a request names it."""
    digest = b64encode(hashlib.sha256(content).digest()).decode()
    item = {"sha256": digest, "contentType": f"application/{kind}", "preloadIdx": "0"}
    path = "/delivery/attachments/preload"
    (slot,) = json.loads((await intake.call("POST", path, body=json.dumps([item]).encode())).text)
    answer = await intake.call(
        "PUT",
        slot["url"].removeprefix("https://send.example.org"),
        key=None,
        body=content,
        headers={
            "Content-Type": item["contentType"],
            "x-amz-meta-secret": slot["secret"],
            "x-amz-checksum-sha256": digest,
        },
    )
    assert answer.status == 200, answer.text
    return {
        "digests": {"sha256": digest},
        "contentType": item["contentType"],
        "ref": {"key": slot["key"], "versionToken": answer.headers["x-amz-version-id"]},
    }


async def accepted(intake: Intake, **changes: Any) -> tuple[str, str, dict[str, Any]]:  # noqa: ANN401 - a value of JSON
    """Return IUN, request id and members of a notification that was accepted and viewed."""
    members = request(**{"paProtocolNumber": secrets.token_hex(8), **changes})
    answer = await intake.send(members)
    identifier, iun = answer.members["notificationRequestId"], new_iun()
    steps = zip(STATUSES, CATEGORIES, strict=True)
    await intake.tell(identifier, [event(iun, *step) for step in steps])
    return iun, identifier, members


def event(iun: str, status: str, category: str) -> dict[str, Any]:
    references = {
        "iun": iun,
        "sender": "comune",
        "element": category,
        "element_id": f"{category}.IUN_{iun}",
    }
    return {"native_status": status, "references": references}


async def detail(intake: Intake, iun: str, **options: Any) -> Answer:  # noqa: ANN401 - of `call`
    return await intake.call("GET", f"/delivery/v2.9/notifications/sent/{iun}", **options)


async def file_of(intake: Intake, iun: str, rest: str, **options: Any) -> Answer:  # noqa: ANN401 - of `call`
    path = f"/delivery/notifications/sent/{iun}/attachments/{rest}"
    return await intake.call("GET", path, **options)


async def test_notification_shows_its_request_its_history_and_its_timeline(
    shared_intake: Intake,
) -> None:
    iun, _, members = await accepted(shared_intake)

    answer = await detail(shared_intake, iun)

    shown = answer.members
    history = [
        (step["status"], len(step["relatedTimelineElements"]))
        for step in shown["notificationStatusHistory"]
    ]
    assert answer.status == 200
    assert members.items() <= shown.items()
    assert (shown["iun"], shown["senderPaId"], shown["documentsAvailable"]) == (iun, "comune", True)
    assert shown["notificationStatus"] == "VIEWED"
    assert history == [("IN_VALIDATION", 0), ("ACCEPTED", 1), ("DELIVERING", 2), ("VIEWED", 1)]
    assert [one["category"] for one in shown["timeline"]] == [
        one for one in CATEGORIES if one != "VALIDATED_F24"
    ]
    assert all(one["notificationSentAt"] == shown["sentAt"] for one in shown["timeline"])


async def test_notification_keeps_its_status_when_its_events_are_kept_no_longer(
    shared_intake: Intake,
) -> None:
    iun, identifier, _ = await accepted(shared_intake)
    await shared_intake.query("DELETE FROM streams.events WHERE transaction_id = $1", identifier)

    answer = await detail(shared_intake, iun)

    steps = [one["status"] for one in answer.members["notificationStatusHistory"]]
    assert answer.members["notificationStatus"] == "VIEWED"
    assert steps == ["IN_VALIDATION", "VIEWED"]


async def test_notification_of_another_body_is_like_one_that_there_is_not(
    shared_intake: Intake,
) -> None:
    iun, _, _ = await accepted(shared_intake)

    answers = [
        await detail(shared_intake, iun, key=OTHER_KEY),
        await detail(shared_intake, iun, key=GROUP_KEY),
        await detail(shared_intake, new_iun()),
        await file_of(shared_intake, iun, "documents/0", key=OTHER_KEY),
        await shared_intake.call(
            "PUT", f"/delivery-push/v2.0/notifications/cancel/{iun}", key=OTHER_KEY
        ),
    ]

    assert {one.status for one in answers} == {404}
    assert {tuple(one.codes) for one in answers} == {("PN_DELIVERY_NOTIFICATIONNOTFOUND",)}


@pytest.mark.parametrize("iun", ["x", "AAAA-TXUA-MHGP-202309-Z-1", "AJMN-TXUA-MHGP-202309-A-1"])
async def test_what_is_no_iun_is_refused(shared_intake: Intake, iun: str) -> None:
    answer = await detail(shared_intake, iun)

    assert (answer.status, answer.codes) == (400, ["PN_GENERIC_INVALIDPARAMETER"])


async def test_document_is_described_and_loaded_by_its_link_without_a_key(
    shared_intake: Intake,
) -> None:
    document = await uploaded(shared_intake, PDF, "pdf")
    iun, _, _ = await accepted(shared_intake, documents=[document])

    described = await file_of(shared_intake, iun, "documents/0")
    link = described.members["url"].removeprefix("https://send.example.org")
    loaded = await shared_intake.call("GET", link, key=None)

    assert described.members == {
        "filename": f"{iun}__document_0.pdf",
        "contentType": "application/pdf",
        "contentLength": len(PDF),
        "sha256": document["digests"]["sha256"],
        "url": described.members["url"],
    }
    assert loaded.text.encode() == PDF
    assert loaded.headers["Content-Length"] == str(len(PDF))
    assert loaded.headers["Content-Disposition"].startswith("attachment")
    assert loaded.headers["Cache-Control"] == "private, no-store"


async def test_changed_link_opens_nothing(shared_intake: Intake) -> None:
    document = await uploaded(shared_intake, PDF, "pdf")
    iun, _, _ = await accepted(shared_intake, documents=[document])
    described = await file_of(shared_intake, iun, "documents/0")
    link = described.members["url"].removeprefix("https://send.example.org")
    at = len("/downloads/")

    answers = [
        await shared_intake.call("GET", changed, key=None)
        for changed in (link[:at] + "A" + link[at:], link[:-4], "/downloads/x", link[:at] + "Z" * 9)
    ]

    assert {(one.status, *one.codes) for one in answers} == {(404, "PN_DELIVERY_FILEINFONOTFOUND")}


async def test_payment_attachments_are_described_by_recipient_and_payment(
    shared_intake: Intake,
) -> None:
    form = await uploaded(shared_intake, PDF + b"form", "pdf")
    metadata = await uploaded(shared_intake, F24, "json")
    code = f"{secrets.randbelow(10**18):018}"
    pagopa, tax = pago_pa(noticeCode=code, attachment=form), f24(apply_cost=False)
    tax["f24"]["metadataAttachment"] = metadata
    iun, _, _ = await accepted(shared_intake, recipients=[recipient(payments=[pagopa, tax])])

    notice = await file_of(shared_intake, iun, "payment/0/PAGOPA")
    written = await file_of(shared_intake, iun, "payment/0/F24", params={"attachmentIdx": "1"})
    absent = [
        await file_of(shared_intake, iun, "payment/0/F24"),
        await file_of(shared_intake, iun, "payment/1/PAGOPA"),
        await file_of(shared_intake, iun, "payment/0/PAGOPA", params={"attachmentIdx": "2"}),
        await file_of(shared_intake, iun, "documents/7"),
        await file_of(shared_intake, iun, "documents/0"),  # named, and never uploaded
    ]

    assert notice.members["sha256"] == form["digests"]["sha256"]
    assert notice.members["filename"] == f"{iun}__PAGOPA_0_0.pdf"
    assert written.members["sha256"] == metadata["digests"]["sha256"]
    assert written.members["contentType"] == "application/json"
    assert {(one.status, *one.codes) for one in absent} == {(404, "PN_DELIVERY_FILEINFONOTFOUND")}


@pytest.mark.parametrize(
    "rest", ["payment/0/BOLLO", "payment/x/F24", "payment/0/F24?attachmentIdx=-1", "documents/x"]
)
async def test_file_that_is_not_named_as_published_is_refused(
    shared_intake: Intake, rest: str
) -> None:
    iun, _, _ = await accepted(shared_intake)

    answer = await file_of(shared_intake, iun, rest)

    assert (answer.status, answer.codes) == (400, ["PN_GENERIC_INVALIDPARAMETER"])


async def test_cancellation_is_stored_as_a_record_of_the_same_transaction(
    shared_intake: Intake,
) -> None:
    iun, identifier, _ = await accepted(shared_intake)
    path = f"/delivery-push/v2.0/notifications/cancel/{iun}"

    answer = await shared_intake.call("PUT", path)

    records = [one for one in await shared_intake.stored() if one.key.decode() == identifier]
    (raw,) = [
        found
        for one in records
        if (found := RawCallback.from_record(one.value, one.headers)).method == "PUT"
    ]
    assert answer.status == 202
    assert answer.members["status"] == "OK"
    assert [one["code"] for one in answer.members["details"]] == [
        "NOTIFICATION_CANCELLATION_ACCEPTED"
    ]
    assert json.loads(raw.body) == {"cancel": iun}
    assert (raw.transaction_id, raw.source, raw.principal) == (
        identifier,
        "request",
        "api_key:comune.a",
    )


async def test_cancelled_notification_is_not_cancelled_again(shared_intake: Intake) -> None:
    members = request(paProtocolNumber=secrets.token_hex(8))
    sent = await shared_intake.send(members)
    identifier, iun = sent.members["notificationRequestId"], new_iun()
    await shared_intake.tell(identifier, [event(iun, "CANCELLED", "NOTIFICATION_CANCELLED")])

    answer = await shared_intake.call("PUT", f"/delivery-push/v2.0/notifications/cancel/{iun}")

    records = [one for one in await shared_intake.stored() if one.key.decode() == identifier]
    assert answer.status == 202
    assert answer.members["details"][0]["code"] == "NOTIFICATION_ALREADY_CANCELLED"
    assert len(records) == 1
