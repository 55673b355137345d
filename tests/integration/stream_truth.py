"""What a warehouse should hold of Data Stream, worked out from the sandbox's truth.

The casts are written anew here, by the field table's types, so that the decoder is not asked to
judge itself. Rows are mappings by raw column, absent cells None, without `_dlt_load_id`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.fields import Field, load_tables
from connector.sandbox import Sandbox

Row = dict[str, Any]
SETTLE_S = 600
TABLES = tuple(load_tables("appmetrica_stream"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_CASTS: Mapping[str, Callable[[str], Any]] = {
    "bigint": int,
    "integer": int,
    "decimal": lambda text: Decimal(text).quantize(Decimal("1e-9")),
    "boolean": lambda text: _BOOLEANS[text],
    "timestamp": lambda text: _EPOCH + timedelta(seconds=int(text)),
    "date": date.fromisoformat,
}


@dataclass(slots=True)
class Expected:
    """Rows by table and unit, ledger rows by unit, and what is in quarantine."""

    rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    units: dict[str, Row] = field(default_factory=dict)
    cells: list[tuple[str, int, str]] = field(default_factory=list)
    records: list[tuple[str, str]] = field(default_factory=list)

    def update(self, other: "Expected") -> None:
        """Take in what `other` knows of its units, in place of what was known of them."""
        self.drop(other.units)
        for table, units in other.rows.items():
            self.rows.setdefault(table, {}).update(units)
        self.units.update(other.units)
        self.cells += other.cells
        self.records += other.records

    def drop(self, units: Collection[str]) -> None:
        """Expect nothing of these units."""
        for rows in self.rows.values():
            for unit in units:
                rows.pop(unit, None)
        for unit in units:
            self.units.pop(unit, None)
        self.cells = [item for item in self.cells if item[0] not in units]
        self.records = [item for item in self.records if item[0] not in units]


def expect_truth(
    sandbox: Sandbox,
    *,
    tables: Iterable[str] = TABLES,
    without: Collection[str] = (),
    settled_only: bool = True,
) -> Expected:
    """What should be loaded by now of every window that is listed and settled.

    `without` are ids of units that are not to be there.
    """
    expected = Expected()
    for app in sandbox.scenario.apps:
        for table in tables if app.access != "none" else ():
            _add_table(expected, sandbox, app.id, table, settled_only=settled_only)
    expected.drop(set(without))
    return expected


def unit_id(app: int, table: str, window: int, schema_id: int) -> str:
    """The id of a window's unit."""
    return f"{app}/{table}/{window}/{schema_id}"


def _add_table(
    expected: Expected, sandbox: Sandbox, app: int, table: str, *, settled_only: bool
) -> None:
    now = sandbox.clock.timestamp()
    for listed in sandbox.windows(app, table):
        start, updated = listed["stream_window_timestamp"], listed["update_timestamp"]
        if settled_only and max(start + 300, updated) + SETTLE_S > now:
            continue
        unit = unit_id(app, table, start, listed["export_schema_id"])
        expected.units[unit] = {
            "unit": unit,
            "table_name": table,
            "application_id": str(app),
            "axis": "window",
            "lower_at": datetime.fromtimestamp(start, UTC),
            "upper_at": datetime.fromtimestamp(start + 300, UTC),
            "remote_id": str(start),
            "declared_rows": listed["event_count"],
            "file_rows": listed["event_count"],
            "schema_id": str(listed["export_schema_id"]),
            "vendor_updated_at": datetime.fromtimestamp(updated, UTC),
        }
        expected.rows.setdefault(table, {})[unit] = []
    for item in sandbox.truth(app, table)["rows"]:
        unit = unit_id(app, table, item["window"], item["schema_id"])
        if unit not in expected.units:
            continue
        if "broken" in item:
            expected.records.append((unit, item["raw"]))
        else:
            expected.rows[table][unit].append(_to_row(expected, item, unit, table, app))


def _to_row(expected: Expected, item: Row, unit: str, table: str, app: int) -> Row:
    declared = load_tables("appmetrica_stream")[table]
    row: Row = {known.column: None for known in declared.fields}
    row |= {"_unit": unit, "_row": item["ordinal"]}
    if "application_id" not in declared.by_name:
        row["_application_id"] = str(app)
    for name, text in item["values"].items():
        known = declared.by_name.get(name)
        value, fits = (text, True) if known is None else cast_text(text, known)
        row[known.column if known else name] = value
        if not fits or name in item.get("invalid_utf8", ()):
            expected.cells.append((unit, item["ordinal"], name))
    return row


def cast_text(text: str, known: Field) -> tuple[Any, bool]:
    """The value of a cell that is not empty, and whether it fits its type."""
    if known.type == "array_json":
        return text, text.startswith("[") and text.endswith("]")
    cast = _CASTS.get(known.type, str)
    try:
        return cast(text), True
    except (ValueError, KeyError, InvalidOperation, OverflowError):
        return None, False


def sort_rows(rows: Iterable[Row]) -> list[Row]:
    """Rows by unit and ordinal, without columns that hold nothing and without dlt's own."""
    kept = [
        {name: value for name, value in row.items() if value is not None and _is_ours(name)}
        for row in rows
    ]
    return sorted(kept, key=lambda row: (row["_unit"], row["_row"]))


def _is_ours(name: str) -> bool:
    return not name.startswith("_dlt") and name != "_received_from"


def expected_rows(expected: Expected, table: str) -> Iterator[Row]:
    """All rows expected of a table."""
    for rows in expected.rows.get(table, {}).values():
        yield from rows
