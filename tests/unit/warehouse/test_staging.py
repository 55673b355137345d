from pathlib import Path

from connector.fields import load_tables
from connector.warehouse.models import sql_root
from connector.warehouse.runner import run_models
from connector.warehouse.staging import render_staging, source_names, write_staging
from tests.unit.warehouse.raw_warehouse import (
    SOURCE,
    RawUnit,
    Row,
    at,
    create_raw,
    load_units,
    open_warehouse,
    rows_of,
)

EVENTS = "SELECT event_name, _unit, _row FROM stg.stg_appmetrica_stream__event ORDER BY ALL"


def test_committed_staging_is_what_the_field_tables_give() -> None:
    rendered = {
        name: text for source in source_names() for name, text in render_staging(source).items()
    }
    committed = {
        path.name: path.read_text(encoding="utf-8")
        for path in (sql_root() / "staging").glob("*.sql")
    }
    assert committed == rendered


def test_write_staging_changes_only_what_differs_and_removes_what_is_gone(tmp_path: Path) -> None:
    write_staging(tmp_path)
    stale = tmp_path / "staging" / "stg_gone__table.sql"
    stale.write_text("SELECT 1", encoding="utf-8")
    changed = tmp_path / "staging" / "stg_appmetrica_stream__crash.sql"
    changed.write_text("SELECT 1", encoding="utf-8")
    assert sorted(write_staging(tmp_path)) == sorted([stale, changed])
    assert write_staging(tmp_path) == []


def test_local_times_are_left_out_and_every_other_field_is_there() -> None:
    for table in load_tables(SOURCE).values():
        text = render_staging(SOURCE)[f"stg_{SOURCE}__{table.name}.sql"]
        for field in table.fields:
            is_read = f"r.{field.column} " in text or f"r.{field.column}," in text
            is_left_out = field.type == "datetime_app_tz" or field.name == "application_id"
            assert is_read != is_left_out, field.name


def test_a_row_is_live_only_by_the_load_its_unit_names_among_finished_loads() -> None:
    connection = open_warehouse()
    create_raw(connection)
    old = RawUnit("u1", "event", [{"event_name": "old"}, {"event_name": "gone"}])
    load_units(connection, "1700000000.1", [old, RawUnit("u2", "event", [{"event_name": "kept"}])])
    load_units(
        connection, "1700000000.2", [RawUnit("u1", "event", [{"event_name": "new"}])], append=True
    )
    half = RawUnit("u1", "event", [{"event_name": "half"}])
    load_units(connection, "1700000000.3", [half], append=True, status=1)
    assert run_models(connection).exit_code == 0
    assert rows_of(connection, EVENTS) == [("kept", "u2", 0), ("new", "u1", 0)]


def test_a_ledger_row_appended_twice_doubles_nothing() -> None:
    connection = open_warehouse()
    create_raw(connection)
    load_units(connection, "1700000000.1", [RawUnit("u1", "event", [{"event_name": "one"}])])
    connection.execute(f"INSERT INTO {SOURCE}.units SELECT * FROM {SOURCE}.units")
    connection.execute(f"INSERT INTO {SOURCE}._dlt_loads SELECT * FROM {SOURCE}._dlt_loads")
    run_models(connection)
    assert rows_of(connection, EVENTS) == [("one", "u1", 0)]


def test_what_vendors_write_for_nothing_is_null_and_json_is_offered_both_ways() -> None:
    connection = open_warehouse()
    create_raw(connection)
    zero = "00000000-0000-0000-0000-000000000000"
    rows: list[Row] = [
        {"event_json": '{"a": 1}', "google_aid": zero, "city": ""},
        {"event_json": '{"a": 1', "google_aid": "x", "city": "Perm"},
        {"event_json": "", "event_timestamp": at("2024-05-01 10:00")},
    ]
    load_units(connection, "1700000000.1", [RawUnit("u1", "event", rows, app="77")])
    run_models(connection)
    found = rows_of(
        connection,
        "SELECT application_id, properties, properties_text, google_aid, city, CAST(occurred_at AS VARCHAR) "
        "FROM stg.stg_appmetrica_stream__event ORDER BY _row",
    )
    assert found == [
        ("77", '{"a": 1}', '{"a": 1}', None, None, None),
        ("77", None, '{"a": 1', "x", "Perm", None),
        ("77", None, None, None, None, "2024-05-01 10:00:00+00"),
    ]


def test_absent_tables_and_columns_are_typed_and_empty_and_drift_is_passed_over() -> None:
    connection = open_warehouse()
    create_raw(connection, "event")
    connection.execute(f"ALTER TABLE {SOURCE}.event DROP COLUMN event_json")
    connection.execute(f"ALTER TABLE {SOURCE}.event ADD COLUMN brand_new VARCHAR")
    load_units(connection, "1700000000.1", [RawUnit("u1", "event", [{"event_name": "x"}])])
    assert run_models(connection).exit_code == 0
    assert rows_of(connection, "SELECT name, properties FROM core.event") == [("x", None)]
    assert rows_of(connection, "SELECT count(*) FROM core.crash") == [(0,)]


def test_a_table_that_comes_later_is_picked_up() -> None:
    connection = open_warehouse()
    create_raw(connection, "event")
    run_models(connection)
    create_raw(connection, "crash")
    rows: list[Row] = [{"crash_name": "boom", "crash_timestamp": at("2024-05-01 10:00")}]
    load_units(connection, "1700000000.1", [RawUnit("u1", "crash", rows)])
    run_models(connection)
    assert rows_of(connection, "SELECT name FROM core.crash") == [("boom",)]
