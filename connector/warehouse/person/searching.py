"""What the tables of a warehouse still hold of a person, every table of every schema."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from duckdb import DuckDBPyConnection

from connector.decode.erased import USER
from connector.warehouse.person.ownership import (
    Person,
    RawTable,
    quote_name,
    quote_text,
    select_owned,
)
from connector.warehouse.person.removal import match_words
from connector.warehouse.person.spellings import spell

_TEXTS = ("VARCHAR", "JSON", "UUID", "ENUM", "STRUCT", "MAP", "UNION")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is left: `rows` of the person's, rows that name them in a `text`, or a file
    with the `bytes` of an id.
    """

    kind: Literal["rows", "text", "bytes"]
    place: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """The finding as a mapping."""
        return asdict(self)


def search_rows(
    connection: DuckDBPyConnection,
    tables: Iterable[RawTable],
    person: Person,
    until: datetime | None = None,
) -> list[Finding]:
    """Rows of the raw tables that are the person's; `until` leaves out newer ones."""
    found = []
    for table in tables:
        if not table.ids:
            continue
        ((count,),) = connection.execute(
            f"SELECT count(*) FROM {table.relation} WHERE {select_owned(table, person, until)}"
        ).fetchall()
        if count:
            found.append(Finding("rows", table.title, count))
    return found


def search_texts(
    connection: DuckDBPyConnection, tables: Sequence[RawTable], person: Person
) -> list[Finding]:
    """Rows of any table, system tables included, with an id in one of their texts; raw rows that are
    the person's own are not counted again.
    """
    raw = {(table.source, table.name): table for table in tables}
    found = []
    for schema, name, columns in _list_texts(connection):
        named = " OR ".join(_select_text(person, quote_name(column)) for column in columns)
        own = raw.get((schema, name))
        owned = select_owned(own, person) if own else "false"
        ((count,),) = connection.execute(
            f"SELECT count(*) FROM {quote_name(schema)}.{quote_name(name)}"
            f" WHERE ({named}) AND NOT {owned}"
        ).fetchall()
        if count:
            found.append(Finding("text", f"{schema}.{name}", count))
    return found


def _list_texts(connection: DuckDBPyConnection) -> list[tuple[str, str, list[str]]]:
    """Every stored table with its columns that may hold text."""
    kinds = " OR ".join(f"c.data_type LIKE '%{kind}%'" for kind in _TEXTS)
    return connection.execute(
        "SELECT c.schema_name, c.table_name, list(c.column_name ORDER BY c.column_index)"
        " FROM duckdb_columns() AS c JOIN duckdb_tables() AS t USING (database_oid, table_oid)"
        f" WHERE c.database_name = current_database() AND ({kinds}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def _select_text(person: Person, column: str) -> str:
    """The condition that a column's text names the person; never NULL. Of digests only whole texts
    can be told, and of those only user ids: a device may be somebody else's, too.
    """
    text = f"CAST({column} AS VARCHAR)"
    if person.salt:
        return person.match(USER, "", text)
    return f"coalesce({match_words(text, person.texts())}, false)"


def is_part_of_texts(connection: DuckDBPyConnection, texts: Iterable[str]) -> bool:
    """True where a text that stands in a table has one of these in it, as `player-12` has `player-1`:
    then their bytes in the file say nothing.
    """
    words = [word for text in texts for word in spell(text)]
    for schema, name, columns in _list_texts(connection):
        held = " OR ".join(
            f"contains(CAST({quote_name(column)} AS VARCHAR), {quote_text(word)})"
            for column in columns
            for word in words
        )
        if (
            words
            and connection.execute(
                f"SELECT 1 FROM {quote_name(schema)}.{quote_name(name)} WHERE {held} LIMIT 1"
            ).fetchall()
        ):
            return True
    return False
