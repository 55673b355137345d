"""What exports hold arrives exactly: every resource, both formats, whatever stands in the cells."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.fields import load_tables
from connector.sandbox import App, FileShape, Logs, Population, Scenario
from tests.integration.logs_truth import LOG_TABLES, covered
from tests.integration.logs_world import (
    ALONE,
    LOGS,
    NOON,
    TWO_APPS,
    LogsWorld,
    log_rows,
    open_days,
    open_logs,
    with_logs,
)
from tests.integration.stream_world import GAME, SHOP

PEOPLE = Scenario(
    seed=5,
    clock="simulated",
    start=datetime(2026, 10, 26, 12, 0, tzinfo=UTC),  # Berlin's day of 25 hours was yesterday
    history_days=2.0,
    apps=(App(GAME, "Game", "Europe/Berlin"), App(SHOP, "Shop", "Asia/Kolkata", genre="shop")),
    population=Population(devices=60, warmup_days=3, awkward_share=0.2, has_nul=True),
    logs=Logs(prepare_s=20, rows_number=True),
)
OCTOBER_25 = ("2026-10-24T22:00:00+00:00", "2026-10-25T23:00:00+00:00")


@pytest.fixture(scope="module", params=["csv", "json"])
def peopled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LogsWorld]:
    """All resources of two apps, loaded."""
    folder = tmp_path_factory.mktemp(request.param)
    with open_logs(PEOPLE, folder, format=request.param, start=OCTOBER_25[0]) as world:
        world.quietly()
        yield world


def test_every_row_of_every_resource_is_there_once_and_exact(peopled: LogsWorld) -> None:
    peopled.check()
    found = peopled.found()
    assert sum(len(found[table]) for table in LOG_TABLES) > 400
    assert len([table for table in LOG_TABLES if found[table]]) >= 10
    assert found["quarantine"] == []


def test_a_day_is_as_long_as_the_apps_clocks_say(peopled: LogsWorld) -> None:
    units = [u for u in peopled.found()["units"] if u["table_name"] == "events"]
    bounds = {(u["lower_at"].isoformat(), u["upper_at"].isoformat()) for u in units}
    assert OCTOBER_25 in bounds
    lengths = {(u["upper_at"] - u["lower_at"]).total_seconds() / 3600 for u in units}
    assert 25 in lengths


def test_tables_without_an_application_get_it_from_the_request(peopled: LogsWorld) -> None:
    for table in ("profiles_v2", "ad_revenue_events"):
        assert "application_id" not in load_tables(LOGS)[table].by_name
        rows = peopled.found()[table]
        assert {row["_application_id"] for row in rows} <= {str(GAME), str(SHOP)}
        assert rows


AWKWARD: dict[str, dict[str, Any]] = {
    "nul": {"kind": "nul_byte", "field": "event_json"},
    "line breaks": {"kind": "line_breaks", "field": "event_json"},
    "a megabyte": {"kind": "big_cell", "field": "event_json", "size": 1_000_000},
    "equal rows": {"kind": "equal_rows", "copies": 2},
    "invalid utf-8": {"kind": "invalid_utf8", "field": "event_name"},
    "1970": {"kind": "clocks", "year": 1970},
    "2099": {"kind": "clocks", "year": 2099},
    "bom": {"kind": "file_shape", "bom": True},
    "crlf": {"kind": "file_shape", "newline": "crlf"},
    "no final newline": {"kind": "file_shape", "final_newline": False},
    "all quoted": {"kind": "file_shape", "quoting": "all"},
    "native": {"kind": "file_shape", "json_values": "native"},
    "null": {"kind": "file_shape", "json_empty": "null"},
    "missing": {"kind": "file_shape", "json_empty": "missing"},
    "object": {"kind": "file_shape", "json_layout": "object"},
    "trailing comma": {"kind": "trailing_comma", "endpoint": "download"},
    "no charset": {"kind": "no_charset", "endpoint": "download"},
    "no gzip": {"kind": "no_gzip", "endpoint": "download"},
}


@pytest.fixture(scope="module", params=["csv", "json"])
def awkward(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LogsWorld, list[dict[str, Any]]]]:
    """A day for each oddity, loaded; and the rows of `events`."""
    folder = tmp_path_factory.mktemp(request.param)
    with open_days(folder, len(AWKWARD), format=request.param) as world:
        for number, (name, fault) in enumerate(AWKWARD.items()):
            if (name, request.param) != ("trailing comma", "csv"):
                world.spoil(-number, **fault, times=-1)
        world.quietly()
        yield world, world.found()["events"]


def rows_of(awkward: tuple[LogsWorld, list[dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    place = -list(AWKWARD).index(name)
    low = datetime.fromtimestamp(awkward[0].day(place), UTC).strftime("%Y%m%dT")
    rows = [row for row in awkward[1] if f"/{low}" in row["_unit"]]
    return sorted(rows, key=lambda row: int(row["_row"]))


CHANGED = {"nul", "line breaks", "a megabyte", "equal rows", "invalid utf-8", "1970", "2099"}


@pytest.mark.parametrize("name", [name for name in AWKWARD if name not in CHANGED])
def test_however_the_file_is_spelled_the_rows_are_the_same(
    awkward: tuple[LogsWorld, list[dict[str, Any]]], name: str
) -> None:
    rows = rows_of(awkward, name)
    wanted = log_rows(awkward[0], -list(AWKWARD).index(name), 3, f"a{GAME}:")
    assert [row["event_name"] for row in rows] == [row["event_name"] for row in wanted]
    assert [row["event_json"] for row in rows] == [row["event_json"] for row in wanted]
    ids = [str(row["appmetrica_device_id"]) for row in wanted]
    assert [row["appmetrica_device_id"] for row in rows] == ids
    times = [row["event_timestamp"].timestamp() for row in rows]
    assert times == [row["event_timestamp"] for row in wanted]


def test_hard_cells_arrive_as_they_are(awkward: tuple[LogsWorld, list[dict[str, Any]]]) -> None:
    assert "\0" in rows_of(awkward, "nul")[0]["event_json"]
    broken = rows_of(awkward, "line breaks")[0]["event_json"]
    assert {"\r", "\n", "\u2028", "\x85"} <= set(broken)
    assert "\r\n" in broken
    assert len(rows_of(awkward, "a megabyte")[0]["event_json"]) >= 1_000_000
    assert all(len(rows_of(awkward, n)) == 3 for n in AWKWARD if n != "equal rows")


def test_equal_rows_are_all_kept(awkward: tuple[LogsWorld, list[dict[str, Any]]]) -> None:
    rows = rows_of(awkward, "equal rows")
    assert len(rows) == 5
    assert len({row["_row"] for row in rows}) == 5


def test_wrong_device_clocks_are_kept(awkward: tuple[LogsWorld, list[dict[str, Any]]]) -> None:
    years = [rows_of(awkward, year)[0]["event_timestamp"].year for year in ("1970", "2099")]
    assert years[0] == 1970
    assert years[1] in {2098, 2099}


def test_bytes_that_are_no_utf8_are_replaced_and_kept_in_quarantine(
    awkward: tuple[LogsWorld, list[dict[str, Any]]],
) -> None:
    assert "\ufffd" in rows_of(awkward, "invalid utf-8")[0]["event_name"]
    cells = [q for q in awkward[0].found()["quarantine"] if q["kind"] == "cell"]
    assert [cell["field_name"] for cell in cells] == ["event_name"]


def test_rows_of_the_first_and_the_last_second_of_a_day_are_there_once(tmp_path: Path) -> None:
    with open_days(tmp_path, 3, TWO_APPS) as world:
        world.quietly()
        world.check()
        moments = [row["event_receive_timestamp"] for row in world.found()["events"]]
        assert {(m.hour, m.second) for m in moments} >= {(0, 0), (23, 59)}


def test_empty_numbers_and_times_are_null_and_undefined_is_a_text(tmp_path: Path) -> None:
    with open_logs(ALONE, tmp_path, tables="events,clicks", start="2026-03-09") as world:
        row = {"event_name": "", "event_receive_timestamp": world.day(0), "mcc": "", "mnc": ""}
        click = {"click_timestamp": world.day(0), "is_bot": "", "touch_type": "undefined"}
        world.put_rows(0, [row])
        world.put_rows(0, [click], "clicks")
        world.quietly()
        ((event,), (click,)) = (world.found()[table] for table in ("events", "clicks"))
        for name in ("event_name", "event_timestamp", "mcc", "mnc", "appmetrica_device_id"):
            assert event[name] is None
        assert (click["is_bot"], click["touch_type"]) == (None, "undefined")


def test_an_exclusive_end_is_asked_for_as_such(tmp_path: Path) -> None:
    scenario = with_logs(ALONE, date_until="exclusive")
    with open_days(tmp_path, 3, scenario, date_until="exclusive") as world:
        world.quietly()
        assert "date_until=2026-03-10%2000%3A00%3A00" in str(world.exports())
        world.check()


def test_filters_and_fields_are_asked_for_and_kept_to(tmp_path: Path) -> None:
    with open_days(tmp_path, 2) as world:
        wanted = f"a{GAME}:0-1"
        world.set(filters=f'{{"events": {{"event_name": "{wanted}"}}}}')
        world.quietly()
        rows = world.found()["events"]
        assert [row["event_name"] for row in rows] == [wanted]
        assert rows[0]["country_iso_code"] is None


def test_profiles_are_replaced_whole_and_take_custom_attributes(tmp_path: Path) -> None:
    fields = ["profile_id", "appmetrica_device_id", "plan", "appmetrica_sessions"]
    names = ", ".join(f'"{name}"' for name in fields)
    with open_logs(
        replace(PEOPLE, apps=PEOPLE.apps[:1]),
        tmp_path,
        tables="profiles_v2",
        fields=f'{{"profiles_v2": [{names}]}}',
    ) as world:
        world.quietly()
        world.check(fields=fields)
        before = world.found()["profiles_v2"]
        assert {row["plan"] for row in before} >= {"free", "plus"}
        assert world.quietly().units_loaded == 0
        world.sandbox.clock.advance(86_400)
        assert world.quietly().units_loaded == 1
        world.check(fields=fields)
        found = world.found()
        assert len(found["units"]) == 1
        assert len({row["_dlt_load_id"] for row in found["profiles_v2"]}) == 1


def test_another_length_of_slices_cuts_only_what_is_not_loaded(tmp_path: Path) -> None:
    with open_days(tmp_path, 2) as world:
        world.quietly()
        world.set(slice_hours="6")
        assert world.quietly().units_loaded == 1
        world.set(slice_hours="48", start="2026-03-06")
        world.quietly()
        assert covered(world.found())[0] == datetime(2026, 3, 6, tzinfo=UTC)
        assert covered(world.found())[1] == NOON.replace(hour=6)
        world.check()


def test_by_device_time_late_rows_are_found_when_the_slice_is_looked_at_again(
    tmp_path: Path,
) -> None:
    scenario = replace(PEOPLE, apps=PEOPLE.apps[1:], history_days=1.0)
    with open_logs(
        scenario, tmp_path, tables="events", date_dimension="default", start="2026-10-24T18:30:00Z"
    ) as world:
        world.quietly()
        for _ in range(3):
            world.sandbox.clock.advance(86_400)
            world.quietly()
        world.sandbox.clock.advance(5 * 86_400)
        world.quietly()
        assert {u["axis"] for u in world.found()["units"]} == {"device"}
        world.check()


def test_a_shape_with_all_oddities_at_once_is_read(tmp_path: Path) -> None:
    shape = FileShape(newline="crlf", final_newline=False, bom=True, quoting="all")
    with open_days(tmp_path, 2, with_logs(ALONE, shape=shape, has_charset=False)) as world:
        world.quietly()
        world.check()
