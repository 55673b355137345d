"""Hand-filled raw datasets, as the loader leaves them."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from connector.fields import load_tables
from connector.warehouse.runner import ModelReport, run_models
from connector.warehouse.staging import raw_schema

SOURCE = "appmetrica_stream"
LOGS = "appmetrica_logs"
TRACKER = "mytracker"
Row = dict[str, Any]


def at(text: str) -> datetime:
    """`2024-05-01 10:00` as an instant, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SOME_DAY = at("2024-05-01 00:00")


@dataclass(frozen=True, slots=True)
class RawUnit:
    """One unit and its rows; `declared` is what the vendor said, by default the rows there are.

    `lower` and `upper` bound it on `axis`; a window without `upper` is of 5 minutes.
    """

    unit: str
    table: str
    rows: Sequence[Row] = ()
    app: str | None = "10"
    declared: int | None = None
    source: str = SOURCE
    axis: str = "window"
    lower: datetime = SOME_DAY
    upper: datetime | None = None
    schema_id: str | None = None


def open_warehouse(path: str = ":memory:") -> DuckDBPyConnection:
    """An empty database in UTC, on one thread: a test has few rows and many plans."""
    connection = duckdb.connect(path)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    return connection


def create_raw(connection: DuckDBPyConnection, *tables: str, source: str = SOURCE) -> None:
    """Creates the raw tables named (all for none) and those of the ledger."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {source}")
    ledger = ("units", "quarantine", "_dlt_loads")
    for table, columns in raw_schema(source).items():
        if not tables or table in tables or table in ledger:
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"CREATE TABLE IF NOT EXISTS {source}.{table} ({listed})")


@cache
def _template_folder() -> TemporaryDirectory[str]:
    """Holds a database with the raw tables of all sources, empty, and all models built."""
    folder = TemporaryDirectory(prefix="warehouse-")
    connection = open_warehouse(f"{folder.name}/template.duckdb")
    for source in (SOURCE, LOGS, TRACKER):
        create_raw(connection, source=source)
    run_all(connection)
    connection.close()
    return folder


def run_all(connection: DuckDBPyConnection, *, check: bool = False) -> ModelReport:
    """Runs the models; fails with what they say if one fails."""
    report = run_models(connection, check=check)
    assert [result.error for result in report.models if result.error] == []
    assert report.exit_code == 0
    return report


def copy_warehouse(path: Path) -> DuckDBPyConnection:
    """A warehouse whose models were built before anything was loaded: quicker than to build it."""
    shutil.copy(f"{_template_folder().name}/template.duckdb", path)
    return open_warehouse(str(path))


def forget_stored(connection: DuckDBPyConnection) -> None:
    """The next run builds every stored model whole."""
    connection.execute("DELETE FROM ops.model_state WHERE kind <> 'view'")


def load_units(
    connection: DuckDBPyConnection,
    load_id: str,
    units: Sequence[RawUnit],
    *,
    status: int = 0,
    append: bool = False,
) -> None:
    """One load package a source: data, ledger, dlt's list; `append` leaves earlier rows in."""
    for unit in units:
        data, ledger = f"{unit.source}.{unit.table}", f"{unit.source}.units"
        if not append:
            connection.execute(f"DELETE FROM {data} WHERE _unit = ?", [unit.unit])
            connection.execute(f"DELETE FROM {ledger} WHERE unit = ?", [unit.unit])
        own = {"_unit": unit.unit, "_received_from": "csv", "_dlt_load_id": load_id}
        _insert(connection, data, [row | own | {"_row": i} for i, row in enumerate(unit.rows)])
        _insert(connection, ledger, [_ledger_row(unit, load_id)])
    for source in sorted({unit.source for unit in units}):
        loaded = {"load_id": load_id, "schema_name": source, "status": status}
        _insert(connection, f"{source}._dlt_loads", [loaded])


def _ledger_row(unit: RawUnit, load_id: str) -> Row:
    table = load_tables(unit.source)[unit.table]
    event_time = table.field(table.event_time).column if table.event_time else ""
    times = [row[event_time] for row in unit.rows if row.get(event_time)]
    declared = len(unit.rows) if unit.declared is None else unit.declared
    return {
        "unit": unit.unit,
        "table_name": unit.table,
        "application_id": unit.app,
        "axis": unit.axis,
        "lower_at": unit.lower,
        "upper_at": unit.upper or unit.lower + timedelta(minutes=5),
        "schema_id": unit.schema_id,
        "declared_rows": declared,
        "file_rows": declared,
        "loaded_rows": len(unit.rows),
        "quarantined_rows": 0,
        "vendor_updated_at": at("2024-05-10 00:00"),
        "event_days": json.dumps(sorted({time.date().isoformat() for time in times})),
        "_dlt_load_id": load_id,
    }


def _insert(connection: DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    """As text: for every value bound, DuckDB looks for modules that are not installed."""
    if not rows:
        return
    names = sorted({name for row in rows for name in row})
    listed = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f"({', '.join(_literal(row.get(name)) for name in names)})" for row in rows)
    connection.execute(f"INSERT INTO {table} ({listed}) VALUES {values}")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat()}'"
    return "'{}'".format(str(value).replace("'", "''"))


def rows_of(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(sql).fetchall()
