"""Secrets change while the ingress runs: a good file is taken, a broken one is not."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.processes import until
from tests.integration.callers import API_KEY, call, request, signed_request
from tests.integration.ingress import Ingress, running

NEW_KEY = b"a-new-api-key-of-these-tests-0123456789"


async def test_replaced_file_new_key_is_taken_and_old_one_refused(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(make_ingress()) as ingress:
        before = await statuses(ingress, API_KEY, NEW_KEY)

        replace(ingress.directory / "a.key", NEW_KEY)
        await until(lambda: reloads(ingress, "taken") == 1, "the new key is taken")
        after = await statuses(ingress, API_KEY, NEW_KEY)

        assert (before, after) == ([200, 401], [401, 200])
        assert ingress.process is not None
        assert ingress.process.count("keys.taken", endpoint="pivot-id") == 1
        assert NEW_KEY.decode() not in ingress.log_text()


async def test_broken_file_is_refused_and_the_old_key_stays(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(make_ingress()) as ingress:
        replace(ingress.directory / "a.key", b"short")
        await until(lambda: reloads(ingress, "refused") == 1, "the broken file is refused")

        after = await statuses(ingress, API_KEY, b"short")

        assert after == [200, 401]
        assert ingress.process is not None
        (line,) = [
            one
            for one in ingress.process.lines()
            if one["event"] == "keys.refused" and one["endpoint"] == "pivot-id"
        ]
        assert "a.key" in line["reason"]
        assert "short" not in line["reason"].replace("too short", "")


async def test_missing_file_is_refused_once_and_taken_when_it_is_back(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(make_ingress()) as ingress:
        file = ingress.directory / "a.key"
        file.unlink()
        await until(lambda: reloads(ingress, "refused") == 1, "the missing file is noticed")
        without = await statuses(ingress, API_KEY)

        replace(file, NEW_KEY)
        await until(lambda: reloads(ingress, "taken") == 1, "the new key is taken")
        after = await statuses(ingress, API_KEY, NEW_KEY)

        assert (without, after) == ([200], [401, 200])
        assert reloads(ingress, "refused") == 1


async def test_kubernetes_symlink_swap_is_noticed(make_ingress: Callable[..., Ingress]) -> None:
    """A mounted secret is `key → ..data/key`, and `..data` is swapped as a whole."""
    ingress = make_ingress()
    mount = ingress.directory
    (mount / "a.key").unlink()
    point_data_at(mount, "..2026_11_20", API_KEY)
    (mount / "a.key").symlink_to("..data/a.key")
    async with running(ingress):
        before = await statuses(ingress, API_KEY, NEW_KEY)

        point_data_at(mount, "..2026_11_21", NEW_KEY)
        await until(lambda: reloads(ingress, "taken") == 1, "the new key is taken")
        after = await statuses(ingress, API_KEY, NEW_KEY)

    assert (before, after) == ([200, 401], [401, 200])


async def test_changed_mac_secret_is_taken(make_ingress: Callable[..., Ingress]) -> None:
    async with running(make_ingress()) as ingress:
        replace(ingress.directory / "hmac.key", NEW_KEY)
        await until(lambda: reloads(ingress, "taken", endpoint="uaepass-gov") == 1, "it is taken")

        old = await call(ingress.port, signed_request(b"{}"))
        new = await call(ingress.port, signed_request(b"{}", secret=NEW_KEY))

    assert (old.status, new.status) == (401, 200)


async def test_metrics_name_the_key_that_authenticated(
    make_ingress: Callable[..., Ingress],
) -> None:
    async with running(make_ingress()) as ingress:
        await statuses(ingress, API_KEY, API_KEY, b"wrong-key-0123456789")
        await call(ingress.port, signed_request(b"{}"))

        counts = [
            ingress.metric(
                "esito_ingress_credentials_total",
                endpoint=endpoint,
                credential=credential,
                key_id=key_id,
            )
            for endpoint, credential, key_id in (
                ("pivot-id", "api_key", "a"),
                ("pivot-id", "api_key", "b"),
                ("uaepass-gov", "hmac", "h"),
            )
        ]

    assert counts == [2, 0, 1]


async def statuses(ingress: Ingress, *keys: bytes) -> list[int]:
    return [(await call(ingress.port, request(key=key))).status for key in keys]


def reloads(ingress: Ingress, outcome: str, *, endpoint: str = "pivot-id") -> float:
    return ingress.metric("esito_keys_reloads_total", endpoint=endpoint, outcome=outcome)


def replace(file: Path, content: bytes) -> None:
    """Write as a careful operator does: the file is never half written."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


def point_data_at(mount: Path, name: str, key: bytes) -> None:
    (mount / name).mkdir()
    (mount / name / "a.key").write_bytes(key)
    link = mount / "..data_tmp"
    link.symlink_to(name)
    link.replace(mount / "..data")
