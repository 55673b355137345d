"""Proof that the warehouse is what a rebuild from nothing would give, row by row."""

from collections.abc import Collection, Mapping
from functools import lru_cache

from duckdb import DuckDBPyConnection

from connector.errors import AuditError
from connector.warehouse.dialect import parse_query, rename_relations, to_sql
from connector.warehouse.model_file import SCHEMAS
from connector.warehouse.models import Graph

SCRATCH = "scratch_"


def find_differences(
    connection: DuckDBPyConnection,
    graph: Graph,
    rendered: Mapping[str, str],
    names: Collection[str],
) -> list[AuditError]:
    """Rebuilds every model in scratch schemas and compares the stored ones among `names`.

    An AuditError for each relation that differs. Nothing of it stays: the transaction it runs in
    is rolled back, also when the process is killed.
    """
    models = frozenset(graph.models)
    connection.execute("BEGIN TRANSACTION")
    try:
        for schema in SCHEMAS.values():
            connection.execute(f"CREATE SCHEMA {SCRATCH}{schema}")
        for name, model in graph.models.items():
            kind = "TABLE" if model.is_stored else "VIEW"
            sql = _render_scratch(rendered[name], name, models)
            connection.execute(f"CREATE {kind} {SCRATCH}{name} AS {sql}")
        stored = [name for name in graph.models if name in names and graph.models[name].is_stored]
        found = [_compare(connection, name, f"{SCRATCH}{name}") for name in stored]
        return [error for error in found if error]
    finally:
        connection.execute("ROLLBACK")


@lru_cache(maxsize=256)
def _render_scratch(sql: str, name: str, models: frozenset[str]) -> str:
    """The model's SQL, reading the scratch relations; parsed once a process."""
    names = {model: f"{SCRATCH}{model}" for model in models}
    return to_sql(rename_relations(parse_query(sql, name), names))


def _compare(connection: DuckDBPyConnection, name: str, scratch: str) -> AuditError | None:
    counts = [
        connection.execute(f"SELECT count(*) FROM ({sql}) AS counted").fetchall()[0][0]
        for sql in (
            f"FROM {name} EXCEPT ALL FROM {scratch}",
            f"FROM {scratch} EXCEPT ALL FROM {name}",
            f"FROM {name}",
            f"FROM {scratch}",
        )
    ]
    surplus, missing, rows, rebuilt = counts
    if not surplus and not missing:
        return None
    return AuditError(
        f"{name}: is not what a full rebuild gives: {surplus} of its {rows} rows are not in the "
        f"rebuild, {missing} of the rebuild's {rebuilt} are not in it; "
        f"`connector model --select {name}+ --full-refresh` makes it right, and please report it",
        model=name,
        audit="incremental = full rebuild",
        rows=surplus + missing,
    )
