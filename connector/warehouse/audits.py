"""Audits: queries of offending rows, run on a relation before readers see it.

Built in: `unique` and `not_null` over columns (both run on every stored model's key), and
`relationship(column, schema.model)`: every value not NULL is a key of that model. Any other name
is a file of `sql/audits`.
"""

from collections.abc import Iterator, Mapping, Sequence

from duckdb import DuckDBPyConnection

from connector.errors import AuditError, ModelError
from connector.warehouse.dialect import rename_relations, to_sql
from connector.warehouse.model_file import AuditCall, Model
from connector.warehouse.models import Graph


def run_audits(connection: DuckDBPyConnection, graph: Graph, model: Model, relation: str) -> None:
    """Runs the model's audits with `relation` in its place; AuditError at the first that fails."""
    for label, sql in audit_queries(graph, model, relation):
        row = connection.execute(f"SELECT count(*) FROM ({sql}) AS offending").fetchone()
        if row and row[0]:
            raise AuditError(
                f"{model.name}: audit {label} found {row[0]} offending rows; readers still see the "
                f"relation as it was. Look with: {sql}",
                model=model.name,
                audit=label,
                rows=row[0],
            )


def audit_queries(graph: Graph, model: Model, relation: str) -> Iterator[tuple[str, str]]:
    """(label, SQL of the offending rows) of every audit of `model`."""
    calls = list(model.audits)
    if model.is_stored and model.key:
        calls += [AuditCall("unique", model.key), AuditCall("not_null", model.key)]
    for call in calls:
        label = f"{call.name}({', '.join(call.args)})" if call.args else call.name
        yield label, _offending(call, graph, model, relation)


def _offending(call: AuditCall, graph: Graph, model: Model, relation: str) -> str:
    match call.name:
        case "unique":
            columns = ", ".join(call.args)
            return f"SELECT {columns} FROM {relation} GROUP BY {columns} HAVING count(*) > 1"
        case "not_null":
            return f"SELECT * FROM {relation} WHERE {_any(call.args, '{} IS NULL')}"
        case "relationship":
            return _orphans(call.args, graph.models, model, relation)
    query = graph.audits.get(call.name)
    if query is None:
        raise ModelError(f"{model.name}: there is no audit {call.name!r}", model=model.name)
    return to_sql(rename_relations(query, {model.name: relation}))


def _any(columns: Sequence[str], condition: str) -> str:
    return " OR ".join(condition.format(column) for column in columns)


def _orphans(args: Sequence[str], models: Mapping[str, Model], model: Model, relation: str) -> str:
    column, parent = args
    if parent not in models or len(models[parent].key) != 1:
        raise ModelError(f"{model.name}: {parent} has no single key", model=model.name)
    key = models[parent].key[0]
    return (
        f"SELECT DISTINCT c.{column} FROM {relation} AS c "
        f"WHERE c.{column} IS NOT NULL AND c.{column} NOT IN "
        f"(SELECT p.{key} FROM {parent} AS p WHERE p.{key} IS NOT NULL)"
    )
