from pathlib import Path

from connector.warehouse.catalog import render_models_page, write_models_page
from connector.warehouse.first_report import report_tables
from connector.warehouse.runner import run_models
from tests.unit.warehouse.raw_warehouse import (
    RawUnit,
    at,
    create_raw,
    load_units,
    open_warehouse,
    rows_of,
)

REPOSITORY = Path(__file__).parents[3]


def test_the_models_page_is_up_to_date() -> None:
    page = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
    assert page == render_models_page(), "run `make docs`"


def test_the_page_is_written_once(tmp_path: Path) -> None:
    assert write_models_page(tmp_path / "models.md")
    assert not write_models_page(tmp_path / "models.md")


def test_comments_of_the_files_stand_in_the_warehouse() -> None:
    connection = open_warehouse()
    run_models(connection)
    table = (
        "SELECT comment FROM duckdb_tables() WHERE schema_name = 'core' AND table_name = 'event'"
    )
    assert rows_of(connection, table)[0][0].startswith("An event the app sent")
    bare = (
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE comment IS NULL "
        "AND schema_name IN ('stg', 'core', 'mart')"
    )
    assert rows_of(connection, bare) == []


def test_the_first_report_of_an_empty_warehouse_is_empty() -> None:
    connection = open_warehouse()
    assert report_tables(connection) == []
    run_models(connection)
    assert [len(table.rows) for table in report_tables(connection)] == [0, 0, 0, 0, 0]


def test_the_first_report_shows_the_last_days_and_adds_up() -> None:
    connection = open_warehouse()
    create_raw(connection)
    sessions = [
        {
            "appmetrica_device_id": device,
            "installation_id": device,
            "session_id": day,
            "session_type": "foreground",
            "session_start_timestamp": at(f"{day} 10:00"),
            "session_start_receive_timestamp": at("2024-05-03 10:00"),
        }
        for day in ("2024-05-01", "2024-05-02", "2099-01-01")
        for device in ("1", "2")
    ]
    tap = {
        "event_name": "tap",
        "event_timestamp": at("2024-05-01 10:00"),
        "appmetrica_device_id": "1",
    }
    load_units(
        connection,
        "1700000000.1",
        [RawUnit("u1", "session_start", sessions), RawUnit("u2", "event", [tap, tap])],
    )
    run_models(connection)
    tables = {table.title: table for table in report_tables(connection)}
    by_day = next(found for title, found in tables.items() if title.startswith("App by day (UTC"))
    assert [(str(row[1]), *row[2:6]) for row in by_day.rows] == [
        ("2024-05-02", 2, 0, 0, 2),
        ("2024-05-01", 2, 0, 0, 2),
    ]
    assert tables["Active users"].rows[0][2:6] == (0, 2, 2, 2)
    assert tables["Top events"].rows == (("10", "tap", 2, 1),)
    assert tables["Reconciliation"].rows == (("appmetrica_stream", 2, 8, 8, 0, 0),)
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)
