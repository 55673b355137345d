"""The quarantine: list it, and replay what fits by now."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from duckdb import DuckDBPyConnection

from connector.decode import Options
from connector.fields import load_tables
from connector.warehouse.replay import ReplayLoad
from connector.warehouse.swap import transaction
from connector.warehouse.verification import list_datasets

COLUMNS = (
    "unit",
    "_row",
    "table_name",
    "kind",
    "file_line",
    "byte_offset",
    "field_name",
    "value",
    "raw",
    "reason",
    "quarantined_at",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries: those of this source, these tables and units, this kind; empty means any."""

    source: str = ""
    tables: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    kind: str = ""


@dataclass(slots=True)
class Replay:
    """What a replay did to one source.

    `cells` and `rows` left quarantine, `cells_left` and `rows_left` do not fit yet; `units_left`
    are the units of those rows, which only another download can bring.
    """

    source: str
    cells: int = 0
    rows: int = 0
    cells_left: int = 0
    rows_left: int = 0
    units_left: list[str] = field(default_factory=list)


def list_quarantine(
    connection: DuckDBPyConnection, chosen: Filter = Filter(), limit: int | None = None
) -> list[dict[str, Any]]:
    """Live entries, oldest unit first, with the name of their source."""
    found: list[dict[str, Any]] = []
    for source in list_datasets(connection):
        if chosen.source in {"", source}:
            rows = connection.execute(*_select(source, chosen, limit)).fetchall()
            found += [{"source": source, **dict(zip(COLUMNS, row, strict=True))} for row in rows]
    return found[:limit]


def count_quarantine(connection: DuckDBPyConnection, chosen: Filter = Filter()) -> int:
    """How many entries `list_quarantine` would list."""
    count = 0
    for source in list_datasets(connection):
        if chosen.source in {"", source}:
            sql, values = _select(source, chosen, None)
            count += connection.execute(f"SELECT count(*) FROM ({sql})", values).fetchall()[0][0]
    return count


def _select(source: str, chosen: Filter, limit: int | None) -> tuple[str, list[Any]]:
    columns = ", ".join(f"q.{name}" for name in COLUMNS)
    return (
        f"SELECT {columns} FROM {source}.quarantine AS q"
        f" JOIN {source}.units AS u ON u.unit = q.unit AND u._dlt_load_id = q._dlt_load_id"
        f" WHERE q._dlt_load_id IN (SELECT load_id FROM {source}._dlt_loads WHERE status = 0)"
        " AND (len($1::VARCHAR[]) = 0 OR list_contains($1::VARCHAR[], q.table_name))"
        " AND (len($2::VARCHAR[]) = 0 OR list_contains($2::VARCHAR[], q.unit))"
        " AND ($3 = '' OR q.kind = $3)"
        " ORDER BY u.lower_at, q.unit, q.byte_offset, q.file_line, q._row, q.field_name"
        + (f" LIMIT {int(limit)}" if limit is not None else ""),
        [list(chosen.tables), list(chosen.units), chosen.kind],
    )


def replay(
    connection: DuckDBPyConnection, chosen: Filter, options: Options, now: datetime
) -> Replay:
    """Put what fits its type by now where it belongs, in one transaction; the rest stays.

    `chosen` names one source. Nothing is lost and nothing doubled: an entry leaves quarantine in
    the transaction that writes it to its table, and the ledger's counters follow.
    """
    done = Replay(chosen.source)
    tables = load_tables(chosen.source)
    with transaction(connection):
        load = ReplayLoad(connection, chosen.source, options, now)
        for name, entries in _by_table(list_quarantine(connection, chosen)):
            if name in tables:
                cells = [entry for entry in entries if entry["kind"] == "cell"]
                rows = [entry for entry in entries if entry["kind"] == "row"]
                done.cells += load.replay_cells(tables[name], cells)
                done.rows += load.replay_rows(tables[name], rows)
        load.settle()
    left = list_quarantine(connection, chosen)
    done.cells_left = sum(entry["kind"] == "cell" for entry in left)
    done.rows_left = len(left) - done.cells_left
    done.units_left = list(dict.fromkeys(e["unit"] for e in left if e["kind"] == "row"))
    return done


def _by_table(entries: list[dict[str, Any]]) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    def name(entry: dict[str, Any]) -> str:
        return str(entry["table_name"])

    for table, group in groupby(sorted(entries, key=name), key=name):
        yield table, list(group)
