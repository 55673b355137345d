"""The DuckDB file written anew: all it holds stays, what was deleted from it goes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.errors import BusyError, ConnectorError
from connector.warehouse.person import rewriting
from connector.warehouse.person.rewriting import rewrite_warehouse
from connector.warehouse.settings import Settings, read_settings

MARK = b"player-to-be-forgotten"
MADE = """
CREATE SCHEMA raw; CREATE SCHEMA above; CREATE SCHEMA before;
CREATE SEQUENCE raw.numbers START 5;
CREATE TYPE raw.mood AS ENUM ('good', 'bad');
CREATE MACRO above.next_of(x) AS x + 1;
CREATE MACRO above.listed(x) AS TABLE SELECT x;
CREATE TABLE raw.parent (
  id BIGINT PRIMARY KEY DEFAULT nextval('raw.numbers'), name VARCHAR NOT NULL, mood raw.mood,
  amount DECIMAL(38, 9), happened_at TIMESTAMPTZ, data JSON, nested STRUCT(a INTEGER, b VARCHAR)[],
  twice BIGINT GENERATED ALWAYS AS (id * 2) VIRTUAL, CHECK (amount >= 0)
);
CREATE TABLE raw.child (parent BIGINT REFERENCES raw.parent (id));
CREATE INDEX names ON raw.parent (name);
COMMENT ON TABLE raw.parent IS 'people';
COMMENT ON COLUMN raw.parent.name IS 'what they are called';
INSERT INTO raw.parent (name, mood, amount, happened_at, data, nested)
  SELECT 'player-' || i, 'good', i / 3, TIMESTAMPTZ '2026-03-01 12:00:00+00', '{"a": 1}', [{'a': 1, 'b': 'x'}]
  FROM range(5000) AS r(i);
CREATE VIEW above.people AS SELECT id, name FROM raw.parent;
COMMENT ON VIEW above.people IS 'a view';
CREATE VIEW before.people AS SELECT * FROM above.people;
CREATE VIEW before.own AS SELECT * FROM warehouse.raw.parent;
CREATE TABLE raw.gone (x INTEGER); CREATE VIEW before.broken AS SELECT x FROM raw.gone; DROP TABLE raw.gone;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = read_settings(warehouse=tmp_path / "warehouse.duckdb", home=tmp_path / "home")
    with duckdb.connect(str(made.warehouse)) as connection:
        connection.execute(MADE)
    return made


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse)) as connection:
        return connection.execute(sql).fetchall()


def holds_mark(settings: Settings) -> bool:
    """Asked like this, a failing test does not print the file."""
    return MARK in settings.warehouse.read_bytes()


def forget(settings: Settings) -> None:
    """Somebody whose bytes are in the file, and no more in a table."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "CREATE TABLE raw.others AS SELECT CASE i WHEN 7 THEN $1 ELSE 'player-' || i END AS name"
            " FROM range(99) AS r(i)",
            [MARK.decode()],
        )
        connection.execute("CHECKPOINT")
        connection.execute("DELETE FROM raw.others WHERE name = $1", [MARK.decode()])
        connection.execute("CHECKPOINT")
    assert holds_mark(settings)


def test_deleted_bytes_are_gone_and_nothing_else(settings: Settings) -> None:
    forget(settings)
    said = "SELECT * FROM raw.parent ORDER BY id"
    before = ask(settings, said)
    settings.warehouse.chmod(0o640)
    assert rewrite_warehouse(settings)[1] == settings.warehouse.stat().st_size
    assert not holds_mark(settings)
    assert ask(settings, said) == before
    assert settings.warehouse.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in settings.warehouse.parent.iterdir()) == ["warehouse.duckdb"]


def test_what_is_not_rows_stays_too(settings: Settings) -> None:
    rewrite_warehouse(settings)
    assert ask(
        settings, "SELECT count(*) FROM before.people UNION ALL SELECT count(*) FROM before.own"
    ) == [
        (5000,),
        (5000,),
    ]
    assert ask(settings, "SELECT above.next_of(1)") == [(2,)]
    assert ask(settings, "FROM above.listed(3)") == [(3,)]
    assert ask(settings, "INSERT INTO raw.parent (name) VALUES ('new') RETURNING id, twice") == [
        (5005, 10010)
    ]
    comments = "SELECT comment FROM duckdb_{}() WHERE comment IS NOT NULL AND NOT internal"
    assert ask(settings, comments.format("tables")) == [("people",)]
    assert ask(settings, comments.format("views")) == [("a view",)]
    assert ask(settings, comments.format("columns")) == [("what they are called",)]
    assert ask(settings, "SELECT index_name FROM duckdb_indexes()") == [("names",)]
    for wrong in (
        "INSERT INTO raw.child VALUES (-1)",
        "INSERT INTO raw.parent (amount) VALUES (1)",
    ):
        with pytest.raises(duckdb.ConstraintException):
            ask(settings, wrong)


def test_what_a_killed_rewrite_left_is_no_obstacle(settings: Settings) -> None:
    forget(settings)
    left = settings.warehouse.with_name("warehouse.duckdb.new")
    left.write_bytes(b"half a file")
    left.with_name(left.name + ".wal").write_bytes(b"half a log")
    rewrite_warehouse(settings)
    assert sorted(path.name for path in settings.warehouse.parent.iterdir()) == ["warehouse.duckdb"]
    assert not holds_mark(settings)


def test_a_link_to_the_file_stays_a_link(settings: Settings, tmp_path: Path) -> None:
    forget(settings)
    link = tmp_path / "link.duckdb"
    link.symlink_to(settings.warehouse)
    rewrite_warehouse(replace(settings, warehouse=link))
    assert link.is_symlink()
    assert not holds_mark(settings)


def test_no_copy_is_taken_that_differs(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("ATTACH ':memory:' AS connector_rewritten")
        said = rewriting._compare(connection, "warehouse")
    assert "above" in said


def test_a_file_that_somebody_else_reads_is_left_alone(settings: Settings) -> None:
    held = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises((BusyError, ConnectorError)):
            rewrite_warehouse(settings)
        holder.communicate("\n")
    assert ask(settings, "SELECT count(*) FROM raw.parent") == [(5000,)]
