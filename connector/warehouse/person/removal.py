"""Deleting a person's rows from the raw tables, the quarantine and what stages them.

The ledger follows in the same transaction: what a unit has lost stands in `erased_rows`, so that
loaded + quarantined + erased is still what the vendor declared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from connector.warehouse.person.ownership import (
    Person,
    RawTable,
    quote_name,
    quote_text,
    select_owned,
)
from connector.warehouse.person.spellings import spell, to_pattern
from connector.warehouse.staging import source_names
from connector.warehouse.verification import list_datasets

_GONE = "temp.person_row"
_RECORDS = "temp.person_record"
STAGING_SUFFIX = "_staging"  # of the datasets dlt merges from


@dataclass(frozen=True, slots=True)
class Held:
    """What one table holds of a person: rows, or cells and records of a quarantine."""

    dataset: str
    table: str
    rows: int


def count_held(
    connection: DuckDBPyConnection, tables: Sequence[RawTable], person: Person
) -> list[Held]:
    """What is held of the person, by table; tables that hold nothing are left out."""
    held: list[Held] = []
    for source in list_datasets(connection):
        _gather(connection, source, _of(source, tables), person)
        held += _count(connection, source)
    return held


def remove_rows(
    connection: DuckDBPyConnection, tables: Sequence[RawTable], person: Person
) -> list[Held]:
    """Delete what is held of the person, inside the caller's transaction; what that was."""
    held: list[Held] = []
    for source in list_datasets(connection):
        own = _of(source, tables)
        _gather(connection, source, own, person)
        held += _count(connection, source)
        _settle_ledger(connection, source)
        _delete(connection, source, own, person)
    for name in _list_staged(connection):
        connection.execute(f"DELETE FROM {name}")
    return held


def _of(source: str, tables: Iterable[RawTable]) -> list[RawTable]:
    return [table for table in tables if table.source == source and table.ids]


def _count(connection: DuckDBPyConnection, source: str) -> list[Held]:
    """What was gathered of one dataset, by table."""
    held = connection.execute(
        f"SELECT table_name, count(*) FROM {_GONE} GROUP BY ALL"
        f" UNION ALL SELECT 'quarantine', (SELECT count(*) FROM {source}.quarantine AS q WHERE"
        f" {_IS_CELL}) + (SELECT count(*) FROM {_RECORDS}) ORDER BY 1"
    ).fetchall()
    return [Held(source, name, count) for name, count in held if count]


_IS_CELL = (
    f"q.kind <> 'row' AND EXISTS (FROM {_GONE} AS p WHERE p.unit = q.unit AND p.row = q._row"
    " AND p.load_id = q._dlt_load_id)"
)


def _gather(
    connection: DuckDBPyConnection, source: str, tables: Iterable[RawTable], person: Person
) -> None:
    """Note which rows and records of a dataset are the person's."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_GONE.partition('.')[2]}"
        " (table_name VARCHAR, unit VARCHAR, row BIGINT, load_id VARCHAR)"
    )
    for table in tables:
        connection.execute(
            f"INSERT INTO {_GONE} SELECT {quote_text(table.name)}, _unit, _row, _dlt_load_id"
            f" FROM {table.relation} WHERE {select_owned(table, person)}"
        )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_RECORDS.partition('.')[2]} AS"
        f" SELECT unit, _dlt_load_id AS load_id, rowid AS place FROM {source}.quarantine"
        f" WHERE kind = 'row' AND {select_records(person)}"
    )


def select_records(person: Person, column: str = "raw") -> str:
    """The condition that the text of a record names the person; never NULL."""
    texts = person.texts()
    if not texts or person.salt:
        return "false"  # digests are found in no text
    return f"coalesce({match_words(column, texts)}, false)"


def match_words(column: str, texts: Sequence[str]) -> str:
    """The condition that a text has one of these in it as a whole word; NULL where there is none."""
    words = sorted({word for text in texts for word in spell(text)})
    held = " OR ".join(f"contains({column}, {quote_text(word)})" for word in words)
    return f"(({held}) AND regexp_matches({column}, {quote_text(to_pattern(texts))}))"  # slow


def _settle_ledger(connection: DuckDBPyConnection, source: str) -> None:
    connection.execute(f"ALTER TABLE {source}.units ADD COLUMN IF NOT EXISTS erased_rows BIGINT")
    connection.execute(
        f"UPDATE {source}.units AS u SET loaded_rows = loaded_rows - g.rows,"
        " quarantined_rows = quarantined_rows - g.records,"
        " erased_rows = coalesce(erased_rows, 0) + g.rows + g.records"
        " FROM (SELECT unit, load_id, sum(rows) AS rows, sum(records) AS records FROM ("
        f" SELECT unit, load_id, count(*) AS rows, 0 AS records FROM {_GONE} GROUP BY ALL"
        f" UNION ALL SELECT unit, load_id, 0, count(*) FROM {_RECORDS} GROUP BY ALL) GROUP BY ALL"
        ") AS g WHERE u.unit = g.unit AND u._dlt_load_id = g.load_id"
    )


def _delete(
    connection: DuckDBPyConnection, source: str, tables: Iterable[RawTable], person: Person
) -> None:
    connection.execute(f"DELETE FROM {source}.quarantine AS q WHERE {_IS_CELL}")
    connection.execute(
        f"DELETE FROM {source}.quarantine WHERE kind = 'row' AND {select_records(person)}"
    )
    for table in tables:
        connection.execute(f"DELETE FROM {table.relation} WHERE {select_owned(table, person)}")


def _list_staged(connection: DuckDBPyConnection) -> list[str]:
    """The tables dlt merges from: rows that stand there after a load are left over."""
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
        " AND list_contains($1, schema_name) AND NOT starts_with(table_name, '_dlt')",
        [[f"{source}{STAGING_SUFFIX}" for source in source_names()]],
    ).fetchall()
    return [f"{schema}.{quote_name(name)}" for schema, name in rows]
