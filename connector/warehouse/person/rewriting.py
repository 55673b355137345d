"""Writing the DuckDB file anew, so that nothing deleted stays in it.

DuckDB leaves the bytes of deleted rows where they were until something else takes their place. A
copy of the database has no such places. It is made beside the file, compared with it, synced, and
put in its place by a rename: a kill at any instant leaves the one or the other, both whole.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from connector.errors import BusyError, ConnectorError
from connector.warehouse.person.ownership import quote_name, quote_text
from connector.warehouse.settings import Settings
from connector.warehouse.store import open_warehouse

NEW_SUFFIX = ".new"
_NEW = "connector_rewritten"
_MEMORY = "512MB"
_RESERVE_BYTES = 64 << 20

# what a database has beside its rows: DuckDB's function, the thing's name, what it is like
_CATALOG = (
    ("schemas", "schema_name", "comment"),
    ("tables", "table_name", "comment"),
    ("views", "view_name", "concat_ws(' ', sql, comment)"),
    (
        "columns",
        "table_name || '.' || column_name",
        "concat_ws(' ', column_index, data_type, column_default, is_nullable, comment)",
    ),
    ("constraints", "table_name", "constraint_text"),
    ("indexes", "index_name", "concat_ws(' ', sql, comment)"),
    (
        "sequences",
        "sequence_name",
        "concat_ws(' ', start_value, increment_by, last_value, comment)",
    ),
    ("functions", "function_name", "concat_ws(' ', parameters, macro_definition, comment)"),
    ("types", "type_name", "concat_ws(' ', logical_type, labels, comment)"),
)
_WITHOUT_INTERNAL = ("constraints", "indexes", "sequences")


def rewrite_warehouse(settings: Settings) -> tuple[int, int]:
    """Put a copy without dead bytes in the place of the DuckDB file; its size before and after.

    Raises ConnectorError where the disk has no room for it or the copy differs, BusyError where
    another process has the file open; the warehouse is then as it was.
    """
    path = settings.warehouse.resolve()
    new = path.with_name(path.name + NEW_SUFFIX)
    remove_database(new)
    before = path.stat().st_size
    _check_room(path, before)
    try:
        _replace(settings, path, new)
    finally:
        remove_database(new)
    _sync(path.parent)
    shutil.rmtree(_beside(path, ".tmp"), ignore_errors=True)
    return before, path.stat().st_size


def _replace(settings: Settings, path: Path, new: Path) -> None:
    """The old file stays open, and so locked, until the new one stands in its place."""
    connection = open_warehouse(settings)
    try:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {quote_text(str(_beside(new, '.tmp')))}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("CHECKPOINT")
        if _beside(path, ".wal").exists():
            raise BusyError(
                f"{path} has changes under way: run again when nothing else writes to it"
            )
        copy_database(connection, new)
        new.chmod(path.stat().st_mode & 0o7777)
        _sync(new)
        new.replace(path)
    finally:
        connection.close()


def copy_database(connection: DuckDBPyConnection, new: Path) -> None:
    """Copy the connection's database into a new file; ConnectorError where the copy differs."""
    name = str(connection.execute("SELECT current_database()").fetchall()[0][0])
    connection.execute(f"ATTACH {quote_text(str(new))} AS {_NEW}")
    try:
        new.chmod(0o600)
        connection.execute(f"COPY FROM DATABASE {quote_name(name)} TO {_NEW}")
        if lost := _compare(connection, name):
            raise ConnectorError(
                f"the copy of {name} differs in {lost}: it was thrown away, and the warehouse is as it"
                " was, deleted rows still in its file. Please report it."
            )
        connection.execute(f"CHECKPOINT {_NEW}")
    except duckdb.Error as error:
        raise ConnectorError(f"the warehouse could not be copied to {new}: {error}") from error
    finally:
        connection.execute(f"DETACH {_NEW}")


def _compare(connection: DuckDBPyConnection, name: str) -> str:
    """What the copy has not, or has otherwise; "" where it is the same."""
    here, there = (_describe(connection, database) for database in (name, _NEW))
    if here != there:
        return f"its {min(here ^ there, key=str)}"
    for kind, schema, table, _ in sorted(here, key=str):
        if kind != "tables":
            continue
        relation = f"{quote_name(schema)}.{quote_name(table)}"
        counts = {
            connection.execute(f"SELECT count(*) FROM {quote_name(each)}.{relation}").fetchall()[0]
            for each in (name, _NEW)
        }
        if len(counts) > 1:
            return f"the rows of {schema}.{table}"
    return ""


def _describe(connection: DuckDBPyConnection, database: str) -> set[tuple[Any, ...]]:
    """Each thing of the database: (what it is, its schema, its name, what it is like)."""
    found: set[tuple[Any, ...]] = set()
    for kind, name, text in _CATALOG:
        rows = connection.execute(
            f"SELECT '{kind}', schema_name, {name}, {text} FROM duckdb_{kind}()"
            f" WHERE database_name = {quote_text(database)}"
            + ("" if kind in _WITHOUT_INTERNAL else " AND NOT internal")
        ).fetchall()
        found |= set(rows)
    return found


def _check_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < size + _RESERVE_BYTES:
        raise ConnectorError(
            f"the disk of {path} has {free >> 20} MB left and a copy of the warehouse needs"
            f" {(size + _RESERVE_BYTES) >> 20} MB: free some space and run the same command again. The"
            " rows are deleted; their bytes stay in the file until it is written anew."
        )


def remove_database(path: Path) -> None:
    """Delete a DuckDB file and what lies beside it; what is gone is no error."""
    for leftover in (path, _beside(path, ".wal")):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(_beside(path, ".tmp"), ignore_errors=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
