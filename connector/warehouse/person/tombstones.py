"""Tombstones: whose rows no later load may bring back. They hold digests, never an id.

They stand in the warehouse, `connector.tombstone` and `connector.salt`, so that they go with the
data they protect. The salt is made once a warehouse; without it nobody can try ids against them.
"""

import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from dlt.common.destination.exceptions import DestinationUndefinedEntity

from connector.decode.erased import NOBODY, Erased, digest_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "connector"
_SALT_BYTES = 16


class SqlClient(Protocol):
    """The part of dlt's SQL client that reading needs."""

    def execute_sql(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        """Rows of a query."""
        ...

    @property
    def capabilities(self) -> Any:
        """What the destination can do."""
        ...

    def has_dataset(self) -> bool:
        """Whether the dataset is there."""
        ...

    def make_qualified_table_name(self, table_name: str) -> str:
        """The table as the destination names it."""
        ...

    def with_alternative_dataset_name(self, dataset_name: str) -> AbstractContextManager[Any]:
        """The client, looking at another dataset."""
        ...


def read_tombstones(client: SqlClient) -> Erased:
    """Everybody who was erased; nobody where the warehouse has no such tables."""
    with client.with_alternative_dataset_name(SCHEMA):
        if not client.has_dataset():
            return NOBODY
        salt, stones = map(client.make_qualified_table_name, ("salt", "tombstone"))
    if client.capabilities.sqlglot_dialect == "duckdb":
        ((database,),) = client.execute_sql("SELECT current_database()")
        schema = _quote_schema(database)
        salt, stones = f"{schema}.salt", f"{schema}.tombstone"
    try:
        salts = client.execute_sql(f"SELECT salt FROM {salt}") or ()
        rows = client.execute_sql(f"SELECT kind, digest, until_at FROM {stones}") or ()
    except DestinationUndefinedEntity:  # somebody else's schema of this name
        return NOBODY
    return _to_erased([*salts], [*rows])


def load_tombstones(connection: "DuckDBPyConnection") -> Erased:
    """Everybody who was erased, read from an open warehouse."""
    there = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = ? AND table_name IN ('salt', 'tombstone')",
        [SCHEMA],
    ).fetchall()
    if there[0][0] < 2:
        return NOBODY
    schema = qualify(connection)
    salts = connection.execute(f"SELECT salt FROM {schema}.salt").fetchall()
    rows = connection.execute(f"SELECT kind, digest, until_at FROM {schema}.tombstone").fetchall()
    return _to_erased(salts, rows)


def _to_erased(salts: list[Any], rows: list[Any]) -> Erased:
    if not salts or not rows:
        return Erased(salts[0][0], {}) if salts else NOBODY
    until: dict[tuple[str, str], datetime] = {}
    for kind, digest, at in rows:
        moment = datetime.fromisoformat(at.isoformat()).astimezone(UTC)
        until[kind, digest] = max(moment, until.get((kind, digest), moment))
    return Erased(salts[0][0], until)


def make_salt(connection: "DuckDBPyConnection") -> str:
    """The warehouse's salt; made, with the tables around it, where there is none yet."""
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"
    )  # a name of one part is never a catalog's
    schema = qualify(connection)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {schema}.salt (salt VARCHAR)")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {schema}.tombstone"
        " (kind VARCHAR, digest VARCHAR, until_at TIMESTAMPTZ, created_at TIMESTAMPTZ)"
    )
    connection.execute(
        f"INSERT INTO {schema}.salt SELECT ? WHERE NOT EXISTS (FROM {schema}.salt)",
        [secrets.token_hex(_SALT_BYTES)],
    )
    return str(connection.execute(f"SELECT salt FROM {schema}.salt").fetchall()[0][0])


def add_tombstones(
    connection: "DuckDBPyConnection", ids: Iterable[tuple[str, str]], at: datetime
) -> list[tuple[str, str]]:
    """Set or prolong the tombstones of these ids, each (kind, id); each as (kind, digest)."""
    salt, schema = make_salt(connection), qualify(connection)
    digests = sorted({(kind, digest_id(salt, kind, value)) for kind, value in ids})
    for kind, digest in digests:
        connection.execute(
            f"DELETE FROM {schema}.tombstone WHERE kind = ? AND digest = ? AND until_at <= ?",
            [kind, digest, at],
        )
        connection.execute(
            f"INSERT INTO {schema}.tombstone SELECT $1, $2, $3, $3 WHERE NOT EXISTS"
            f" (FROM {schema}.tombstone WHERE kind = $1 AND digest = $2)",
            [kind, digest, at],
        )
    return digests


def qualify(connection: "DuckDBPyConnection") -> str:
    """The schema with its catalog: a warehouse file may be called `connector.duckdb`."""
    return _quote_schema(connection.execute("SELECT current_database()").fetchall()[0][0])


def _quote_schema(database: str) -> str:
    return '"{}".{}'.format(database.replace('"', '""'), SCHEMA)
