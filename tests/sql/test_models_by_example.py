"""Runs tests/sql/*.yml: rows in, rows out, worked out by hand.

A file names a `model` and `cases`; a case gives rows of relations above it (`given`, any layer)
and the rows expected, in any order. Only the columns a case names are compared; a case that
expects no rows expects an empty relation.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from connector.warehouse.changes import render_models
from connector.warehouse.models import Graph, load_graph

FOLDER = Path(__file__).parent
Row = Mapping[str, Any]


def list_cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in document["cases"]:
            yield pytest.param(document["model"], case, id=f"{path.stem}: {case['name']}")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_graph()


@pytest.mark.parametrize(("model", "case"), list(list_cases()))
def test_model_gives_the_rows_expected(graph: Graph, model: str, case: Row) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    build_given(connection, graph, model, case["given"])
    types = {column.name: column.type for column in graph.models[model].columns}
    names = sorted({name for row in case["expect"] for name in row} or {next(iter(types))})
    listed = ", ".join(f'"{name}"' for name in names)
    found = connection.execute(f"SELECT {listed} FROM {model}").fetchall()
    expected = [
        to_types(connection, [row.get(name) for name in names], [types[name] for name in names])
        for row in case["expect"]
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def build_given(
    connection: duckdb.DuckDBPyConnection, graph: Graph, model: str, given: Mapping[str, Any]
) -> None:
    """Creates the model and all above it; what is given is a table of these rows."""
    for schema in ("seed", "stg", "core", "mart", "ops"):
        connection.execute(f"CREATE SCHEMA {schema}")
    unread = set(given) - graph.ancestors(model)
    assert not unread, f"{model} does not read {unread}"
    needed = find_needed(graph, model, given)
    for name in graph.models:
        if name in given:
            fill_relation(connection, graph, name, given[name])
        elif name in needed:
            kind = "TABLE" if graph.models[name].is_stored and name != model else "VIEW"
            connection.execute(f"CREATE {kind} {name} AS {render_models(graph, {})[name]}")


def find_needed(graph: Graph, model: str, given: Mapping[str, Any]) -> set[str]:
    """The model and what must stand for it to be read, nothing above what is given."""
    needed = {model}
    for name in reversed(list(graph.models)):
        if name in needed and name not in given:
            needed |= graph.models[name].reads
    return needed


def fill_relation(
    connection: duckdb.DuckDBPyConnection, graph: Graph, name: str, rows: list[Row]
) -> None:
    types = {column.name: column.type for column in graph.models[name].columns}
    listed = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    connection.execute(f"CREATE TABLE {name} ({listed})")
    for row in rows or []:
        columns = ", ".join(f'"{column}"' for column in row)
        marks = ", ".join(f"CAST(? AS {types[column]})" for column in row)
        connection.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", list(row.values()))


def to_types(
    connection: duckdb.DuckDBPyConnection, values: list[Any], types: list[str]
) -> tuple[Any, ...]:
    casts = ", ".join(f"CAST(? AS {kind})" for kind in types)
    return tuple(connection.execute(f"SELECT {casts}", values).fetchall()[0])
