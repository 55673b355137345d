"""Files that hold an id, however they are packed, and taking the person out of them."""

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from connector.errors import ConnectorError
from connector.journal import Journal, SpooledFile
from connector.units import Unit
from connector.warehouse.person.cleaning import clean_databases, clean_pipelines, clean_spool
from connector.warehouse.person.traces import list_files, search_files
from connector.warehouse.settings import Settings, read_settings

USER, OTHER = "player-to-be-forgotten", "player-to-be-forgotten-not"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
UNIT = Unit(
    id="events/2026-03-09",
    source="shortkit",
    table="events",
    application_id="shortkit",
    axis="event_day",
    lower_at=NOW,
    upper_at=NOW,
    remote_id="",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = read_settings(warehouse=tmp_path / "warehouse.duckdb", home=tmp_path / "home")
    (made.home / "spool").mkdir(parents=True)
    return replace(made, publish=str(tmp_path / "readers.duckdb"))


def write_parquet(path: Path, name: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT '{name}' AS user_id FROM range(9)) TO '{path}' (FORMAT parquet, CODEC zstd)"
        )


def write_sqlite(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE t (body TEXT)")
        database.execute("INSERT INTO t VALUES (?)", [f'{{"user": "{name}"}}'])


KINDS: dict[str, Callable[[Path, str], object]] = {
    "text": lambda path, name: path.write_text(f'{{"userId":"{name}"}}\n'),
    "gzip": lambda path, name: path.write_bytes(gzip.compress(f"a,{name},b\n".encode())),
    "members": lambda path, name: path.write_bytes(
        gzip.compress(b"first,") + gzip.compress(f"{name},last".encode())
    ),
    "large": lambda path, name: path.write_bytes(
        gzip.compress(b"x," * (3 << 20) + f"{name},".encode() + b"y" * (3 << 20))
    ),
    "parquet": write_parquet,
    "sqlite": write_sqlite,
}
TEXTS = [kind for kind in KINDS if kind != "sqlite"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_is_found_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "file", USER)
    found = search_files([tmp_path / "file"], ["player-unheard-of", USER])
    assert [item.place for item in found.findings] == [str(tmp_path / "file")]
    assert found.unreadable == []


@pytest.mark.parametrize("kind", TEXTS)
def test_a_longer_id_is_another_one(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "file", OTHER)
    assert search_files([tmp_path / "file"], [USER]).findings == []


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    cut = gzip.compress(b"something " * 99_999)[:-9]
    (tmp_path / "cut.gz").write_bytes(cut)
    found = search_files([tmp_path / "cut.gz", tmp_path / "gone"], [USER])
    assert found.findings == []
    assert len(found.unreadable) == 1


def test_all_files_of_the_connector_are_looked_through(settings: Settings) -> None:
    there = [
        settings.warehouse,
        Path(f"{settings.warehouse}.wal"),
        Path(f"{settings.warehouse}.tmp") / "spilled",
        Path(settings.publish),
        settings.home / "journal.db",
        settings.home / "spool" / "folder" / "0000.gz",
        settings.home / "dlt" / "connector_shortkit" / "load" / "a",
    ]
    for path in there:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert list_files(settings) == sorted(path.resolve() for path in there)


def test_spooled_files_that_hold_an_id_go_and_are_forgotten(settings: Settings) -> None:
    spool = settings.home / "spool"
    (spool / "theirs.gz").write_bytes(gzip.compress(f'"{USER}"'.encode()))
    (spool / "others.gz").write_bytes(gzip.compress(f'"{OTHER}"'.encode()))
    (spool / "kept_parts").mkdir()
    (spool / "kept_parts" / "0000.txt").write_text("nobody")
    (spool / "kept_parts" / "0001.txt").write_text(USER)
    (spool / "broken.gz").write_bytes(gzip.compress(b"nobody " * 99_999)[:-9])
    with closing(Journal(settings.journal)) as journal:
        journal.add_file(SpooledFile(UNIT, spool / "theirs.gz", 1, NOW, 1))
        assert clean_spool(settings, journal, [USER]) == 3
        assert journal.files("shortkit") == []
    assert [path.name for path in spool.iterdir()] == ["others.gz"]


def test_rows_of_the_journal_that_name_the_person_go_with_their_bytes(settings: Settings) -> None:
    with closing(Journal(settings.journal)) as journal:
        for name in (USER, OTHER):
            journal.note_seen("shortkit", [replace(UNIT, id=f"events/{name}")], NOW)
        journal.note_seen("shortkit", [replace(UNIT, id=f"gone/{USER}")], NOW)
        journal.forget_seen([f"gone/{USER}"])
        assert clean_databases(settings, [USER]) == 1
        assert [unit.id for unit in journal.seen("shortkit")] == [f"events/{OTHER}"]
    text = b"".join(path.read_bytes() for path in settings.home.glob("journal.db*"))
    assert text.count(USER.encode()) == text.count(OTHER.encode()) > 0


def test_folders_of_dlt_that_hold_an_id_go_whole(settings: Settings) -> None:
    for name, user in (("connector_shortkit", USER), ("connector_mytracker", OTHER)):
        folder = settings.home / "dlt" / name / "normalize" / "package"
        folder.mkdir(parents=True)
        write_parquet(folder / "events.parquet", user)
        (folder.parent / "state.json").write_text("{}")
    assert clean_pipelines(settings, [USER]) == 1
    assert [path.name for path in (settings.home / "dlt").iterdir()] == ["connector_mytracker"]


def test_a_database_that_is_held_is_told(settings: Settings) -> None:
    write_sqlite(settings.home / "inbox.db", USER)
    with closing(sqlite3.connect(settings.home / "inbox.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConnectorError, match="run the same command again"):
            clean_databases(settings, [USER], wait_s=0.01)
        holder.execute("ROLLBACK")
    assert clean_databases(settings, [USER]) == 1
