"""Taking a person out of what lies beside the warehouse: spool, journal, inbox, dlt's folders. All of
it can be had again, from the vendors or from the warehouse.
"""

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from connector.decode import remove_spills
from connector.errors import ConnectorError
from connector.journal import Journal
from connector.spool import Spool
from connector.warehouse.person.ownership import quote_name
from connector.warehouse.person.spellings import to_pattern
from connector.warehouse.person.traces import find_spooled, search_files
from connector.warehouse.settings import Settings

_SQLITE = b"SQLite format 3\0"
WAIT_S = 10.0


def clean_spool(settings: Settings, journal: Journal, texts: list[str]) -> int:
    """Remove the files that hold one of the ids; they are fetched again, and filtered. How many."""
    spool = Spool(settings.home / "spool")
    remove_spills(spool.folder)
    paths = find_spooled(spool, texts)
    for path in paths:
        spool.remove(path)
    journal.forget_files(paths)
    return len(paths)


def clean_pipelines(settings: Settings, texts: list[str]) -> int:
    """Remove the working folders of dlt that hold one of the ids; the next load makes them anew from
    the warehouse. How many.
    """
    root = settings.home / "dlt"
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    removed = 0
    for folder in folders:
        traces = search_files((path for path in folder.rglob("*") if path.is_file()), texts)
        if traces.findings or traces.unreadable:
            shutil.rmtree(folder)
            removed += 1
    return removed


def clean_databases(settings: Settings, texts: list[str], *, wait_s: float = WAIT_S) -> int:
    """Delete the rows of SQLite files in home that name the person, and the bytes of deleted ones;
    how many rows that were.
    """
    pattern = to_pattern(texts)
    return sum(
        _clean_database(path, pattern, wait_s)
        for path in settings.home.glob("*.db")
        if _is_sqlite(path)
    )


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _clean_database(path: Path, pattern: str, wait_s: float) -> int:
    try:
        with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None)) as database:
            return _delete_rows(database, pattern)
    except sqlite3.Error as error:
        raise ConnectorError(
            f"{path} cannot be cleaned: {error}. End what else uses it, such as `connector webhook`,"
            " and run the same command again: it goes on from here."
        ) from error


def _delete_rows(database: sqlite3.Connection, pattern: str) -> int:
    database.create_function("names_person", 1, _make_matcher(pattern), deterministic=True)
    database.execute("PRAGMA secure_delete = ON")
    tables = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    count = 0
    for (table,) in tables:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({quote_name(table)})")]
        named = " OR ".join(f"names_person({quote_name(column)})" for column in columns)
        count += database.execute(f"DELETE FROM {quote_name(table)} WHERE {named}").rowcount
    database.execute("VACUUM")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return count


def _make_matcher(pattern: str) -> Callable[[object], bool]:
    words = re.compile(pattern)
    return lambda value: isinstance(value, str) and words.search(value) is not None
