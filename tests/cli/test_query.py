"""connector query: every format, exact values, nothing but reading."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import call

SQL = "SELECT id, name, seen_at FROM t ORDER BY id"


@pytest.fixture(autouse=True)
def _warehouse(places: Path) -> None:
    with duckdb.connect(str(places / "warehouse.duckdb")) as connection:
        connection.execute(
            "SET TimeZone = 'UTC'; CREATE TABLE t (id INT, name VARCHAR, seen_at TIMESTAMPTZ);"
            "INSERT INTO t VALUES (0, 'a, b', '2023-11-14 22:13:20+00'), (1, '[bold]', NULL)"
        )


def test_csv() -> None:
    assert call("query", SQL, "--format", "csv").stdout.splitlines() == [
        "id,name,seen_at",
        '0,"a, b",2023-11-14T22:13:20+00:00',
        "1,[bold],",
    ]


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_json_is_one_object(words: tuple[str, ...]) -> None:
    said = json.loads(call("query", SQL, *words).stdout)
    assert (said["columns"], said["row_count"]) == (["id", "name", "seen_at"], 2)
    assert said["rows"] == [
        {"id": 0, "name": "a, b", "seen_at": "2023-11-14T22:13:20+00:00"},
        {"id": 1, "name": "[bold]", "seen_at": None},
    ]


def test_table_shows_texts_as_they_are() -> None:
    said = call("query", SQL).stdout
    assert "[bold]" in said
    assert "2023-11-14T22:13:20+00:00" in said


def test_long_table_says_what_it_leaves_out() -> None:
    said = call("query", "SELECT range AS n FROM range(1200)")
    assert "700 more rows" in said.stderr


def test_decimals_are_exact_and_columns_named_once() -> None:
    said = call("query", "SELECT 0.1::DECIMAL(38,9) AS a, 'nan'::DOUBLE AS b, 1 AS a", "--json")
    assert said.json["rows"] == [{"a": "0.100000000", "b": "nan", "a_2": 1}]


def test_nested_values_are_json() -> None:
    said = call("query", "SELECT {'a': [1, 2]} AS s, MAP {1: 2} AS m, 'x'::BLOB AS b", "--json")
    assert said.json["rows"] == [{"s": {"a": [1, 2]}, "m": {"1": 2}, "b": "x"}]


@pytest.mark.parametrize(("sql", "code"), [("CREATE TABLE u (i INT)", 2), ("SELEC 1", 5)])
def test_query_that_writes_or_is_wrong_is_refused(sql: str, code: int) -> None:
    said = call("query", sql, "--json")
    assert said.exit_code == code
    assert said.json["error"]


def test_no_warehouse_says_where_it_was_looked_for(places: Path) -> None:
    said = call("query", "SELECT 1", "--json", "--warehouse", places / "none.duckdb")
    assert said.exit_code == 2
    assert "none.duckdb" in said.json["error"]
    assert not (places / "none.duckdb").exists()
