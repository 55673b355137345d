"""The inbox: a durable SQLite record of scheduled exports that were announced to us.

The receiver (`connector webhook`) writes it before it answers, a run reads it; both may have it
open at once. Losing it costs what was announced and not loaded yet, until a run asks for those days
by itself. A signed link stands here only until its export is finished.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from connector.errors import BusyError, ConfigError, ConnectorError

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, export_id TEXT NOT NULL UNIQUE, delivery_id TEXT NOT NULL,
    start_on TEXT NOT NULL, end_on TEXT NOT NULL, url TEXT NOT NULL, expires_at TEXT,
    received_at TEXT NOT NULL, is_finished INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (number) WHERE is_finished = 0;
CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY, times INTEGER NOT NULL);
"""
FILE_NAME = "inbox.db"
COLUMNS = "export_id, delivery_id, start_on, end_on, url, expires_at, received_at"
BUSY_S = 5.0  # how long to wait for another process that is writing
_LOCKED = "locked"  # what SQLite says when another process has it
_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Delivery:
    """One announced export of the UTC days `start_on` to `end_on`, both included.

    `url` is a signed link, "" where the export has to be asked for by its id; `expires_at` when the
    link dies, aware UTC, None if nobody said; `delivery_id` as sent, "" if none was.
    """

    export_id: str
    delivery_id: str
    start_on: date
    end_on: date
    url: str
    expires_at: datetime | None
    received_at: datetime

    def __repr__(self) -> str:
        """Without the link, which opens the file to everybody."""
        return f"Delivery({self.export_id!r}, {self.start_on}..{self.end_on})"


class Inbox:
    """The record in one file, or, without a path, in memory; safe across threads, close it when done.

    `busy_s` is how long a write waits for another process. Where it cannot write, sqlite3.Error is
    raised and nothing is recorded. To open it raises BusyError or ConfigError.
    """

    def __init__(self, path: Path | None = None, *, busy_s: float = BUSY_S) -> None:
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path or ":memory:", timeout=busy_s, check_same_thread=False, isolation_level=None
        )
        try:
            self._prepare(time.monotonic() + busy_s)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _name_problem(path, error) from None

    def _prepare(self, until_s: float) -> None:
        """Set the file up. SQLite does not wait for another process that is doing the same."""
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")  # a commit has reached the disk
                self._db.execute("PRAGMA secure_delete = ON")  # links of finished exports are gone
                self._db.executescript(SCHEMA)
            except sqlite3.OperationalError as error:
                if _LOCKED not in str(error) or time.monotonic() > until_s:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def put(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Record them in one transaction, durable on return; False where the export is known.

        Of a known export that is not finished, the link that lives longest is kept.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return [self._put_one(delivery) for delivery in deliveries]

    def _put_one(self, delivery: Delivery) -> bool:
        expires_at = delivery.expires_at
        expires = expires_at.astimezone(UTC).isoformat() if expires_at else None  # texts sort
        days = (delivery.start_on.isoformat(), delivery.end_on.isoformat())
        received = delivery.received_at.isoformat()
        added = self._db.execute(
            f"INSERT INTO deliveries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (export_id) DO NOTHING",
            (delivery.export_id, delivery.delivery_id, *days, delivery.url, expires, received),
        ).rowcount
        if not added and expires and delivery.url:
            self._db.execute(
                "UPDATE deliveries SET url = ?, expires_at = ? WHERE export_id = ? AND"
                " start_on = ? AND end_on = ? AND NOT is_finished AND expires_at < ?",
                (delivery.url, expires, delivery.export_id, *days, expires),
            )
        return bool(added)

    def pending(self) -> list[Delivery]:
        """What is not finished, in the order it came."""
        with self._lock:
            rows = self._db.execute(
                f"SELECT {COLUMNS} FROM deliveries WHERE is_finished = 0 ORDER BY number"
            ).fetchall()
        return [_read_row(*row) for row in rows]

    def finish(self, export_ids: Iterable[str]) -> None:
        """These were loaded or superseded: their links are deleted, their ids stay known."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "UPDATE deliveries SET is_finished = 1, url = '' WHERE export_id = ?",
                [(export_id,) for export_id in export_ids],
            )

    def prove(self) -> int:
        """Write something, durably; how many deliveries are not finished."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO proof VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET times = times + 1"
            )
            (count,) = self._db.execute(
                "SELECT count(*) FROM deliveries WHERE is_finished = 0"
            ).fetchone()
        return int(count)


def _name_problem(path: Path | None, error: sqlite3.DatabaseError) -> ConnectorError:
    if _LOCKED in str(error):
        return BusyError(f"the inbox {path} is being written by another process: try again")
    return ConfigError(
        f"the inbox {path} cannot be opened: {error}. If it is damaged, move it away: a new one is"
        " made, and exports it named are asked for by their days."
    )


def _read_row(*row: Any) -> Delivery:
    export_id, delivery_id, start, end, url, expires, received = row
    return Delivery(
        export_id=export_id,
        delivery_id=delivery_id,
        start_on=date.fromisoformat(start),
        end_on=date.fromisoformat(end),
        url=url,
        expires_at=datetime.fromisoformat(expires) if expires else None,
        received_at=datetime.fromisoformat(received),
    )
