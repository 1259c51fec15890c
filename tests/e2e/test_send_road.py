"""SEND's whole road by plain HTTP, as a new user goes it, and the poller at its other end.

Preload, upload, request, WAITING, IUN, elements, stream pages with acknowledgement, VIEWED. Then a
second Esito reads a stream of the first one, as a public body does that uses SEND elsewhere: both
ends of the same contract.
"""

import asyncio
import base64
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops.local.curl_commands import send_road
from ops.local.installation import Addresses, write_installation
from ops.local.processes import Processes, programs_of
from ops.local.running_installation import create_topics, free_row
from runtime.configuration_file import load_configuration
from simulator.send.pdf import pdf
from tests.e2e.elsewhere import remote_configuration, status_events
from tests.e2e.send_user import SECONDS_MAX, User
from tests.kafka import Kafka
from tests.postgres import Postgres

LIFE = ("SEND_DIGITAL_DOMICILE", "DIGITAL_DELIVERY_CREATION_REQUEST", "NOTIFICATION_VIEWED")
STATUSES = ["ACCEPTED", "DELIVERING", "DELIVERED", "VIEWED"]


@pytest.fixture
async def user(
    kafka: Kafka, postgres: Postgres, tmp_path: Path, topic_prefix: str
) -> AsyncIterator[User]:
    """Give the processes of provider send alone, running."""
    ports = free_row(9)
    file = write_installation(
        tmp_path,
        Addresses(
            kafka=kafka.bootstrap_servers,
            ingress_port=ports,
            intake_port=ports + 1,
            streams_port=ports + 2,
            topic_prefix=topic_prefix,
        ),
    )
    with postgres.database() as database:
        variables = {"ESITO_DATABASE__URL": database.url}
        if database.password_file is not None:
            variables["ESITO_DATABASE__PASSWORD_FILE"] = str(database.password_file)
        configuration = load_configuration(file, environ=variables)
        await create_topics(configuration)
        others = ("pivot", "uaepass", "srtp", "wallet")
        programs = [one for one in programs_of(configuration) if not one.name.endswith(others)]
        async with Processes(
            file,
            programs,
            management_ports=[ports + 3 + place for place in range(len(programs))],
            logs=tmp_path / "logs",
            variables=variables,
        ):
            yield User(tmp_path, configuration)


async def test_road_leads_from_the_upload_slot_to_viewed(user: User) -> None:
    content = pdf("A notice")
    stream = await user.made_stream("STATUS")

    request_id = await user.requested(await user.uploaded(content))
    accepted = await user.status(request_id)
    iun = accepted["iun"]
    answers = [
        await user.told(request_id, iun, category, second) for second, category in enumerate(LIFE)
    ]
    elements = await user.followed(stream, "VIEWED")
    base = f"{user.intake}/delivery/notifications/sent/{iun}"
    document = await user.send_json("GET", f"{base}/attachments/documents/0", "send-provincia")
    loaded = await user.call("GET", document.members["url"], {})
    url = f"{user.intake}/delivery/v2.9/notifications/sent/{iun}"
    sent = await user.send_json("GET", url, "send-provincia")
    stranger = await user.send_json("GET", url, "send-regione")

    assert len(request_id) == 36
    assert iun not in base64.b64decode(request_id).decode("latin-1")
    assert answers == [200, 200, 200]
    assert [one["newStatus"] for one in elements] == STATUSES
    assert {one["iun"] for one in elements} == {iun}
    assert loaded.body == content
    assert sent.members["notificationStatus"] == "VIEWED"
    assert stranger.status == 404


async def test_road_of_the_printed_script_ends_at_viewed(user: User) -> None:
    """What `esito up` writes for curl; without curl and bash on the machine, its URLs at least."""
    url = f"http://127.0.0.1:{user.configuration.ingress.port}"
    script = send_road(user.directory, user.configuration, url=url)

    if shutil.which("curl") is None or shutil.which("bash") is None:
        assert user.intake in script
        return
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", script],
        capture_output=True,
        timeout=SECONDS_MAX,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "status     ACCEPTED" in done.stdout
    assert "notified   VIEWED" in done.stdout
    assert "unread     []" in done.stdout


async def test_stream_of_ours_is_polled_by_an_esito_elsewhere(user: User, tmp_path: Path) -> None:
    stream = await user.made_stream("TIMELINE")
    request_id = await user.requested(await user.uploaded(pdf("A notice")))
    iun = (await user.status(request_id))["iun"]
    for second, category in enumerate(LIFE):
        await user.told(request_id, iun, category, second)
    remote = remote_configuration(tmp_path, user.configuration, stream)
    await create_topics(remote)
    programs = [one for one in programs_of(remote) if one.name != "ingress"]
    ports = [remote.management_port + place for place in range(len(programs))]

    async with Processes(
        tmp_path / "remote.yaml",
        programs,
        management_ports=ports,
        logs=tmp_path / "remote-logs",
    ):
        events = await status_events(remote, len(STATUSES))

    assert [one.name for one in programs] == [
        "poller-send",
        "verifier-send",
        "state-machine-send",
    ]
    assert [event["native_status"] for event in events] == STATUSES
    assert {event["transaction_id"] for event in events} == {request_id}
    assert [event["sequence"] for event in events] == [1, 2, 3, 4]
