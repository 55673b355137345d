"""Undoing what a killed load left, before anything is loaded.

dlt loads the tables of a package one by one: a kill between them leaves some new and some old.
After recovery the warehouse holds finished loads only, and no row of a unit that the ledger does
not hold; the units that were touched are loaded again.
"""

from collections.abc import Iterable
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from connector.units import LoadedUnit
from connector.warehouse.ledger import read_rows
from connector.warehouse.store import can_delete

UNFINISHED = "_dlt_load_id NOT IN (SELECT load_id FROM _dlt_loads WHERE status = 0)"


def recover(pipeline: dlt.Pipeline) -> tuple[dlt.Pipeline, list[LoadedUnit]]:
    """The pipeline without pending packages (their verified files still wait in the spool), and
    the units whose rows and ledger rows were removed because a load of them never finished.
    """
    was_killed = pipeline.has_pending_data or pipeline.first_run
    if pipeline.has_pending_data:
        pipeline = pipeline.drop()
    if not can_delete(pipeline):
        return pipeline, []
    try:
        with pipeline.sql_client() as client, client.begin_transaction():
            return pipeline, _remove_unfinished(client, was_killed=was_killed)
    except DestinationUndefinedEntity:
        return pipeline, []  # nothing was ever loaded


def _remove_unfinished(client: Any, *, was_killed: bool) -> list[LoadedUnit]:
    """Remove every row of the units that an unfinished load touched.

    A merge deletes and inserts in two steps, so a kill between them may also leave rows whose unit
    the ledger has lost; they are looked for where a kill is possible, because it reads every row.
    """
    tables = _list_tables(client)
    if "units" not in tables:
        return []
    touched: set[str] = set()
    for table, column in tables.items():
        query = f'SELECT DISTINCT {column} FROM "{table}" WHERE {UNFINISHED}'
        if was_killed:
            query += f" OR {column} NOT IN (SELECT unit FROM units)"
        touched |= {unit for (unit,) in client.execute_sql(query) or ()}
        if was_killed and column == "_unit":
            touched |= {unit for (unit,) in client.execute_sql(_emptied(table)) or ()}
    if not touched:
        return []
    listed = _to_list(touched)
    known = read_rows(client, f"WHERE u.unit IN ({listed})")
    for table, column in tables.items():
        client.execute_sql(f'DELETE FROM "{table}" WHERE {column} IN ({listed})')
    return list(known.values())


def _emptied(table: str) -> str:
    """Units of the ledger whose rows are gone: another unit that was to take them over, or the unit
    itself, was killed between the table's merge and the ledger's.
    """
    return (
        f"SELECT unit FROM units WHERE table_name = '{table}' AND loaded_rows > 0"
        f' AND unit NOT IN (SELECT DISTINCT _unit FROM "{table}")'
    )


def _list_tables(client: Any) -> dict[str, str]:
    """The column that holds the unit, by table; tables without a load id are not ours."""
    found = client.execute_sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
        " AND column_name IN ('_unit', 'unit', '_dlt_load_id') ORDER BY table_name",
        client.dataset_name,
    )
    columns: dict[str, set[str]] = {}
    for table, column in found or ():
        columns.setdefault(table, set()).add(column)
    return {
        table: "_unit" if "_unit" in names else "unit"
        for table, names in columns.items()
        if "_dlt_load_id" in names and names & {"_unit", "unit"}
    }


def _to_list(units: Iterable[str]) -> str:
    return ", ".join("'" + unit.replace("'", "''") + "'" for unit in sorted(units))
