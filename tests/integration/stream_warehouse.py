"""A warehouse as it is found, and its comparison with what it should hold."""

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.fields import load_tables
from tests.integration.stream_truth import (
    TABLES,
    Expected,
    Row,
    expected_rows,
    sort_rows,
)

Snapshot = dict[str, list[Row]]
"""Rows by table: the data types, `units`, `quarantine`, `_dlt_loads`."""

PASSING = frozenset({"attempts", "fetched_at", "bytes"})
"""Columns of the ledger that two runs with the same outcome may differ in."""


def read_warehouse(path: Path, schema: str = "appmetrica_stream") -> Snapshot:
    """Every table of the dataset; none where there is no warehouse."""
    if not path.exists():
        return {}
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?", [schema]
        ).fetchall()
        return {
            name: connection.table(f'{schema}."{name}"').to_arrow_table().to_pylist()
            for (name,) in names
        }


def compare(expected: Expected, found: Snapshot) -> None:
    """Assert that `found` is what is expected: rows, ledger, quarantine, and their totals."""
    for table in TABLES:
        actual = sort_rows(found.get(table, ()))
        assert actual == sort_rows(expected_rows(expected, table)), table
    check_ledger(expected, found)
    check_quarantine(expected, found)
    check_laws(found)


def check_ledger(expected: Expected, found: Snapshot) -> None:
    """Assert that the ledger has exactly the units expected, with what is true of them."""
    units = {row["unit"]: row for row in found.get("units", ())}
    assert len(units) == len(found.get("units", ()))
    assert sorted(units) == sorted(expected.units)
    lost = Counter(unit for unit, _ in expected.records)
    for unit, row in units.items():
        rows = expected.rows[row["table_name"]][unit]
        wanted = expected.units[unit] | {
            "loaded_rows": len(rows),
            "quarantined_rows": lost[unit],
            **_event_times(row["table_name"], rows),
        }
        assert {name: row[name] for name in wanted} == wanted


def _event_times(table: str, rows: list[Row]) -> Row:
    known = load_tables("appmetrica_stream")[table]
    column = known.by_name[known.event_time].column if known.event_time else ""
    times = [row[column] for row in rows if row.get(column) is not None]
    days = sorted({time.astimezone(UTC).date().isoformat() for time in times})
    return {
        "min_event_at": min(times, default=None),
        "max_event_at": max(times, default=None),
        "event_days": "[" + ", ".join(f'"{day}"' for day in days) + "]",
    }


def check_quarantine(expected: Expected, found: Snapshot) -> None:
    """Assert that quarantine has exactly the cells and records expected."""
    rows = found.get("quarantine", ())
    cells = [(r["unit"], r["_row"], r["field_name"]) for r in rows if r["kind"] == "cell"]
    assert sorted(cells) == sorted(expected.cells)
    records = Counter(r["unit"] for r in rows if r["kind"] == "row")
    assert records == Counter(unit for unit, _ in expected.records)
    assert {r["kind"] for r in rows} <= {"cell", "row"}


def check_laws(found: Snapshot, tables: Collection[str] = TABLES) -> None:
    """Assert what holds of every warehouse at every time, whatever it should hold."""
    finished = {row["load_id"] for row in found.get("_dlt_loads", ()) if row["status"] == 0}
    units = {row["unit"]: row for row in found.get("units", ())}
    assert {row["_dlt_load_id"] for row in units.values()} <= finished
    counts: Counter[str] = Counter()
    ordinals: dict[str, set[int]] = defaultdict(set)
    for table in tables:
        for row in found.get(table, ()):
            unit = row["_unit"]
            assert row["_dlt_load_id"] == units[unit]["_dlt_load_id"], unit
            assert units[unit]["table_name"] == table
            assert row["_row"] not in ordinals[unit], (unit, row["_row"])
            ordinals[unit].add(row["_row"])
            counts[unit] += 1
    records = Counter(r["unit"] for r in found.get("quarantine", ()) if r["kind"] == "row")
    for row in found.get("quarantine", ()):
        assert row["_dlt_load_id"] == units[row["unit"]]["_dlt_load_id"]
    for unit, row in units.items():
        assert row["loaded_rows"] == counts[unit], unit
        assert row["quarantined_rows"] == records[unit], unit
        if tables is TABLES or row["declared_rows"] is not None:  # the stream always declares them
            assert row["loaded_rows"] + row["quarantined_rows"] == row["declared_rows"], unit
        assert max(ordinals[unit], default=-1) < row["file_rows"]


def comparable(found: Snapshot, tables: Collection[str] = TABLES) -> Snapshot:
    """What must be equal after two histories with one outcome: no load ids, no fetch times."""
    kept: Snapshot = {}
    for table in (*tables, "units", "quarantine"):
        dropped = {"_dlt_load_id", "quarantined_at"} | (PASSING if table == "units" else set())
        rows = [{k: v for k, v in row.items() if k not in dropped} for row in found.get(table, ())]
        kept[table] = sorted(rows, key=_by_everything)
    return kept


def _by_everything(row: Row) -> str:
    return str({name: _plain(row[name]) for name in sorted(row) if row[name] is not None})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
