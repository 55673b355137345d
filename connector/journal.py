"""The journal: a durable SQLite record of what was asked of the vendors and what waits on disk.

Losing it costs repeated downloads, never rows: what was loaded stands in the warehouse. It holds
no credential. One connection serves all threads, behind a lock; every call commits.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.units import Unit

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    unit TEXT PRIMARY KEY, source TEXT NOT NULL, body TEXT NOT NULL, seen_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    unit TEXT PRIMARY KEY, source TEXT NOT NULL, body TEXT NOT NULL, path TEXT NOT NULL,
    bytes INTEGER NOT NULL, fetched_at TEXT NOT NULL, attempts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    unit TEXT PRIMARY KEY, source TEXT NOT NULL, reason TEXT NOT NULL, exit_code INTEGER NOT NULL,
    times INTEGER NOT NULL, failed_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    unit TEXT PRIMARY KEY, source TEXT NOT NULL, remote_id TEXT NOT NULL, asked_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS quota (
    source TEXT NOT NULL, kind TEXT NOT NULL, day TEXT NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (source, kind, day));
CREATE TABLE IF NOT EXISTS calls (
    source TEXT NOT NULL, at REAL NOT NULL, is_error INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sizes (scope TEXT PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS begins (scope TEXT PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS prints (unit TEXT PRIMARY KEY, print TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    started_at TEXT PRIMARY KEY, command TEXT NOT NULL, exit_code INTEGER NOT NULL,
    summary TEXT NOT NULL);
"""
KEPT_RUNS = 200


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A verified file on disk that waits to be loaded, and the unit it holds.

    `bytes` is its size on disk; `fetched_at` aware UTC; `attempts` downloads it took.
    """

    unit: Unit
    path: Path
    bytes: int
    fetched_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class RecordedFailure:
    """A unit's last failure: `times` in a row, `failed_at` aware UTC."""

    unit: str
    source: str
    reason: str
    exit_code: int
    times: int
    failed_at: datetime


class Journal:
    """The record in one home folder, or, without a path, in memory; close it when done."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """All rows or, when one of them cannot be written, none."""
        with self._lock, self._db:
            self._db.execute("BEGIN")
            self._db.executemany(sql, rows)

    # What the vendor listed and we have not loaded yet: so that a disappearance is noticed.

    def note_seen(self, source: str, units: Iterable[Unit], at: datetime) -> None:
        """Remember units the vendor listed that are not loaded yet."""
        self._run_many(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)",
            [(unit.id, source, unit.to_json(), at.isoformat()) for unit in units],
        )

    def seen(self, source: str) -> list[Unit]:
        """Units that were listed at some time and have been neither loaded nor given up since."""
        rows = self._run("SELECT body FROM seen WHERE source = ?", source)
        return [Unit.from_json(body) for (body,) in rows]

    def forget_seen(self, unit_ids: Iterable[str]) -> None:
        """Stop expecting these units: they were loaded, or their loss was reported."""
        self._run_many("DELETE FROM seen WHERE unit = ?", [(unit_id,) for unit_id in unit_ids])

    # Verified files on disk.

    def add_file(self, file: SpooledFile) -> None:
        """Remember a verified file; in the same instant, its unit's job is over."""
        unit = file.unit
        values = (unit.id, unit.source, unit.to_json(), str(file.path))
        more = (file.bytes, file.fetched_at.isoformat(), file.attempts)
        with self._lock, self._db:
            self._db.execute("BEGIN")
            self._db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, *more)
            )
            self._db.execute("DELETE FROM jobs WHERE unit = ?", (unit.id,))

    def files(self, source: str) -> list[SpooledFile]:
        """The verified files that wait on disk."""
        rows = self._run(
            "SELECT body, path, bytes, fetched_at, attempts FROM files WHERE source = ?", source
        )
        return [
            SpooledFile(
                Unit.from_json(body), Path(path), size, datetime.fromisoformat(fetched), attempts
            )
            for body, path, size, fetched, attempts in rows
        ]

    def forget_files(self, paths: Iterable[Path]) -> None:
        """Forget files that were deleted, or that nobody may load again."""
        self._run_many("DELETE FROM files WHERE path = ?", [(str(path),) for path in paths])

    # Failures, by name.

    def add_failure(self, unit: Unit, reason: str, exit_code: int, at: datetime) -> None:
        """Record that a unit could not be had; counts how many runs in a row."""
        self._run(
            "INSERT INTO failures VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (unit) DO UPDATE SET"
            " reason = excluded.reason, exit_code = excluded.exit_code, times = times + 1,"
            " failed_at = excluded.failed_at",
            *(unit.id, unit.source, reason, exit_code, at.isoformat()),
        )

    def failures(self, source: str) -> list[RecordedFailure]:
        """Units whose last try failed."""
        rows = self._run("SELECT * FROM failures WHERE source = ? ORDER BY failed_at, unit", source)
        return [
            RecordedFailure(unit, source, reason, code, times, datetime.fromisoformat(failed_at))
            for unit, source, reason, code, times, failed_at in rows
        ]

    def forget_failures(self, unit_ids: Iterable[str]) -> None:
        """Forget failures of units that have been loaded since."""
        self._run_many("DELETE FROM failures WHERE unit = ?", [(unit_id,) for unit_id in unit_ids])

    # Remote jobs: the intent is written before the request, the id the moment the answer arrives.

    def add_job(self, unit: Unit, remote_id: str, at: datetime) -> None:
        """Remember a remote job; `remote_id` is empty while only the intent is known."""
        self._run(
            "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?)",
            *(unit.id, unit.source, remote_id, at.isoformat()),
        )

    def job(self, unit_id: str) -> tuple[str, datetime] | None:
        """(remote id, when it was asked for) of the unit's job, or None."""
        rows = self._run("SELECT remote_id, asked_at FROM jobs WHERE unit = ?", unit_id)
        return (rows[0][0], datetime.fromisoformat(rows[0][1])) if rows else None

    def jobs(self, source: str) -> dict[str, str]:
        """Remote ids by unit id."""
        return dict(self._run("SELECT unit, remote_id FROM jobs WHERE source = ?", source))

    def forget_job(self, unit_id: str) -> None:
        """Forget a job that ended."""
        self._run("DELETE FROM jobs WHERE unit = ?", unit_id)

    # Quotas and sizes.

    def count_request(self, source: str, kind: str, at: datetime) -> None:
        """Count one request against the quota of its UTC day."""
        self._run(
            "INSERT INTO quota VALUES (?, ?, ?, 1)"
            " ON CONFLICT (source, kind, day) DO UPDATE SET used = used + 1",
            *(source, kind, at.astimezone(UTC).date().isoformat()),
        )

    def requests_used(self, source: str, at: datetime) -> dict[str, int]:
        """Requests sent on the UTC day of `at`, by kind."""
        day = at.astimezone(UTC).date().isoformat()
        rows = self._run("SELECT kind, used FROM quota WHERE source = ? AND day = ?", source, day)
        return dict(rows)

    def add_call(self, source: str, at: datetime, *, is_error: bool = False) -> None:
        """Note one request, or one that was refused, at its moment; those of an hour ago go."""
        moment = at.timestamp()
        self._run("DELETE FROM calls WHERE source = ? AND at < ?", source, moment - 3600)
        self._run("INSERT INTO calls VALUES (?, ?, ?)", source, moment, is_error)

    def nth_call(self, source: str, number: int, *, is_error: bool = False) -> datetime | None:
        """The moment of the request `number` places from the newest (1 is the newest), or None."""
        rows = self._run(
            "SELECT at FROM calls WHERE source = ? AND is_error = ? ORDER BY at DESC LIMIT 1 OFFSET ?",
            *(source, is_error, number - 1),
        )
        return datetime.fromtimestamp(rows[0][0], UTC) if rows else None

    def remember_size(self, scope: str, size: int) -> None:
        """Remember the size of request that worked for `scope` after a larger one was refused."""
        self._run("INSERT OR REPLACE INTO sizes VALUES (?, ?)", scope, size)

    def size(self, scope: str) -> int | None:
        """The remembered size, or None."""
        rows = self._run("SELECT size FROM sizes WHERE scope = ?", scope)
        return rows[0][0] if rows else None

    # Where live loading began, for sources nobody told.

    def begin(self, scope: str, at: datetime) -> datetime:
        """Where live loading of `scope` began: at `at`, unless it has begun before."""
        self._run("INSERT OR IGNORE INTO begins VALUES (?, ?)", scope, at.isoformat())
        ((begun,),) = self._run("SELECT at FROM begins WHERE scope = ?", scope)
        return datetime.fromisoformat(begun)

    # What a unit's last file looked like, so that an old one is known when it comes again.

    def note_print(self, unit_id: str, fingerprint: str, at: datetime) -> None:
        """Remember the fingerprint of the unit's file of this moment; those of a week ago go."""
        week_ago = (at - timedelta(days=7)).isoformat()
        self._run("DELETE FROM prints WHERE at < ?", week_ago)
        self._run(
            "INSERT OR REPLACE INTO prints VALUES (?, ?, ?)", unit_id, fingerprint, at.isoformat()
        )

    def last_print(self, unit_id: str) -> tuple[str, datetime] | None:
        """(fingerprint, moment) of the unit's last file, or None."""
        rows = self._run("SELECT print, at FROM prints WHERE unit = ?", unit_id)
        return (rows[0][0], datetime.fromisoformat(rows[0][1])) if rows else None

    # Runs.

    def add_run(self, started_at: datetime, command: str, exit_code: int, summary: Any) -> None:
        """Record a finished run; the oldest beyond 200 are forgotten."""
        self._run(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)",
            *(started_at.isoformat(), command, exit_code, json.dumps(summary)),
        )
        self._run(
            "DELETE FROM runs WHERE started_at NOT IN"
            " (SELECT started_at FROM runs ORDER BY started_at DESC LIMIT ?)",
            KEPT_RUNS,
        )

    def runs(self, limit: int = 10) -> list[dict[str, Any]]:
        """The last runs, newest first."""
        rows = self._run("SELECT * FROM runs ORDER BY started_at DESC LIMIT ?", limit)
        keys = ("started_at", "command", "exit_code")
        return [
            dict(zip(keys, row, strict=False)) | {"summary": json.loads(row[3])} for row in rows
        ]
