"""A hand-filled raw dataset of AppMetrica Data Stream, as the loader leaves it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from connector.fields import load_tables
from connector.warehouse.staging import raw_schema

SOURCE = "appmetrica_stream"
Row = dict[str, Any]


def at(text: str) -> datetime:
    """`2024-05-01 10:00` as an instant, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RawUnit:
    """One unit and its rows; `declared` is what the vendor said, by default the rows there are."""

    unit: str
    table: str
    rows: Sequence[Row] = ()
    app: str = "10"
    declared: int | None = None


def open_warehouse(path: str = ":memory:") -> DuckDBPyConnection:
    """An empty database in UTC."""
    connection = duckdb.connect(path)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def create_raw(connection: DuckDBPyConnection, *tables: str) -> None:
    """Creates the raw tables named (all for none) and those of the ledger."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SOURCE}")
    ledger = ("units", "quarantine", "_dlt_loads")
    for table, columns in raw_schema(SOURCE).items():
        if not tables or table in tables or table in ledger:
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"CREATE TABLE IF NOT EXISTS {SOURCE}.{table} ({listed})")


def load_units(
    connection: DuckDBPyConnection,
    load_id: str,
    units: Sequence[RawUnit],
    *,
    status: int = 0,
    append: bool = False,
) -> None:
    """One load package: data, ledger, dlt's list; `append` leaves rows of earlier loads in."""
    for unit in units:
        if not append:
            connection.execute(f"DELETE FROM {SOURCE}.{unit.table} WHERE _unit = ?", [unit.unit])
            connection.execute(f"DELETE FROM {SOURCE}.units WHERE unit = ?", [unit.unit])
        own = {"_unit": unit.unit, "_received_from": "csv", "_dlt_load_id": load_id}
        for number, row in enumerate(unit.rows):
            _insert(connection, unit.table, row | own | {"_row": number})
        _insert(connection, "units", _ledger_row(unit, load_id))
    loaded = {"load_id": load_id, "schema_name": SOURCE, "status": status}
    _insert(connection, "_dlt_loads", loaded)


def _ledger_row(unit: RawUnit, load_id: str) -> Row:
    event_time = load_tables(SOURCE)[unit.table].event_time
    times = [row[event_time] for row in unit.rows if row.get(event_time)]
    declared = len(unit.rows) if unit.declared is None else unit.declared
    return {
        "unit": unit.unit,
        "table_name": unit.table,
        "application_id": unit.app,
        "declared_rows": declared,
        "file_rows": declared,
        "loaded_rows": len(unit.rows),
        "quarantined_rows": 0,
        "vendor_updated_at": at("2024-05-10 00:00"),
        "event_days": json.dumps(sorted({time.date().isoformat() for time in times})),
        "_dlt_load_id": load_id,
    }


def _insert(connection: DuckDBPyConnection, table: str, row: Row) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO {SOURCE}.{table} ({columns}) VALUES ({marks})", list(row.values())
    )


def rows_of(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(sql).fetchall()
