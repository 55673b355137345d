"""Files: links, hosts and packings as they come; what is broken is never loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.warehouse.run_report import SourceReport
from tests.integration.shortkit_world import ShortkitWorld, open_days, open_single_days, show_day


def export(kind: str, **params: Any) -> dict[str, Any]:
    """A fault of an export."""
    return {"kind": kind, **params}


def file(kind: str, **params: Any) -> dict[str, Any]:
    """A fault of the host of the files."""
    return {"kind": kind, "endpoint": "video_file", **params}


FINE: dict[str, tuple[dict[str, Any], int, int]] = {  # exports and downloads it takes
    "several members": (export("video_members", members=4), 1, 1),
    "plain": (export("video_plain"), 1, 1),
    "encoded": (file("video_encoding", times=-1), 1, 1),
    "packed twice": (file("video_encoding", is_packed_twice=True, times=-1), 1, 1),
    "no ranges": (file("video_no_ranges"), 1, 1),
    "elsewhere on the host": (file("video_redirect", to="own", times=-1), 1, 2),
    "trickle": (file("slow", bytes_per_second=20_000, times=-1), 1, 1),
    "new link": (export("video_link_dead", on_get="new"), 1, 2),
    "gone, new link": (export("video_link_dead", code=410, on_get="new"), 1, 2),
    "same link": (export("video_link_dead", code=404, on_get="same"), 2, 2),
    "expired": (export("video_link_dead", on_get="expired"), 2, 2),
    "wrong length": (file("gzip_wrong_length", off_by=50), 1, 1),  # what came is whole
}


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_single_days(tmp_path_factory.mktemp("fine"), len(FINE)) as world:
        for number, (fault, _, __) in enumerate(FINE.values()):
            world.spoil(-number, **fault)
        world.quietly()
        assert [f["kind"] for f in world.sandbox.faults() if not f["used"]] == []
        yield world


def test_files_are_read_however_they_come(fine: ShortkitWorld) -> None:
    fine.check()
    assert fine.found()["quarantine"] == []


@pytest.mark.parametrize("name", FINE)
def test_a_link_is_asked_for_once_more_and_then_the_export(fine: ShortkitWorld, name: str) -> None:
    day, (_, exports, downloads) = show_day(-list(FINE).index(name)), FINE[name]
    made = [m["id"] for m in fine.creates() if m["body"]["startDate"] == day]
    asked = [d for d in fine.sandbox.shortkit_requests()["downloads"] if d["id"] in made]
    assert len(made) == exports
    assert len(asked) + (name == "elsewhere on the host") >= downloads


def test_no_key_ever_reaches_the_host_of_the_files(fine: ShortkitWorld) -> None:
    downloads = fine.sandbox.shortkit_requests()["downloads"]
    assert len(downloads) >= len(FINE)
    assert {item["has_authorization"] for item in downloads} == {False}
    assert {item["host"] for item in downloads} == {
        fine.sandbox.storage_url.removeprefix("http://")
    }


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "cut off": (file("cut", at_bytes=60), "cut off"),
    "cut and closed": (file("cut", at_bytes=60, framing="clean"), "trailer"),
    "no trailer": (file("gzip_no_trailer"), "trailer"),
    "page": (file("status", code=200, body="html"), "page"),
    "empty": (file("status", code=200, body="empty"), "declares 4"),
    "links are dead": (export("video_link_dead", on_get="same"), "403"),
    "refused": (file("status", code=400), "400"),
    "down": (file("status", code=500), "500"),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """A sync in which several days could not be had, each for a reason of its own."""

    world: ShortkitWorld
    report: SourceReport


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_single_days(tmp_path_factory.mktemp("failed"), 2 + len(BROKEN), retries="1") as world:
        for number, (fault, _) in enumerate(BROKEN.values()):
            world.spoil(-2 - number, **fault, times=-1)
        yield Failed(world, world.sync())


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_not_whole_is_never_loaded(failed: Failed, name: str) -> None:
    day = show_day(-2 - list(BROKEN).index(name))
    assert f"events/{day}" not in failed.world.units()
    (error,) = [text for text in failed.report.errors if text.startswith(f"events/{day}..")]
    assert BROKEN[name][1] in error


def test_files_that_are_broken_stop_no_other_and_heal(failed: Failed) -> None:
    report = failed.report
    assert (report.units_loaded, report.units_failed) == (2, len(BROKEN))
    made = [first for first, _ in failed.world.windows()]
    assert {made.count(day) for day in made} <= {1, 2}
    failed.world.check()
    failed.world.heal()


HOSTS: dict[str, tuple[dict[str, Any], str]] = {
    "link to another host": (export("video_link_host", to="other"), "https://files.example.net"),
    "link to a private address": (export("video_link_host", to="private"), "http://10.20.30.40"),
    "redirect to another host": (file("video_redirect", to="other"), "https://files.example.net"),
    "redirect to a private address": (file("video_redirect", to="private"), "http://10.20.30.40"),
    "redirect to the api": (file("video_redirect", to="api"), "http://127.0.0.1"),
    "link to a file": (export("video_link_host", to="file:///etc"), "a link without a host"),
    "link with a user": (export("video_link_host", to="http://exports@10.0.0.1"), "10.0.0.1"),
    "link to metadata": (export("video_link_host", to="http://169.254.169.254"), "169.254"),
}


def mend_links(world: ShortkitWorld) -> None:
    """Let the vendor give right links to the exports that it has made."""
    for job in world.sandbox.shortkit.jobs.values():
        job.faults = ()


def test_hosts_nobody_allowed_are_refused_with_the_setting(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 1 + len(HOSTS)) as world:
        for number, (fault, _) in enumerate(HOSTS.values()):
            world.spoil(-1 - number, **fault, times=-1)
        report = world.sync()
        assert (report.exit_code, report.units_loaded, report.units_failed) == (2, 1, len(HOSTS))
        for number, (_, host) in enumerate(HOSTS.values()):
            day = show_day(-1 - number)
            (error,) = [text for text in report.errors if text.startswith(f"events/{day}..")]
            assert "sources.shortkit.download_hosts" in error
            assert host in error
            assert "Nothing was sent" in error
        own = world.sandbox.storage_url.removeprefix("http://")
        asked = world.sandbox.shortkit_requests()["downloads"]
        assert {item["host"] for item in asked} == {own}
        mend_links(world)
        world.heal()
        assert len(world.creates()) == 2 + len(HOSTS)  # the same exports, and the look-back


def test_without_a_setting_a_host_on_this_machine_is_refused(tmp_path: Path) -> None:
    with open_days(tmp_path, 1, data_types="ads") as world:
        world.set(download_hosts="")
        report = world.sync()
        assert (report.exit_code, report.units_loaded) == (2, 0)
        assert "exports.shortkit.dev" in report.errors[0]
        assert world.downloads() == 0


def test_names_of_hosts_that_lead_home_are_refused(tmp_path: Path) -> None:
    with open_single_days(tmp_path, 1) as world:
        port = world.sandbox.storage_url.rpartition(":")[2]
        world.sandbox.add_fault("video_link_host", to=f"http://localhost:{port}")
        assert world.sync().exit_code == 2
        assert world.downloads() == 0
