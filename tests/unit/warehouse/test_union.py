"""One population, exported by Data Stream and by the Logs API: every row counts once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from connector.warehouse.staging import raw_schema
from tests.unit.warehouse.raw_warehouse import (
    LOGS,
    SOURCE,
    RawUnit,
    Row,
    at,
    create_raw,
    load_units,
    open_warehouse,
    rows_of,
    run_all,
)

TABLES = {  # data type of the stream: prefixes of device and receive time, resource, core model
    "event": ("event", "event", "events", "event"),
    "installation": ("install", "install", "installations", "install"),
    "session_start": ("session_start", "session_start", "sessions_starts", "session"),
    "push_token": ("token", "token", "push_tokens", "push_token"),
    "crash": ("crash", "crash", "crashes", "crash"),
    "error": ("error", "error", "errors", "error"),
    "click": ("click", "", "clicks", "click"),
    "deeplink": ("event", "event", "deeplinks", "deeplink"),
    "revenue": ("event", "event", "revenue_events", "payment"),
    "ecommerce": ("event", "event", "ecommerce_events", "payment"),
    "ad_revenue": ("ad_revenue", "ad_revenue", "ad_revenue_events", "ad_revenue"),
}
FIRST, CUT_OVER, STOP, RESUME, LAST = map(
    at,
    (
        "2024-05-01 00:00",
        "2024-05-03 00:00",
        "2024-05-04 00:00",
        "2024-05-05 12:00",
        "2024-05-06 00:00",
    ),
)
LAG = timedelta(minutes=3)


def make_rows(table: str) -> list[Row]:
    """A row every 47 minutes, its country the mark it is known by."""
    time_field, receive_field, _, _ = TABLES[table]
    rows: list[Row] = []
    moment = FIRST
    while moment < LAST:
        row: dict[str, Any] = {
            f"{time_field}_timestamp": moment,
            "country_iso_code": f"{table}-{len(rows)}",
            "appmetrica_device_id": "1",
            "installation_id": f"i{len(rows)}",
            "session_id": str(len(rows)),
            "ecom_type": "purchase",
        }
        if receive_field:
            row[f"{receive_field}_receive_timestamp"] = moment
        rows.append(row)
        moment += timedelta(minutes=47)
    return rows


def received_at(table: str, row: Row) -> datetime:
    time_field, receive_field, _, _ = TABLES[table]
    moment = row[
        f"{receive_field}_receive_timestamp" if receive_field else f"{time_field}_timestamp"
    ]
    assert isinstance(moment, datetime)
    return moment


def only_known(source: str, table: str, row: Row) -> Row:
    columns = raw_schema(source)[table]
    return {name: value for name, value in row.items() if name in columns}


def cut_stream(table: str, rows: list[Row], lower: datetime, upper: datetime) -> RawUnit:
    """What was processed between the two, `LAG` after its receipt."""
    inside = [
        only_known(SOURCE, table, row)
        for row in rows
        if lower <= received_at(table, row) + LAG < upper
    ]
    return RawUnit(f"{table}/{lower}", table, inside, lower=lower, upper=upper)


def cut_logs(table: str, rows: list[Row], lower: datetime, upper: datetime) -> RawUnit:
    """What was received between the two; a snapshot has all."""
    name = TABLES[table][2]
    axis = "snapshot" if table == "push_token" else "receive"
    inside = [
        only_known(LOGS, name, row)
        for row in rows
        if axis == "snapshot" or lower <= received_at(table, row) < upper
    ]
    return RawUnit(f"{name}/{lower}", name, inside, "10", None, LOGS, axis, lower, upper)


def found_marks(connection: DuckDBPyConnection, table: str) -> list[str]:
    sql = f"SELECT country FROM core.{TABLES[table][3]} WHERE country LIKE '{table}-%' ORDER BY ALL"
    return [mark for (mark,) in rows_of(connection, sql)]


def marks(table: str, rows: list[Row], lower: datetime, upper: datetime) -> list[str]:
    return sorted(
        row["country_iso_code"] for row in rows if lower <= received_at(table, row) < upper
    )


@pytest.fixture(scope="module")
def connection() -> DuckDBPyConnection:
    """Stream from the cut-over with a gap; exports of the time before it and of the gap."""
    connection = open_warehouse()
    for source in (SOURCE, LOGS):
        create_raw(connection, source=source)
    units: list[RawUnit] = []
    for table in TABLES:
        rows = make_rows(table)
        units += [
            cut_stream(table, rows, CUT_OVER, STOP),
            cut_stream(table, rows, RESUME, LAST + LAG),
            cut_logs(table, rows, FIRST, STOP - timedelta(hours=1)),
            cut_logs(table, rows, STOP - timedelta(hours=1), LAST),
        ]
    load_units(connection, "1700000000.1", units)
    run_all(connection, check=True)
    return connection


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"push_token"}))
def test_every_row_of_both_exports_is_there_once(
    connection: DuckDBPyConnection, table: str
) -> None:
    assert found_marks(connection, table) == marks(table, make_rows(table), FIRST, LAST)


def test_a_snapshot_heals_no_gap_and_is_counted_once(connection: DuckDBPyConnection) -> None:
    """Rows received before a gap and after it, less those the gap swallowed."""
    rows = make_rows("push_token")
    swallowed = marks("push_token", rows, STOP - LAG, RESUME - LAG)
    all_rows = marks("push_token", rows, FIRST, LAST)
    assert found_marks(connection, "push_token") == sorted(set(all_rows) - set(swallowed))


def test_both_exports_are_read_and_everything_adds_up(connection: DuckDBPyConnection) -> None:
    sources = rows_of(connection, "SELECT DISTINCT source FROM core.event ORDER BY ALL")
    assert sources == [(LOGS,), (SOURCE,)]
    assert rows_of(connection, "SELECT DISTINCT difference FROM ops.reconciliation") == [(0,)]
    assert rows_of(
        connection,
        "SELECT DISTINCT reason FROM ops.coverage WHERE table_name = 'event' ORDER BY ALL",
    ) == [("after_cut_over",), ("before_cut_over",), ("gap_healed",)]


def test_one_export_alone_is_read_whole() -> None:
    rows = make_rows("event")
    for unit in (
        cut_stream("event", rows, FIRST, LAST + LAG),
        cut_logs("event", rows, FIRST, LAST),
    ):
        alone = open_warehouse()
        create_raw(alone, source=unit.source)
        load_units(alone, "1700000000.1", [unit])
        run_all(alone)
        assert found_marks(alone, "event") == marks("event", rows, FIRST, LAST)
