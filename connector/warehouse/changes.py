"""What changed since a model was last built, by day.

Every relation has parts with a fingerprint each: a day (`2024-05-01`), `none` (rows with no day),
or `all` (relations without a `day` column). A raw table's part is the set of live units that hold
rows of that day, with their load ids; a model's part is the set of its rows. A model also keeps
the fingerprints of its inputs as it read them. A part is dirty where the two differ: that covers
new, late, re-sent and emptied units alike, and survives a run that failed half-way.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from duckdb import DuckDBPyConnection

from connector.warehouse.dialect import complete_raw, to_sql
from connector.warehouse.model_file import SCHEMAS, Model
from connector.warehouse.models import Graph
from connector.warehouse.staging import LEDGER_TABLES, raw_schema, source_names

ALL, NONE = "all", "none"
RUN = "(run)"
_STATE_SQL = """
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.model_state (
  model VARCHAR, kind VARCHAR, definition VARCHAR, row_count BIGINT, built_at TIMESTAMPTZ
);
CREATE TABLE IF NOT EXISTS ops.model_parts (
  model VARCHAR, input VARCHAR, part VARCHAR, fingerprint VARCHAR
);
"""


@dataclass(frozen=True, slots=True)
class Built:
    """What is kept of a model's last success; `rows` is None for a view."""

    kind: str
    definition: str
    rows: int | None


def create_state(connection: DuckDBPyConnection) -> None:
    """Makes the schemas and state tables that are missing."""
    connection.execute(_STATE_SQL)
    for schema in SCHEMAS.values():
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def load_built(connection: DuckDBPyConnection) -> dict[str, Built]:
    """Last success of every model, and of the whole run under `(run)`."""
    rows = connection.execute(
        "SELECT model, kind, definition, row_count FROM ops.model_state"
    ).fetchall()
    return {model: Built(kind, definition, count) for model, kind, definition, count in rows}


def save_built(connection: DuckDBPyConnection, model: str, built: Built) -> None:
    """Replaces the model's row of `ops.model_state`."""
    connection.execute("DELETE FROM ops.model_state WHERE model = ?", [model])
    connection.execute(
        "INSERT INTO ops.model_state VALUES (?, ?, ?, ?, now())",
        [model, built.kind, built.definition, built.rows],
    )


def forget_others(connection: DuckDBPyConnection, names: Collection[str]) -> None:
    """Forgets models whose files are gone; their relations are the user's to drop."""
    connection.execute(
        "DELETE FROM ops.model_state WHERE model NOT IN (SELECT unnest($1))", [[*names]]
    )


def present_relations(connection: DuckDBPyConnection) -> dict[str, str]:
    """Relations of the model schemas in the database: `schema.name` -> `view` or `table`."""
    schemas = list(SCHEMAS.values())
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, 'table' FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name IN (SELECT unnest($1)) "
        "UNION ALL SELECT schema_name || '.' || view_name, 'view' FROM duckdb_views() "
        "WHERE database_name = current_database() AND schema_name IN (SELECT unnest($1))",
        [schemas],
    ).fetchall()
    return dict(rows)


def present_raw(connection: DuckDBPyConnection) -> dict[str, frozenset[str]]:
    """Raw relations in the database: `source.table` -> columns."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name) FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name IN (SELECT unnest($1)) GROUP BY ALL",
        [list(source_names())],
    ).fetchall()
    return {name: frozenset(columns) for name, columns in rows}


def finished_loads(
    connection: DuckDBPyConnection, raw: Mapping[str, Collection[str]]
) -> list[tuple[Any, ...]]:
    """(source, number of finished loads, newest load id) of each source in the database."""
    rows: list[tuple[Any, ...]] = []
    for source in source_names():
        if f"{source}._dlt_loads" in raw:
            rows += connection.execute(
                f"SELECT '{source}', count(*), max(load_id) FROM {source}._dlt_loads WHERE status = 0"
            ).fetchall()
    return rows


def save_raw_parts(
    connection: DuckDBPyConnection, graph: Graph, rendered: Mapping[str, str]
) -> None:
    """Fingerprints of all raw relations, from the ledgers' live units.

    `rendered` holds the SQL of the staging views by name. A unit that names no table of its
    source feeds them all; one that does not say its days makes its whole table dirty.
    """
    for source in source_names():
        relations = [f"{source}.{table}" for table in raw_schema(source)]
        connection.execute(
            "DELETE FROM ops.model_parts WHERE model = input AND model IN (SELECT unnest($1))",
            [relations],
        )
        if (units := f"stg.stg_{source}__units") in graph.models:
            connection.execute(_raw_parts_sql(source, rendered[units]))


def _raw_parts_sql(source: str, units: str) -> str:
    data = [table for table in raw_schema(source) if table not in LEDGER_TABLES]
    tables = ", ".join(f"('{table}')" for table in data)
    ledger = ", ".join(f"('{source}.{table}')" for table in LEDGER_TABLES)
    mark = "CAST(sum(hash(unit, _dlt_load_id)) AS VARCHAR)"
    return f"""
    INSERT INTO ops.model_parts
    WITH units AS MATERIALIZED ({units}),
    tables(name) AS (VALUES {tables}),
    ledger(relation) AS (VALUES {ledger}),
    named AS (SELECT u.*, table_name AS name FROM units AS u WHERE table_name IN (FROM tables)),
    unnamed AS (
      SELECT u.*, t.name FROM units AS u CROSS JOIN tables AS t
      WHERE u.table_name IS NULL OR u.table_name NOT IN (FROM tables)
    ),
    fed AS (
      SELECT '{source}.' || name AS relation, unit, _dlt_load_id, event_days
      FROM (FROM named UNION ALL FROM unnamed) WHERE coalesce(loaded_rows, 1) > 0
    ),
    parts AS (
      SELECT relation, unit, _dlt_load_id, unnest(CAST(event_days AS VARCHAR[])) AS part FROM fed
      UNION ALL SELECT relation, unit, _dlt_load_id, '{NONE}' FROM fed
      UNION ALL SELECT relation, unit, _dlt_load_id, '{ALL}' FROM fed WHERE event_days IS NULL
      UNION ALL SELECT relation, unit, _dlt_load_id, '{ALL}' FROM units CROSS JOIN ledger
    )
    SELECT relation, relation, part, {mark} FROM parts GROUP BY relation, part
    """


Marks = Mapping[tuple[str, str], tuple[int, int]]


def load_marks(connection: DuckDBPyConnection) -> Marks:
    """(model, input) -> what the fingerprints of all the input's parts come to."""
    rows = connection.execute(
        "SELECT model, input, count(*), sum(hash(part, fingerprint)) FROM ops.model_parts GROUP BY ALL"
    ).fetchall()
    return {(model, name): (parts, mark) for model, name, parts, mark in rows}


def are_as_read(marks: Marks, model: str, inputs: Collection[str]) -> bool:
    """True where every input is as `model` last read it."""
    return all(marks.get((name, name)) == marks.get((model, name)) for name in inputs)


def changed_parts(
    connection: DuckDBPyConnection, model: str, inputs: Collection[str]
) -> frozenset[str]:
    """Parts of the inputs that are not as `model` last read them."""
    rows = connection.execute(
        """
        WITH now AS (
          SELECT input, part, fingerprint FROM ops.model_parts
          WHERE model = input AND input IN (SELECT unnest($2))
        ),
        seen AS (
          SELECT input, part, fingerprint FROM ops.model_parts WHERE model = $1 AND input <> $1
        )
        SELECT DISTINCT part FROM now FULL JOIN seen USING (input, part)
        WHERE now.fingerprint IS DISTINCT FROM seen.fingerprint
        """,
        [model, list(inputs)],
    ).fetchall()
    return frozenset(part for (part,) in rows)


def save_inputs(connection: DuckDBPyConnection, model: str, inputs: Collection[str]) -> None:
    """Notes the inputs' fingerprints as those the model was built from."""
    connection.execute("DELETE FROM ops.model_parts WHERE model = $1 AND input <> $1", [model])
    connection.execute(
        "INSERT INTO ops.model_parts SELECT $1, input, part, fingerprint FROM ops.model_parts "
        "WHERE model = input AND input IN (SELECT unnest($2))",
        [model, list(inputs)],
    )


def save_parts(
    connection: DuckDBPyConnection, model: Model, relation: str, parts: Iterable[str] | None
) -> None:
    """Fingerprints the rows of `relation` as parts of the model: only `parts`, or all for None."""
    only = "" if parts is None else " AND part IN (SELECT unnest($2))"
    bound: list[Any] = [model.name] if parts is None else [model.name, list(parts)]
    connection.execute(f"DELETE FROM ops.model_parts WHERE model = $1 AND input = $1{only}", bound)
    part = f"coalesce(CAST(day AS VARCHAR), '{NONE}')" if model.has_day else f"'{ALL}'"
    connection.execute(
        f"INSERT INTO ops.model_parts SELECT $1, $1, {part}, CAST(sum(hash(t)) AS VARCHAR) "
        f"FROM {relation} AS t GROUP BY ALL",
        [model.name],
    )


def render_models(graph: Graph, raw: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
    """SQL of every model as it is sent, absent raw tables and columns filled with NULL."""
    return _render_models(graph, frozenset(raw.items()))


@lru_cache(maxsize=2)
def _render_models(graph: Graph, raw: frozenset[tuple[str, frozenset[str]]]) -> Mapping[str, str]:
    present = dict(raw)
    return {
        name: to_sql(complete_raw(model.query, graph.raw, present))
        for name, model in graph.models.items()
    }
