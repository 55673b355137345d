"""Tombstones in the warehouse, as our own connection and as dlt's client read them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.destinations import filesystem

from connector.decode.erased import NOBODY, Erased, digest_id
from connector.warehouse.person.tombstones import (
    add_tombstones,
    load_tombstones,
    make_salt,
    qualify,
    read_tombstones,
)

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(params=["warehouse.duckdb", "connector.duckdb"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A warehouse; one whose file is called like the schema, too."""
    return tmp_path / str(request.param)


def read(folder: Path, destination: Any) -> Erased:
    pipeline = dlt.pipeline(
        "reader",
        destination=destination,
        dataset_name="mytracker",
        pipelines_dir=str(folder / "pipelines"),
    )
    with pipeline.sql_client() as client:
        return read_tombstones(client)


def test_both_ways_of_reading_agree(path: Path) -> None:
    ids = [("user", "u1"), ("mytracker.device", "7"), ("advertising", "ABC")]
    with duckdb.connect(str(path)) as connection:
        assert len(add_tombstones(connection, ids, AT)) == 3
        salt = make_salt(connection)
        found = load_tombstones(connection)
    assert found == Erased(salt, {(kind, digest_id(salt, kind, value)): AT for kind, value in ids})
    assert read(path.parent, dlt.destinations.duckdb(str(path))) == found


def test_an_id_erased_again_has_one_tombstone_of_the_later_moment(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        for at in (AT, AT + timedelta(days=1), AT):
            add_tombstones(connection, [("user", "u1")], at)
        assert [*load_tombstones(connection).until.values()] == [AT + timedelta(days=1)]
        assert connection.execute(
            f"SELECT count(*) FROM {qualify(connection)}.tombstone"
        ).fetchall() == [(1,)]


def test_no_id_stands_in_the_file(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        add_tombstones(connection, [("user", "player-that-was-erased")], AT)
    assert b"player-that-was-erased" not in path.read_bytes()


def test_nobody_was_erased_where_there_is_no_table(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        assert load_tombstones(connection) == NOBODY
        connection.execute("CREATE SCHEMA connector")
        assert load_tombstones(connection) == NOBODY
    assert read(path.parent, dlt.destinations.duckdb(str(path))) == NOBODY


def test_nobody_was_erased_on_a_destination_of_files(tmp_path: Path) -> None:
    lake = filesystem(bucket_url=(tmp_path / "lake").as_uri())
    assert read(tmp_path, lake) == NOBODY
