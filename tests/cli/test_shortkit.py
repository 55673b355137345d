"""The commands on ShortKit's days and jobs, on the machine's clock."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.cli.conftest import call
from tests.integration.shortkit_world import (
    ALONE,
    ShortkitWorld,
    fill_day,
    open_days,
    show_day,
    video_rows,
    with_shortkit,
)
from tests.integration.test_shortkit_live import DAYS

NEWEST = DAYS[-1]
KEY = "SOURCES__SHORTKIT__"


@pytest.fixture
def shortkit(places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ShortkitWorld]:
    """Three days up to yesterday, of a vendor who is quick."""
    scenario = replace(with_shortkit(ALONE, prepare_s=0.01), clock="real", start=None)
    with open_days(places, 1, scenario, start=show_day(DAYS[0])) as world:
        for place in DAYS:
            fill_day(world, place, 4)
        for key, value in (world.sandbox.env | world.env).items():
            if key.startswith(KEY):
                monkeypatch.setenv(key, value)
        yield world


def part_of(said: Any) -> dict[str, Any]:
    found: dict[str, Any] = said.json["sources"]["shortkit"]
    return found


def test_plan_sync_verify_and_status(shortkit: ShortkitWorld) -> None:
    (planned,) = call("plan", "--json").json["sources"].values()
    assert (planned["requests"], planned["quota_per_day"]) == (2, 20)
    assert shortkit.creates() == []
    said = call("sync", "shortkit", "--json")
    assert (said.exit_code, part_of(said)["units_loaded"], part_of(said)["rows_loaded"]) == (
        0,
        2,
        27,
    )
    verified = call("verify", "--json").json
    assert (verified["ok"], verified["units"], verified["rows"]) == (True, 9, 27)
    assert "shortkit" in call("status").stdout
    shortkit.check()


def test_a_schedule_that_would_break_the_quota_is_refused_with_the_arithmetic(
    shortkit: ShortkitWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{KEY}RUNS_PER_DAY", "24")
    for verb in ("plan", "sync"):
        said = call(verb, "shortkit", "--json")
        assert said.exit_code == 2
        assert "24 runs make 48 a day" in said.stdout
        assert "takes 20, of which 2 are kept for retries" in said.stdout
        assert "9 runs a day fit" in said.stdout
    assert shortkit.creates() == []


def test_a_held_day_is_named_and_a_backfill_takes_it(shortkit: ShortkitWorld) -> None:
    assert call("sync", "shortkit").exit_code == 0
    shortkit.put_rows(NEWEST, video_rows(NEWEST, 1, mark="short"))
    said = call("sync", "shortkit", "--json")
    assert said.exit_code == 4
    (error,) = part_of(said)["errors"]
    assert f"{show_day(NEWEST)} is held: 4 rows came where 7 are loaded" in error
    words = error.partition("`")[2].partition("`")[0].split()
    assert words[0] == "connector"
    assert call(*words[1:]).exit_code == 0
    assert call("verify").exit_code == 0
    assert "short" in str(shortkit.names())


def test_jobs_are_listed_taken_back_and_taken_up(
    shortkit: ShortkitWorld,
) -> None:
    shortkit.sandbox.add_fault("video_queued", times=-1)
    said = call("sync", "shortkit", "--max-wait", "0", "--json")
    assert (said.exit_code, part_of(said)["units_pending"]) == (0, 2)
    listed = call("jobs", "list", "shortkit", "--json").json["jobs"]
    window = f"{show_day(DAYS[0])}..{show_day(NEWEST)}"
    assert {job["unit"] for job in listed} == {f"ads/{window}", f"events+quality/{window}"}
    assert {job["id"] for job in listed} == set(shortkit.running())
    (one,) = call("jobs", "cancel", listed[0]["id"], "--json").json["cancelled"]
    assert one["was_there"] is True
    assert shortkit.running() == [listed[1]["id"]]
    (two,) = call("jobs", "cancel", "--all", "--json").json["cancelled"]
    assert (two["was_there"], shortkit.running(), shortkit.jobs()) == (True, [], {})
    shortkit.sandbox.remove_faults()
    assert call("sync", "shortkit").exit_code == 0
    shortkit.check()


def test_records_that_could_not_be_read_are_listed_and_replayed(shortkit: ShortkitWorld) -> None:
    shortkit.spoil(DAYS[0], "video_line", how="broken", row=0, times=1, data_type="events")
    assert call("sync", "shortkit").exit_code == 0
    (kept,) = call("quarantine", "list", "--json").json["entries"]
    assert (kept["kind"], kept["table_name"], kept["unit"]) == (
        *("row", "events"),
        f"events/{show_day(DAYS[0])}",
    )
    assert call("quarantine", "replay", "--json").exit_code == 0
    assert call("sync", "shortkit").exit_code == 0
    assert call("quarantine", "list", "--json").json["total"] == 0
    assert call("verify").exit_code == 0
    shortkit.check()


def test_a_record_that_was_mended_is_replayed_without_the_vendor(shortkit: ShortkitWorld) -> None:
    shortkit.spoil(DAYS[0], "video_line", how="broken", row=0, times=-1, data_type="events")
    assert call("sync", "shortkit").exit_code == 0
    row = video_rows(DAYS[0], 4)[0]
    with closing(duckdb.connect(str(shortkit.settings.warehouse))) as connection:
        text = json.dumps(row, separators=(",", ":"))
        connection.execute("UPDATE shortkit.quarantine SET raw = ?", [text])
    asked = len(shortkit.creates())
    said = call("quarantine", "replay", "--local", "--json")
    assert said.exit_code == 0
    assert len(shortkit.creates()) == asked
    assert call("quarantine", "list", "--json").json["total"] == 0
    assert call("verify").exit_code == 0
    found = {item["content_id"]: item for item in shortkit.found()["events"]}
    assert json.loads(found[row["contentId"]]["data"]) == row["data"]
    assert found[row["contentId"]]["_unit"] == f"events/{show_day(DAYS[0])}"


@pytest.mark.usefixtures("shortkit")
def test_doctor_says_whether_the_key_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the key is taken; jobs of this day: 0 of 20" in call("doctor").stdout
    monkeypatch.setenv(f"{KEY}TOKEN", "sk_live_of_somebody_else")
    said = call("doctor")
    assert said.exit_code == 3
    assert "sources.shortkit.token" in said.stdout + said.stderr
    assert "somebody_else" not in said.stdout + said.stderr
