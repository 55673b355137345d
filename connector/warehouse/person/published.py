"""The read-only copy for readers (`connector.publish`), made anew without a person."""

from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from connector.errors import ConnectorError
from connector.warehouse.person.ownership import quote_name, quote_text
from connector.warehouse.person.rewriting import remove_database
from connector.warehouse.settings import Settings

_NEW = "connector_published"


def remake_published(settings: Settings, connection: DuckDBPyConnection) -> int | None:
    """Put a new copy in the place of the old one: the same relations, with the rows the warehouse has
    now. How many; None where there is no copy.
    """
    if not settings.publish or not (path := Path(settings.publish).resolve()).exists():
        return None
    new = path.with_name(path.name + ".new")
    remove_database(new)
    try:
        names = _list_relations(path)
        copied = _copy(connection, new, names)
        new.chmod(path.stat().st_mode & 0o7777)
        new.replace(path)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    except duckdb.Error as error:
        raise ConnectorError(
            f"the copy for readers {path} cannot be made anew: {error}. Delete it, or close what has it"
            " open, and run the same command again."
        ) from error
    finally:
        remove_database(new)
    return copied


def _list_relations(path: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as old:
        return old.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
        ).fetchall()


def _copy(connection: DuckDBPyConnection, new: Path, names: list[tuple[str, str]]) -> int:
    """Copy these relations of the warehouse; those it has no more are left out."""
    there = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_catalog = current_database()"
    ).fetchall()
    kept = [name for name in names if name in set(there)]
    connection.execute(f"ATTACH {quote_text(str(new))} AS {_NEW}")
    try:
        for schema, table in kept:
            relation = f"{quote_name(schema)}.{quote_name(table)}"
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_NEW}.{quote_name(schema)}")
            connection.execute(f"CREATE TABLE {_NEW}.{relation} AS FROM {relation}")
        connection.execute(f"CHECKPOINT {_NEW}")
    finally:
        connection.execute(f"DETACH {_NEW}")
    return len(kept)
