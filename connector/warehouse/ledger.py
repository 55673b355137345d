"""The `units` table of a dataset: one row per loaded unit, in the same package as its data.

A unit counts as loaded only if the load id of its row stands in `_dlt_loads` with status 0; where a
destination only appends, the row of the newest such load counts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa

from connector.decode import Tally
from connector.journal import SpooledFile
from connector.units import MERGED, LoadedUnit, Unit

UTC_US = pa.timestamp("us", tz="UTC")
UNITS_SCHEMA = pa.schema(
    [
        ("unit", pa.string()),
        ("table_name", pa.string()),
        ("application_id", pa.string()),
        ("axis", pa.string()),
        ("lower_at", UTC_US),
        ("upper_at", UTC_US),
        ("remote_id", pa.string()),
        ("declared_rows", pa.int64()),
        ("file_rows", pa.int64()),
        ("loaded_rows", pa.int64()),
        ("quarantined_rows", pa.int64()),
        ("erased_rows", pa.int64()),
        ("bytes", pa.int64()),
        ("schema_id", pa.string()),
        ("vendor_updated_at", UTC_US),
        ("min_event_at", UTC_US),
        ("max_event_at", UTC_US),
        ("event_days", pa.string()),
        ("attempts", pa.int64()),
        ("fetched_at", UTC_US),
        ("_dlt_load_id", pa.string()),
    ]
)
_JSON_COLUMNS = frozenset({"event_days"})

_READ = """
SELECT u.unit, u.vendor_updated_at, u.declared_rows, u.schema_id, u.table_name, u.application_id,
       u.axis, u.lower_at, u.upper_at, u.loaded_rows, u.remote_id
FROM units AS u
LEFT JOIN _dlt_loads AS l ON l.load_id = u._dlt_load_id
"""


class SqlClient(Protocol):
    """The part of dlt's SQL client that reading needs."""

    def execute_sql(self, sql: str, *args: Any, **kwargs: Any) -> Sequence[Sequence[Any]] | None:
        """Rows of a query."""
        ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """A unit whose data is in the package that is being made, what was counted of it, and the file it
    came in.
    """

    unit: Unit
    tally: Tally
    file: SpooledFile


def hints_of(schema: pa.Schema) -> dict[str, Any]:
    """Column hints for dlt of a system table."""
    return {item.name: _hint(item) for item in schema}


def _hint(item: pa.Field) -> dict[str, Any]:
    hint: dict[str, Any] = {"name": item.name, "nullable": True}
    if item.name in _JSON_COLUMNS:
        return hint | {"data_type": "json"}
    if pa.types.is_timestamp(item.type):
        return hint | {"data_type": "timestamp", "precision": 6, "timezone": True}
    return hint | {"data_type": "bigint" if pa.types.is_integer(item.type) else "text"}


def to_ledger(
    accepted: Iterable[Accepted], merged: Iterable[tuple[LoadedUnit, Unit]], load_id: str
) -> pa.Table:
    """Rows of the `units` table for the units of one package, and for those whose rows another
    unit brought (`merged`: the old one and the new one), which hold none from now on.
    """
    rows = [_to_row(item, load_id) for item in accepted]
    rows += [_to_merged_row(old, new, load_id) for old, new in merged]
    return pa.Table.from_pylist(rows, UNITS_SCHEMA)


def _to_merged_row(old: LoadedUnit, new: Unit, load_id: str) -> dict[str, Any]:
    return {
        "unit": old.id,
        "table_name": old.table,
        "application_id": old.application_id or None,
        "axis": old.axis,
        "lower_at": old.lower_at,
        "upper_at": old.upper_at,
        "file_rows": 0,
        "loaded_rows": 0,
        "quarantined_rows": 0,
        "erased_rows": 0,
        "schema_id": MERGED + new.id,
        "vendor_updated_at": old.vendor_updated_at,
        "event_days": "[]",
        "_dlt_load_id": load_id,
    }


def _to_row(item: Accepted, load_id: str) -> dict[str, Any]:
    unit, tally = item.unit, item.tally
    return {
        "unit": unit.id,
        "table_name": unit.table,
        "application_id": unit.application_id or None,
        "axis": unit.axis,
        "lower_at": unit.lower_at,
        "upper_at": unit.upper_at,
        "remote_id": unit.remote_id,
        "declared_rows": unit.declared_rows,
        "file_rows": tally.file_rows,
        "loaded_rows": tally.rows,
        "quarantined_rows": tally.rejected_rows,
        "erased_rows": tally.erased_rows,
        "bytes": item.file.bytes,
        "schema_id": unit.schema_id,
        "vendor_updated_at": unit.vendor_updated_at,
        "min_event_at": tally.min_event_at,
        "max_event_at": tally.max_event_at,
        "event_days": json.dumps(sorted(tally.event_days)),
        "attempts": item.file.attempts,
        "fetched_at": item.file.fetched_at,
        "_dlt_load_id": load_id,
    }


def read_loaded(client: SqlClient) -> dict[str, LoadedUnit]:
    """The units that are loaded, by id; of several rows the newest finished load's counts."""
    return read_rows(client, "WHERE l.status = 0")


def read_rows(client: SqlClient, where: str) -> dict[str, LoadedUnit]:
    """The units of the ledger rows that `where` keeps, by id; the newest load's of several. Units
    whose rows another one took over hold nothing, and are left out.
    """
    loaded: dict[str, LoadedUnit] = {}
    for row in client.execute_sql(f"{_READ} {where} ORDER BY u._dlt_load_id") or ():
        (
            unit_id,
            updated_at,
            declared,
            schema_id,
            table,
            application_id,
            axis,
            lower,
            upper,
            rows,
            remote_id,
        ) = row
        loaded[unit_id] = LoadedUnit(
            id=unit_id,
            table=table,
            application_id=application_id or "",
            axis=axis or "",
            lower_at=_to_utc(lower),
            upper_at=_to_utc(upper),
            declared_rows=declared,
            schema_id=schema_id or "",
            vendor_updated_at=_to_utc(updated_at) if updated_at else None,
            loaded_rows=rows,
            remote_id=remote_id or "",
        )
    return {key: unit for key, unit in loaded.items() if not unit.schema_id.startswith(MERGED)}


def describe_difference(unit: Unit, rows: int, loaded: Mapping[str, LoadedUnit]) -> str:
    """How many rows more or fewer a unit has than when just its range was loaded before; "" for none."""
    before = [loaded[known] for known in (unit.id, *unit.replaces) if known in loaded]
    is_same = (
        bool(before)
        and min(old.lower_at for old in before) == unit.lower_at
        and max(old.upper_at for old in before) == unit.upper_at
    )
    more = rows - sum(old.loaded_rows or 0 for old in before)
    return (
        f"{unit.id} was loaded again: {more:+,} rows against last time" if is_same and more else ""
    )


def _to_utc(value: datetime) -> datetime:
    return datetime.fromisoformat(value.isoformat()).astimezone(UTC)
