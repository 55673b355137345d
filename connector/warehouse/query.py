"""A reader's question to the warehouse: rows as they come, errors that say what to do."""

from collections.abc import Iterator
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from connector.errors import ConfigError, ModelError

BATCH_ROWS = 10_000


def ask(connection: DuckDBPyConnection, sql: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The names of the columns and the rows, in batches; the connection should be read-only.

    Raises ConfigError where the question would write, ModelError where it is wrong.
    """
    try:
        connection.execute(sql)
    except duckdb.InvalidInputException as error:
        raise ConfigError(f"{error}. `connector query` only reads.") from None
    except duckdb.Error as error:
        raise ModelError(f"the query failed: {error}", model="query") from None
    return [column[0] for column in connection.description or ()], _fetch(connection)


def _fetch(connection: DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := connection.fetchmany(BATCH_ROWS):
        yield from rows
