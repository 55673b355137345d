"""SQL syntax trees: house functions, names of relations, raw tables that are not there yet.

Everything that is particular to one engine stands here or in `sql/functions.toml`.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from connector.errors import ModelError

DIALECT = "duckdb"
Position = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class HouseFunction:
    """A function of functions.toml; `fold` is set where it takes any number of arguments."""

    args: tuple[str, ...]
    fold: str
    separator: str
    body: str


Functions = Mapping[str, HouseFunction]


def load_functions(path: Path) -> Functions:
    """House functions by name; none where the file is absent."""
    declared = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {
        name: HouseFunction(
            args=tuple(entry.get("args", ())),
            fold=entry.get("fold", ""),
            separator=entry.get("separator", ""),
            body=entry[DIALECT],
        )
        for name, entry in declared.items()
    }


def parse_query(text: str, model: str) -> exp.Query:
    """The one SELECT of a model file; ModelError with line and column where it is not one."""
    try:
        tree = sqlglot.parse_one(text, read=DIALECT)
    except SqlglotError as error:
        details = (getattr(error, "errors", None) or [{}])[0]
        said = details.get("description") or str(error).splitlines()[0]
        line, column = details.get("line"), details.get("col")
        where = f"{model}:{line}:{column}" if line else model
        raise ModelError(
            f"{where}: not valid SQL: {said}", model=model, line=line, column=column
        ) from error
    if not isinstance(tree, exp.Query):
        raise ModelError(f"{model}: a model is one SELECT", model=model, line=1, column=1)
    return tree


def expand_functions(tree: exp.Query, functions: Functions, model: str, text: str) -> exp.Query:
    """`tree`, changed in place: every house function is now what the engine runs."""
    calls = [node for node in tree.find_all(exp.Anonymous) if node.name.lower() in functions]
    for call in reversed(calls):  # the innermost first, so that arguments are expanded already
        function = functions[call.name.lower()]
        given = dict(zip(function.args, call.expressions, strict=False))
        if function.fold:
            given = {"parts": _fold(function, call.expressions)}
        elif len(call.expressions) != len(function.args):
            line, column = locate(call, text)
            wanted = ", ".join(function.args)
            said = f"{model}:{line}:{column}: {call.name} takes ({wanted})"
            raise ModelError(said, model=model, line=line, column=column)
        call.replace(_substitute(function.body, given))
    return tree


def _fold(function: HouseFunction, parts: list[exp.Expr]) -> exp.Expr:
    folded = parts[0]
    for part in parts[1:]:
        separated = exp.DPipe(this=folded, expression=exp.Literal.string(function.separator))
        folded = exp.DPipe(this=separated, expression=_operand(part))
    return folded


def _operand(part: exp.Expr) -> exp.Expr:
    return exp.paren(part) if isinstance(part, exp.Binary) else part


def _substitute(body: str, given: Mapping[str, exp.Expr]) -> exp.Expr:
    tree = sqlglot.parse_one(body, read=DIALECT)
    for column in list(tree.find_all(exp.Column)):
        if column.name in given:
            column.replace(_operand(given[column.name].copy()))
    return tree


def read_tables(tree: exp.Query) -> list[exp.Table]:
    """Tables a query reads, its own CTEs left out."""
    return [
        source
        for scope in traverse_scope(tree)
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    ]


def relation_name(table: exp.Table) -> str:
    """`schema.name` of a table, `name` where the schema is not given."""
    return f"{table.db}.{table.name}" if table.db else table.name


def rename_relations(tree: exp.Query, names: Mapping[str, str]) -> exp.Query:
    """A copy of `tree` that reads other relations: old `schema.name` -> new."""
    renamed = tree.copy()
    for table in read_tables(renamed):
        if (new := names.get(relation_name(table))) is not None:
            schema, _, name = new.rpartition(".")
            alias = table.alias or table.name
            replacement = exp.table_(name, db=schema, alias=alias)
            table.replace(replacement)
    return renamed


def complete_raw(
    tree: exp.Query,
    declared: Mapping[str, Mapping[str, str]],
    present: Mapping[str, Collection[str]],
) -> exp.Query:
    """`tree`, or a copy of it, whose raw tables have all declared columns.

    `declared` is relation -> column -> type, `present` relation -> columns in the database. An
    absent table becomes an empty typed relation, an absent column a typed NULL.
    """
    missing = {
        name: [column for column in declared[name] if column not in present.get(name, ())]
        for name in map(relation_name, read_tables(tree))
        if name in declared
    }
    if not any(missing.values()):
        return tree
    completed = tree.copy()
    for table in read_tables(completed):
        name = relation_name(table)
        if not missing.get(name):
            continue
        columns = declared[name]
        nulls = ", ".join(
            f'CAST(NULL AS {columns[column]}) AS "{column}"' for column in missing[name]
        )
        source = f"*, {nulls} FROM {name}" if name in present else f"{nulls} WHERE FALSE"
        inner = sqlglot.parse_one(f"SELECT {source}", read=DIALECT)
        table.replace(exp.Subquery(this=inner, alias=exp.to_identifier(table.alias or table.name)))
    return completed


def to_sql(tree: exp.Expr) -> str:
    """What is sent to the engine: no comments, one line."""
    return tree.sql(dialect=DIALECT, comments=False)


def locate(node: exp.Expr, text: str) -> Position:
    """1-based line and column of a node in its file; (None, None) where it is not known."""
    starts = [leaf.meta["start"] for leaf in node.walk() if "start" in leaf.meta]
    if not starts:
        return None, None
    start = min(starts)
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
