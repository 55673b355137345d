"""Columns of a query and their types, found without a database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from connector.errors import ModelError, UnknownColumnError
from connector.warehouse.dialect import DIALECT, Position, locate, relation_name

_NAMED = re.compile(r"(?:Unknown column: |Column ')\"?([^\s'\"]+)")

Schema = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a model: its DuckDB type and the text that trails it in the file."""

    name: str
    type: str
    doc: str


def find_columns(query: exp.Query, schema: Schema, model: str, text: str) -> tuple[Column, ...]:
    """Columns of the query's last select, in order.

    `schema` is relation -> column -> type of all it may read. Raises UnknownColumnError at the
    line and column of a name that is not there, ModelError for a star.
    """
    if any(projection.is_star for projection in query.selects):
        raise ModelError(f"{model}: the last select names its columns, not *", model=model)
    known = _nest(schema, query)
    try:
        qualified = qualify(query.copy(), schema=known, dialect=DIALECT)
    except OptimizeError as error:
        found = _NAMED.search(str(error))
        name = found[1] if found else ""
        line, column = _position(query, name, schema, text)
        said = f"there is no column {name}" if name else str(error)
        raise UnknownColumnError(
            f"{model}:{line}:{column}: {said}", model=model, line=line, column=column
        ) from error
    typed = annotate_types(qualified, schema=known, dialect=DIALECT)
    return tuple(
        Column(
            name=projection.alias_or_name,
            type=_type_name(projection),
            doc=" ".join(comment.strip() for comment in written.comments or ()),
        )
        for projection, written in zip(typed.selects, query.selects, strict=True)
    )


def _nest(schema: Schema, query: exp.Query) -> MappingSchema:
    """Only what the query reads: the check of a small model stays quick."""
    nested: dict[str, Any] = {}
    for table in query.find_all(exp.Table):
        if (name := relation_name(table)) in schema:
            nested.setdefault(table.db, {})[table.name] = dict(schema[name])
    return MappingSchema(nested, dialect=DIALECT)


def _type_name(projection: exp.Expr) -> str:
    kind = projection.type
    if kind is None or kind.this in {exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL}:
        return "UNKNOWN"
    return kind.sql(dialect=DIALECT).replace("TEXT", "VARCHAR")


def _position(query: exp.Query, name: str, schema: Schema, text: str) -> Position:
    """Where the first column of that name stands that its source does not have."""
    for scope in traverse_scope(query):
        for column in scope.columns:
            if column.name == name and not _is_known(column, scope, schema):
                return locate(column, text)
    columns = (column for column in query.find_all(exp.Column) if column.name == name)
    return next((locate(column, text) for column in columns), (None, None))


def _is_known(column: exp.Column, scope: Scope, schema: Schema) -> bool:
    sources = scope.sources.items()
    named = [source for alias, source in sources if column.table in {"", alias}]
    return any(column.name in _names(source, schema) for source in named)


def _names(source: exp.Expr | Scope, schema: Schema) -> list[str]:
    if isinstance(source, Scope):
        query = source.expression
        return list(query.named_selects) if isinstance(query, exp.Query) else []
    if isinstance(source, exp.Table):
        return list(schema.get(relation_name(source), ()))
    return []
