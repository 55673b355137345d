"""Putting a model's new rows in the place of the old ones, audited in between."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

from duckdb import DuckDBPyConnection

from connector.warehouse.audits import run_audits
from connector.warehouse.catalog import comment_on
from connector.warehouse.changes import ALL, NONE, save_parts
from connector.warehouse.model_file import Model
from connector.warehouse.models import Graph

MOST_DAYS = 1000
"""Above so many dirty days a by_day model is rebuilt whole: it is quicker."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """All or nothing: commits at the end, rolls back on whatever is raised."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def days_to_build(model: Model, dirty: Collection[str]) -> list[str] | None:
    """ISO days a by_day model must recompute; None where it is to be rebuilt whole."""
    if model.kind != "by_day" or ALL in dirty:
        return None
    days = {part for part in dirty if part != NONE}
    if not all(map(_DAY.fullmatch, days)) or len(days) > MOST_DAYS:
        return None
    try:
        touched = {
            date.fromisoformat(day) + timedelta(days=later)
            for day in days
            for later in range(model.days_after + 1)
        }
    except OverflowError:  # the last days of the year 9999
        return None
    return sorted(day.isoformat() for day in touched)


def swap_view(connection: DuckDBPyConnection, model: Model, sql: str, present: str | None) -> None:
    """Defines the view anew; `present` is what stands under its name: view, table or None."""
    with transaction(connection):
        if present == "table":
            connection.execute(f"DROP TABLE {model.name}")
        connection.execute(f"CREATE OR REPLACE VIEW {model.name} AS {sql}")
        comment_on(connection, model)


def swap_table(
    connection: DuckDBPyConnection, graph: Graph, model: Model, sql: str, present: str | None
) -> None:
    """Builds the whole relation beside the old one, audits it and takes the old one's name.

    Runs inside the caller's transaction.
    """
    schema, _, name = model.name.partition(".")
    new = f"{schema}.{name}__new"
    connection.execute(f"CREATE TABLE {new} AS {sql}")
    run_audits(connection, graph, model, new)
    if present:
        connection.execute(f"DROP {present.upper()} {model.name}")
    connection.execute(f"ALTER TABLE {new} RENAME TO {name}")
    save_parts(connection, model, model.name, None)
    comment_on(connection, model)


def swap_rows(
    connection: DuckDBPyConnection, graph: Graph, model: Model, sql: str, days: Sequence[str]
) -> None:
    """Recomputes the rows of `days` and those with no day, audits them, replaces the old ones.

    Runs inside the caller's transaction.
    """
    new = f"{model.name}__new"
    listed = ", ".join(f"DATE '{day}'" for day in days)
    where = f"day IN ({listed}) OR day IS NULL" if days else "day IS NULL"
    connection.execute(f"CREATE TABLE {new} AS SELECT * FROM ({sql}) AS m WHERE {where}")
    run_audits(connection, graph, model, new)
    connection.execute(f"DELETE FROM {model.name} WHERE {where}")
    connection.execute(f"INSERT INTO {model.name} SELECT * FROM {new}")
    save_parts(connection, model, new, [*days, NONE])
    connection.execute(f"DROP TABLE {new}")
