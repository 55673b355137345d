"""Whose a row is: SQL over raw tables and Arrow over a batch answer alike."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from connector.decode.erased import DEVICE, Erased, digest_id
from connector.errors import ConfigError
from connector.fields import arrow_schema, load_tables
from connector.warehouse.person.ownership import (
    Person,
    RawTable,
    add_ids,
    find_ids,
    find_raw_tables,
    find_shared,
    make_person,
    select_owned,
)
from tests.unit.warehouse.raw_warehouse import create_raw

UNTIL = datetime(2026, 3, 10, 12, tzinfo=UTC)
GAID = "AAAAAAAA-1111-4222-8333-444444444444"
ZERO = "00000000-0000-0000-0000-000000000000"
SALT = "pepper"
COLUMNS = {
    "shortkit.events": ("user_id", "device_id", "timestamp"),
    "appmetrica_stream.event": (
        "profile_id",
        "appmetrica_device_id",
        "google_aid",
        "ios_ifa",
        "event_timestamp",
        "event_receive_timestamp",
    ),
}
WORDS = [None, "", " ", "anonymous", "Anonymous", "u1", "u2", "U1", "d1", "d2", "0", "unknown"]
WORDS += ["NULL", GAID, GAID.lower(), ZERO, "it's"]
TIMES = [None, UNTIL, UNTIL + timedelta(microseconds=1), UNTIL - timedelta(days=1)]


def make_known(source: str) -> Person:
    found = {(source, DEVICE, "d1"), (source, DEVICE, "0"), (source, "advertising", GAID)}
    return add_ids(make_person("u1"), found | {(source, DEVICE, "it's")})


@pytest.fixture(scope="module")
def tables() -> dict[str, RawTable]:
    with duckdb.connect() as connection:
        for title in COLUMNS:
            source, name = title.split(".")
            create_raw(connection, name, source=source)
        return {table.title: table for table in find_raw_tables(connection)}


def rows_of(title: str) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    words, times = st.sampled_from(WORDS), st.sampled_from(TIMES)
    cells = [times if name.endswith("timestamp") else words for name in COLUMNS[title]]
    return st.lists(st.tuples(*cells), min_size=1, max_size=30)


def ask(title: str, rows: list[tuple[Any, ...]], where: str) -> list[bool]:
    """The condition on each of these rows, by DuckDB."""
    batch = to_batch(title, rows).append_column("_place", pa.array(range(len(rows)), pa.int64()))
    connection = open_memory()
    connection.register("batch", pa.Table.from_batches([batch]))
    found = connection.execute(f"SELECT {where} FROM batch ORDER BY _place").fetchall()
    connection.unregister("batch")
    return [answer for (answer,) in found]


@cache
def open_memory() -> DuckDBPyConnection:
    """One database for all examples."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
    return connection


def to_batch(title: str, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    source, name = title.split(".")
    schema = arrow_schema(load_tables(source)[name])
    given_columns = dict(zip(COLUMNS[title], zip(*rows, strict=True), strict=True))
    empty = [None] * len(rows)
    cells = {item.name: given_columns.get(item.name, empty) for item in schema}
    return pa.RecordBatch.from_pydict(cells, schema=schema)


@pytest.mark.parametrize("title", COLUMNS)
def test_all_three_ways_of_telling_agree(title: str, tables: dict[str, RawTable]) -> None:
    source, name = title.split(".")
    known, table = make_known(source), load_tables(source)[name]
    digests = [(kind, digest_id(SALT, kind, value)) for kind, value in known.pairs()]
    erased = Erased(SALT, dict.fromkeys(digests, UNTIL))
    hashed: dict[str, set[str]] = {}
    for kind, digest in digests:
        hashed.setdefault(kind, set()).add(digest)
    secret = Person({kind: frozenset(found) for kind, found in hashed.items()}, SALT)
    with_times = tables[title]
    present = tuple(column for column in with_times.times if column in COLUMNS[title])
    assert present == with_times.times

    @given(rows_of(title))
    def check(rows: list[tuple[Any, ...]]) -> None:
        batch = to_batch(title, rows)
        found = erased.find(table, {name: batch[name] for name in batch.schema.names})
        wanted = [False] * len(rows) if found is None else found.to_pylist()
        assert ask(title, rows, select_owned(with_times, known, UNTIL)) == wanted
        assert ask(title, rows, select_owned(with_times, secret, UNTIL)) == wanted
        plain = ask(title, rows, select_owned(with_times, known))
        assert [whole or not bounded for whole, bounded in zip(plain, wanted, strict=True)] == [
            True
        ] * len(rows)

    check()


def load(connection: DuckDBPyConnection, *rows: tuple[Any, ...]) -> list[RawTable]:
    create_raw(connection, "events", source="shortkit")
    for user, device in rows:
        connection.execute(
            "INSERT INTO shortkit.events (user_id, device_id) VALUES (?, ?)", [user, device]
        )
    return find_raw_tables(connection)


def test_devices_are_those_in_one_row_with_the_user() -> None:
    with duckdb.connect() as connection:
        tables = load(connection, ("u1", "d1"), ("u1", None), ("u1", "unknown"), ("u2", "d2"))
        found = find_ids(connection, tables, make_person("u1"))
        person = add_ids(make_person("u1"), found)
    assert found == {("shortkit", "device", "d1")}
    assert person.pairs() == [("shortkit.device", "d1"), ("shortkit.user", "d1"), ("user", "u1")]


def test_a_device_of_two_users_is_shared() -> None:
    with duckdb.connect() as connection:
        tables = load(connection, ("u1", "d1"), ("u1", "d2"), ("u2", "d2"), ("anonymous", "d1"))
        person = add_ids(make_person("u1"), find_ids(connection, tables, make_person("u1")))
        person = find_shared(connection, tables, person)
    assert person.shared == {"d2"}
    assert person.texts() == ["d1", "u1"]


@pytest.mark.parametrize("nobody", ["", "   ", "anonymous", "ANONYMOUS"])
def test_nobody_is_refused(nobody: str) -> None:
    with pytest.raises(ConfigError, match="is nobody"):
        make_person(nobody)


def test_columns_the_settings_name_no_more_are_known_by_their_name() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA mytracker")
        connection.execute(
            "CREATE TABLE mytracker.of_long_ago (custom_user_id VARCHAR, id_device VARCHAR, _unit VARCHAR)"
        )
        (table,) = find_raw_tables(connection)
    assert (table.ids.user, table.ids.device) == (("custom_user_id",), ("id_device",))
