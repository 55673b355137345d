"""Field table + a package in the making -> dlt resources with their cursors.

Every package holds the rows of whole units, their rows of `units`, and their quarantine. Old rows
of a unit that comes again are deleted in the same load: the merge deletes what its staging table
names, so a unit that is now empty is named by a row with `_row` -1, which the merge does not
insert. Rows are never filtered by a cursor.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from dlt.sources import DltSource

from connector.decode import QUARANTINE_SCHEMA, stamped_schema
from connector.fields import Table, dlt_columns
from connector.intake import CHANGE_CURSORS, Intake
from connector.warehouse.ledger import UNITS_SCHEMA, hints_of

REPLACE_UNITS: Any = {
    "disposition": "merge",
    "strategy": "delete-insert",
    "destination_scope": "_unit IN (SELECT DISTINCT _unit FROM {staging_table})",
    "source_filter": "_row >= 0",
}
REPLACE_QUARANTINE: Any = {
    "disposition": "merge",
    "strategy": "delete-insert",
    "destination_scope": "unit IN (SELECT DISTINCT unit FROM {staging_table})",
    "source_filter": "kind <> 'none'",
}
Columns = dict[str, Any]  # dlt's hints by column
QUARANTINE_KEY = ("unit", "_row", "kind", "field_name", "file_line", "byte_offset", "reason")
REPLACE_LEDGER: Any = {
    "disposition": "merge",
    "strategy": "delete-insert",
    "destination_scope": "unit IN (SELECT DISTINCT unit FROM {staging_table})",
}


def build_source(
    name: str,
    tables: list[Table],
    make_intake: Callable[[], Intake],
    *,
    append: frozenset[str] = frozenset(),
    append_quarantine: bool = False,
    is_resumable: bool = False,
) -> DltSource:
    """The dlt source of one package: a resource per table, then `quarantine`, then `units`.

    Tables in `append` hold no row of any unit at hand; `append_quarantine` where that goes for all
    of them. `is_resumable`: dlt may go on with a package that was killed, which stages a file
    twice; each staged row is then taken once, at the cost of memory for the merge. `make_intake` is
    called when the first resource starts. dlt must drain the resources in this order, because the
    last two tell what became of the first: it is set for this source only.
    """
    dlt.config[f"sources.{name}.extract.next_item_mode"] = "fifo"
    logging.getLogger("dlt").addFilter(_is_news)
    shared: list[Intake] = []

    def intake() -> Intake:
        if not shared:
            shared.append(make_intake())
        return shared[0]

    def resources() -> Iterator[DltResource]:
        for table in tables:
            columns = _mark_key(_table_columns(table), "_unit", "_row", is_key=is_resumable)
            yield _table_resource(table, columns, intake, is_append=table.name in append)
        columns = _mark_key(hints_of(QUARANTINE_SCHEMA), *QUARANTINE_KEY, is_key=is_resumable)
        yield _quarantine_resource(columns, intake, is_append=append_quarantine)
        yield _ledger_resource(
            _mark_key(hints_of(UNITS_SCHEMA), "unit", is_key=is_resumable), intake
        )

    source = dlt.source(resources, name=name, section=name, max_table_nesting=0)
    return source()


def _is_news(record: logging.LogRecord) -> bool:
    """False for two warnings of dlt about what is meant so: cursors of units are no columns (or
    not asked for), and `event_days` is text in Arrow and JSON in the destination.
    """
    text = record.getMessage()
    is_of_unit = any(
        f"  - {cursor}\n" in text for cursor in (*CHANGE_CURSORS, "tsInsert", "event_day")
    )
    return not (
        ("did not receive any data" in text and is_of_unit)
        or ("In resource: units, when merging arrow schema" in text)
    )


def _table_columns(table: Table) -> Columns:
    return dlt_columns(table) | {"_dlt_load_id": {"data_type": "text", "nullable": True}}


def _table_resource(
    table: Table, columns: Columns, intake: Callable[[], Intake], *, is_append: bool
) -> DltResource:
    cursor_path = table.cursor

    def rows(
        cursor: Any = dlt.sources.incremental(cursor_path),  # noqa: B008 - dlt's own idiom
    ) -> Iterator[pa.Table]:
        before = cursor.last_value
        cursor.advance(None)  # switches dlt's row filter off: the cursor moves on units
        package = intake()
        try:
            yield stamped_schema(table).empty_table()
            yield from package.parts(table)
        except BaseException:
            package.close()
            raise
        reached = package.cursor_of(table) if package.moves_cursor else None
        cursor.advance(max(filter(None, (before, reached)), default=None))
        _note_reporting_cursor(table, package.last_event_of(table.name))

    return dlt.resource(
        rows,
        name=table.name,
        columns=columns,
        write_disposition="append" if is_append else REPLACE_UNITS,
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "evolve"},
    )


def _mark_key(columns: Columns, *names: str, is_key: bool) -> Columns:
    """Columns by which a merge takes each staged row once, or by which it does not.

    The scope alone says what is deleted, so the key does nothing else; its columns may be NULL.
    """
    return {
        name: hint | {"primary_key": is_key} if name in names else hint
        for name, hint in columns.items()
    }


def _note_reporting_cursor(table: Table, last: datetime | None) -> None:
    """Keep the newest event time seen in the resource's state: for reports, never for filters."""
    if last is None:
        return
    state = dlt.current.resource_state()
    seen = state.get(table.event_time)
    state[table.event_time] = max(last.isoformat(), seen or "")


def _quarantine_resource(
    columns: Columns, intake: Callable[[], Intake], *, is_append: bool
) -> DltResource:
    def quarantine() -> Iterator[pa.Table]:
        yield QUARANTINE_SCHEMA.empty_table()
        yield from intake().quarantine()

    return dlt.resource(
        quarantine,
        name="quarantine",
        columns=columns,
        write_disposition="append" if is_append else REPLACE_QUARANTINE,
    )


def _ledger_resource(columns: Columns, intake: Callable[[], Intake]) -> DltResource:
    def units() -> Iterator[pa.Table]:
        package = intake()
        try:
            yield package.ledger()
        finally:
            package.close()

    return dlt.resource(
        units,
        name="units",
        columns=columns,
        write_disposition=REPLACE_LEDGER,
    )
