"""The law: whatever came, in whatever order, and however often models ran in between, the
warehouse is what one full build over the final rows gives.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.sources.appmetrica_logs.agenda import FILTERED
from connector.units import RELOAD
from connector.warehouse.models import load_graph
from connector.warehouse.runner import run_models
from connector.warehouse.staging import raw_schema
from tests.unit.warehouse.model_files import write_model
from tests.unit.warehouse.raw_warehouse import (
    LOGS,
    SOURCE,
    RawUnit,
    Row,
    at,
    copy_warehouse,
    forget_stored,
    load_units,
    open_warehouse,
    rows_of,
    run_all,
)

DAYS = (
    "2024-05-01 23:50",
    "2024-05-02 00:10",
    "2024-05-02 12:00",
    "2024-05-09 12:00",
    "1970-01-01 00:00",
    "2099-12-31 23:59",
)
TABLES = {  # data type of the stream: prefix of its times, resource of the Logs API
    "session_start": ("session_start", "sessions_starts"),
    "session_end": ("session_end", ""),
    "event": ("event", "events"),
    "crash": ("crash", "crashes"),
    "revenue": ("event", "revenue_events"),
    "ad_revenue": ("ad_revenue", "ad_revenue_events"),
    "installation": ("install", "installations"),
    "deeplink": ("event", "deeplinks"),
    "push_token": ("token", "push_tokens"),
}
WINDOWS = ("2024-05-01 12:00", "2024-05-02 00:00", "2024-05-03 00:00", "2024-05-09 12:00")
EXPORTS = (
    ("2024-05-01 00:00", "2024-05-02 00:00"),
    ("2024-05-02 00:00", "2024-05-10 00:00"),
    ("2024-05-01 00:00", "2024-05-12 00:00"),
)


@st.composite
def raw_rows(draw: st.DrawFn, table: str) -> Row:
    moment = draw(st.none() | st.sampled_from(DAYS).map(at))
    late = timedelta(hours=draw(st.sampled_from((0, 1, 200))))
    device = draw(st.sampled_from(("1", "2", None)))
    time_field = TABLES[table][0]
    row: dict[str, Any] = {
        f"{time_field}_timestamp": moment,
        f"{time_field}_receive_timestamp": moment and moment + late,
        "appmetrica_device_id": device,
        "installation_id": device and f"i{device}",
        "app_version_name": draw(st.sampled_from(("1.0", "1.1"))),
        "device_manufacturer": "Apple",
    }
    if table != "installation":
        row["session_id"] = draw(st.sampled_from(("7", "8")))
    if table.startswith("session"):
        row["session_type"] = draw(st.sampled_from(("foreground", "background", None)))
    if table == "installation":
        row |= {"version": draw(st.integers(1, 2)), "sign": draw(st.sampled_from((1, -1)))}
    if table == "revenue":
        row |= {
            "revenue_price": draw(st.integers(-3, 3)),
            "revenue_currency": draw(st.sampled_from(("USD", "EUR"))),
            "is_revenue_verified": draw(st.sampled_from(("true", "false", "undefined"))),
        }
    if table == "ad_revenue":
        row |= {"ad_revenue": 1, "ad_revenue_currency": "USD"}
    return row


@st.composite
def raw_units(draw: st.DrawFn) -> RawUnit:
    table = draw(st.sampled_from(sorted(TABLES)))
    number = draw(st.integers(1, 2))
    rows = draw(st.lists(raw_rows(table), max_size=3))
    app = draw(st.sampled_from(("10", "20"))) if number == 2 else "10"
    logs_table = TABLES[table][1]
    if not logs_table or draw(st.booleans()):
        lower = at(draw(st.sampled_from(WINDOWS)))
        return RawUnit(f"{table}/{number}", table, rows, app=app, lower=lower)
    lower, upper = map(at, draw(st.sampled_from(EXPORTS)))
    axis = "snapshot" if table == "push_token" else draw(st.sampled_from(("receive", "device")))
    columns = raw_schema(LOGS)[logs_table]
    known = [{name: row[name] for name in row if name in columns} for row in rows]
    schema_id = draw(st.sampled_from(("0a1b", f"{FILTERED}0a1b", f"{RELOAD}{FILTERED}0a1b")))
    unit = f"{logs_table}/{number}"
    return RawUnit(unit, logs_table, known, app, None, LOGS, axis, lower, upper, schema_id)


histories = st.lists(st.lists(raw_units(), min_size=1, max_size=6), min_size=2, max_size=3)


def contents(connection: DuckDBPyConnection) -> dict[str, list[Any]]:
    stored = [model for model in load_graph().models.values() if model.is_stored]
    return {model.name: rows_of(connection, f"FROM {model.name} ORDER BY ALL") for model in stored}


def load_package(connection: DuckDBPyConnection, number: int, units: Sequence[RawUnit]) -> None:
    newest = {unit.unit: unit for unit in units}
    load_units(connection, f"170000000{number}.5", list(newest.values()), append=number % 2 == 1)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, seed=st.integers(0, 99))
def test_incremental_is_a_full_rebuild_for_late_resent_and_emptied_units(
    history: list[list[RawUnit]], seed: int
) -> None:
    final = {unit.unit: unit for units in history for unit in units}
    shuffled = list(final.values())
    random.Random(seed).shuffle(shuffled)
    with TemporaryDirectory() as folder:
        step_by_step = copy_warehouse(Path(folder) / "steps.duckdb")
        for number, units in enumerate(history):
            load_package(step_by_step, number, units)
            run_all(step_by_step)
        at_once = copy_warehouse(Path(folder) / "once.duckdb")
        forget_stored(at_once)
        load_package(at_once, 0, shuffled)
        run_all(at_once)
        assert contents(step_by_step) == contents(at_once)
        step_by_step.close()
        at_once.close()


def test_days_a_resent_unit_left_are_recomputed_also_when_a_run_was_missed(
    warehouse: DuckDBPyConnection,
) -> None:
    connection = warehouse
    crash = [{"crash_timestamp": at("2024-05-01 10:00"), "crash_name": "x"}]
    load_units(connection, "1700000000.1", [RawUnit("u1", "crash", crash)])
    run_all(connection)
    moved = [{"crash_timestamp": at("2024-05-03 10:00"), "crash_name": "x"}]
    load_units(connection, "1700000000.2", [RawUnit("u1", "crash", moved)])
    run_models(connection, select=("core.crash",))
    load_units(connection, "1700000000.3", [RawUnit("u1", "crash", [])])
    run_all(connection, check=True)
    assert rows_of(connection, "SELECT count(*) FROM mart.app_daily") == [(0,)]


def test_a_unit_that_does_not_say_its_days_makes_its_table_whole(
    warehouse: DuckDBPyConnection,
) -> None:
    connection = warehouse
    first = RawUnit("u1", "event", [{"event_name": "a", "event_timestamp": at("2024-05-01 10:00")}])
    load_units(connection, "1700000000.1", [first])
    run_all(connection)
    second = RawUnit(
        "u1", "event", [{"event_name": "b", "event_timestamp": at("2024-05-07 10:00")}]
    )
    load_units(connection, "1700000000.2", [second])
    connection.execute(f"UPDATE {SOURCE}.units SET event_days = NULL")
    run_all(connection, check=True)
    assert rows_of(connection, "SELECT name FROM core.event") == [("b",)]


def test_days_after_makes_later_days_depend_on_a_day(tmp_path: Path) -> None:
    connection = open_warehouse()
    days = "SELECT CAST(d AS DATE) AS day, n FROM (VALUES {}) AS t(d, n)"
    rolling = (
        "SELECT a.day, CAST(sum(b.n) AS BIGINT) AS n FROM core.a AS a INNER JOIN core.a AS b "
        "ON b.day <= a.day AND b.day > a.day - 2 GROUP BY a.day"
    )
    write_model(
        tmp_path, "core.a", days.format("('2024-05-01', 1), ('2024-05-02', 1), ('2024-05-03', 1)")
    )
    write_model(tmp_path, "core.b", rolling, kind="by_day", header=("days_after: 1",))
    run_models(connection, root=tmp_path)
    write_model(
        tmp_path, "core.a", days.format("('2024-05-01', 9), ('2024-05-02', 1), ('2024-05-03', 1)")
    )
    report = run_models(connection, root=tmp_path, check=True)
    assert report.exit_code == 0
    assert sorted(rows_of(connection, "SELECT n FROM core.b")) == [(2,), (9,), (10,)]


def name_events(connection: DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows_of(connection, "SELECT name, source FROM core.event ORDER BY ALL")


def event_unit(name: str, moment: str, **bounds: Any) -> RawUnit:
    """A unit of one event, received when it occurred."""
    table = "events" if bounds.get("source") == LOGS else "event"
    times = {"event_timestamp": at(moment), "event_receive_timestamp": at(moment)}
    return RawUnit(f"{table}/{name}", table, [{"event_name": name} | times], **bounds)


def export(name: str, moment: str, lower: str, upper: str) -> RawUnit:
    return event_unit(name, moment, source=LOGS, axis="receive", lower=at(lower), upper=at(upper))


def test_an_older_window_loaded_later_moves_the_cut_over(warehouse: DuckDBPyConnection) -> None:
    old = export("logs old", "2024-05-01 12:00", "2024-05-01 00:00", "2024-05-02 00:00")
    new = export("logs new", "2024-05-02 12:00", "2024-05-02 00:00", "2024-05-03 00:00")
    last = event_unit("stream", "2024-05-03 00:01", lower=at("2024-05-03 00:00"))
    load_units(warehouse, "1700000000.1", [old, new, last])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == [("logs new", LOGS), ("logs old", LOGS), ("stream", SOURCE)]
    large = {"lower": at("2024-05-02 10:00"), "upper": at("2024-05-02 23:00")}
    first = event_unit("stream first", "2024-05-02 12:00", **large)
    load_units(warehouse, "1700000000.2", [first])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == [
        ("logs old", LOGS),
        ("stream", SOURCE),
        ("stream first", SOURCE),
    ]


def test_a_gap_is_healed_by_what_is_backfilled_later(warehouse: DuckDBPyConnection) -> None:
    before = export("logs", "2024-05-01 12:00", "2024-05-01 00:00", "2024-05-02 00:00")
    windows = [
        event_unit("cut-over", "2024-05-02 00:01", lower=at("2024-05-02 00:00")),
        event_unit("late", "2024-05-02 12:00", lower=at("2024-05-03 00:00")),
    ]
    load_units(warehouse, "1700000000.1", [before, *windows])
    run_all(warehouse, check=True)
    whole = [("cut-over", SOURCE), ("late", SOURCE), ("logs", LOGS)]
    assert name_events(warehouse) == whole
    gap = (
        "SELECT CAST(from_at AS VARCHAR), CAST(until_at AS VARCHAR), is_healed FROM ops.stream_gap"
    )
    assert rows_of(warehouse, gap) == [("2024-05-02 00:00:00+00", "2024-05-03 00:00:00+00", False)]
    part = export("part", "2024-05-02 12:00", "2024-05-02 06:00", "2024-05-03 00:00")
    load_units(warehouse, "1700000000.2", [part])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == whole
    rest = export("rest", "2024-05-02 00:01", "2024-05-02 00:00", "2024-05-02 06:00")
    load_units(warehouse, "1700000000.3", [replace(rest, schema_id=f"{FILTERED}0a1b")])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == whole
    load_units(warehouse, "1700000000.4", [rest])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == [("logs", LOGS), ("part", LOGS), ("rest", LOGS)]
    assert rows_of(warehouse, "SELECT DISTINCT is_healed FROM ops.stream_gap") == [(True,)]


def test_more_windows_of_tables_both_exports_have_change_nothing_of_what_is_read(
    warehouse: DuckDBPyConnection,
) -> None:
    before = export("logs", "2024-05-01 12:00", "2024-05-01 00:00", "2024-05-02 00:00")
    first = event_unit("first", "2024-05-02 00:01", lower=at("2024-05-02 00:00"))
    load_units(warehouse, "1700000000.1", [before, first])
    run_all(warehouse)
    second = event_unit("second", "2024-05-02 00:06", lower=at("2024-05-02 00:05"))
    after = export("logs after", "2024-05-02 05:00", "2024-05-02 00:00", "2024-05-02 06:00")
    load_units(warehouse, "1700000000.2", [second, after])
    report = run_all(warehouse, check=True)
    built = {result.name for result in report.models if result.status == "built"}
    assert "core.event" in built
    assert not built & {"core.crash", "core.payment", "core.install", "core.session"}
    assert name_events(warehouse) == [("first", SOURCE), ("logs", LOGS), ("second", SOURCE)]


def test_logs_go_on_where_the_stream_ended_until_windows_come_again(
    warehouse: DuckDBPyConnection,
) -> None:
    """The stream's end, a day of Logs after it, one more, windows again, and Logs up to those."""
    days = [f"2024-05-0{day} 00:00" for day in range(1, 6)]
    logs = [
        export(f"logs {day}", f"2024-05-0{day} 12:00", *days[day - 1 : day + 1])
        for day in range(1, 5)
    ]
    longer = {"lower": at("2024-05-02 00:00"), "upper": at("2024-05-02 16:00")}
    first = event_unit("first", "2024-05-02 12:00", **longer)
    load_units(warehouse, "1700000000.1", [logs[0], first])
    run_all(warehouse, check=True)
    load_units(warehouse, "1700000000.2", [logs[1]])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == [("first", SOURCE), ("logs 1", LOGS)]
    load_units(warehouse, "1700000000.3", [logs[2]])
    run_all(warehouse, check=True)
    on = [("first", SOURCE), ("logs 1", LOGS), ("logs 3", LOGS)]
    assert name_events(warehouse) == on
    again = event_unit("again", "2024-05-04 12:01", lower=at("2024-05-04 12:00"))
    load_units(warehouse, "1700000000.4", [again])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == [("again", SOURCE), ("first", SOURCE), ("logs 1", LOGS)]
    load_units(warehouse, "1700000000.5", [replace(logs[3], upper=at("2024-05-04 18:00"))])
    run_all(warehouse, check=True)
    assert name_events(warehouse) == [("again", SOURCE), *on]


def random_unit(dice: random.Random, name: str, app: int) -> RawUnit:
    """A window of up to 3 hours or an export of up to a day, without rows, within two days."""
    lower = at("2024-05-01 00:00") + timedelta(hours=dice.randint(0, 40))
    table, resource = dice.choice((("event", "events"), ("crash", "crashes")))
    if dice.random() < 0.5:
        upper = lower + timedelta(hours=dice.randint(1, 3))
        return RawUnit(f"{table}/{name}", table, app=str(app), lower=lower, upper=upper)
    upper = lower + timedelta(hours=dice.randint(1, 24))
    unit = f"{resource}/{name}"
    return RawUnit(unit, resource, (), str(app), None, LOGS, "receive", lower, upper)


def test_intervals_of_a_table_follow_each_other_without_a_hole(
    warehouse: DuckDBPyConnection,
) -> None:
    """A table's first has no start and its last no end; between them each starts where one ends."""
    dice = random.Random(7)
    units = [
        random_unit(dice, f"{app}/{number}", app)
        for app in range(30)
        for number in range(dice.randint(2, 8))
    ]
    load_units(warehouse, "1700000000.1", units)
    run_all(warehouse)
    intervals = rows_of(
        warehouse,
        "SELECT application_id || table_name, from_at, until_at, reason FROM ops.coverage"
        " ORDER BY application_id, table_name, from_at NULLS FIRST",
    )
    for table, group in groupby(intervals, key=itemgetter(0)):
        _, starts, ends, _ = zip(*group, strict=True)
        assert (None, *ends) == (*starts, None), table
    assert {reason for *_, reason in intervals} == {
        "only_source",
        "before_cut_over",
        "after_cut_over",
        "gap_open",
        "gap_healed",
        "stream_ended",
    }
