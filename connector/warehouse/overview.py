"""How the connector stands: freshness by the ledgers, and what the journal knows (`status`)."""

import importlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connector.journal import Journal, RecordedFailure
from connector.sources import list_sources
from connector.warehouse.verification import Difference, Verification, list_datasets, verify

__all__ = [
    "Difference",
    "Freshness",
    "JournalFacts",
    "StreamGap",
    "Verification",
    "read_freshness",
    "read_journal",
    "read_open_gaps",
    "verify",
]

_FRESHNESS = """
SELECT coalesce(application_id, ''), table_name,
  count(*) FILTER (NOT starts_with(coalesce(schema_id, ''), 'merged:')) AS units,
  coalesce(sum(loaded_rows), 0)::BIGINT AS rows,
  coalesce(sum(quarantined_rows), 0)::BIGINT AS quarantined_rows,
  max(upper_at) AS loaded_until_at, max(coalesce(vendor_updated_at, upper_at)) AS available_at,
  max(fetched_at) AS fetched_at, max(max_event_at) AS newest_event_at
FROM {source}.units WHERE _dlt_load_id IN (SELECT load_id FROM {source}._dlt_loads WHERE status = 0)
GROUP BY ALL ORDER BY ALL
"""
_OPEN_GAPS = """
SELECT application_id, min(from_at), until_at, list(DISTINCT logs_table ORDER BY logs_table)
FROM ops.stream_gap WHERE NOT is_healed AND logs_table IS NOT NULL
GROUP BY application_id, until_at ORDER BY application_id, until_at
"""


@dataclass(frozen=True, slots=True)
class Freshness:
    """One app's table ("" where exports are of several apps): what was loaded, up to when. `lag_s` is how far `loaded_until_at`, the end
    of the newest loaded unit, lies back. Moments are aware UTC.
    """

    source: str
    application_id: str
    table_name: str
    units: int
    rows: int
    quarantined_rows: int
    loaded_until_at: datetime
    available_at: datetime
    fetched_at: datetime
    newest_event_at: datetime | None
    lag_s: float


def read_freshness(connection: DuckDBPyConnection, now: datetime) -> list[Freshness]:
    """How fresh every table of every app is, by the ledgers."""
    found = []
    for source in list_datasets(connection):
        for row in connection.execute(_FRESHNESS.format(source=source)).fetchall():
            application_id, table_name, units, rows, quarantined, *moments = row
            until, available, fetched, newest = (at and at.astimezone(UTC) for at in moments)
            found.append(
                Freshness(
                    source=source,
                    application_id=application_id,
                    table_name=table_name,
                    units=units,
                    rows=rows,
                    quarantined_rows=quarantined,
                    loaded_until_at=until,
                    available_at=available,
                    fetched_at=fetched,
                    newest_event_at=newest,
                    lag_s=(now - until).total_seconds(),
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Receive time of an app in which Data Stream may have lost rows, and what of it the Logs API
    could still give: half-open, aware UTC.
    """

    application_id: str
    from_at: datetime
    until_at: datetime
    logs_tables: tuple[str, ...]

    @property
    def remedy(self) -> str:
        """The command that heals the gap."""
        tables = "".join(f" --table {name}" for name in self.logs_tables)
        since, until = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (self.from_at, self.until_at))
        return f"connector backfill appmetrica_logs --since {since} --until {until}{tables}"


def read_open_gaps(connection: DuckDBPyConnection) -> list[StreamGap]:
    """Gaps of Data Stream that the Logs API has not healed, as the models last found them."""
    there = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'stream_gap'"
    ).fetchall()
    rows = connection.execute(_OPEN_GAPS).fetchall() if there else []
    return [
        StreamGap(app, from_at.astimezone(UTC), until_at.astimezone(UTC), tuple(tables))
        for app, from_at, until_at, tables in rows
    ]


@dataclass(frozen=True, slots=True)
class JournalFacts:
    """What the journal knows of one source.

    `requests` are those of this UTC day by kind, of `requests_per_day` (None: no daily quota, or
    not known). `expected` units were listed and are not loaded yet; the first of them is deleted by
    the vendor at `next_expiry_at`. `files` wait on disk.
    """

    source: str
    requests: Mapping[str, int]
    requests_per_day: int | None
    expected: int
    next_expiry_at: datetime | None
    files: int
    file_bytes: int
    failures: Sequence[RecordedFailure]

    def to_json(self) -> dict[str, Any]:
        """The source's object of `connector status --json`."""
        return {
            "requests_today": dict(self.requests),
            "requests_per_day": self.requests_per_day,
            "units_expected": self.expected,
            "next_expiry_at": self.next_expiry_at,
            "files_waiting": self.files,
            "file_bytes_waiting": self.file_bytes,
            "failures": [
                {
                    "unit": item.unit,
                    "reason": item.reason,
                    "exit_code": item.exit_code,
                    "times": item.times,
                    "failed_at": item.failed_at,
                }
                for item in self.failures
            ],
        }


def read_journal(
    path: Path, now: datetime, limit: int
) -> tuple[list[JournalFacts], list[dict[str, Any]]]:
    """What the journal knows of each source, and the last `limit` runs, newest first.

    Nothing where there is no journal: looking does not make one.
    """
    if not path.exists():
        return [], []
    with closing(Journal(path)) as journal:
        facts = [_read_source(journal, source, now) for source in list_sources()]
        return facts, journal.runs(limit)


def _read_source(journal: Journal, source: str, now: datetime) -> JournalFacts:
    seen, files = journal.seen(source), journal.files(source)
    return JournalFacts(
        source=source,
        requests=journal.requests_used(source, now),
        requests_per_day=_daily_quota(source),
        expected=len(seen),
        next_expiry_at=min((unit.expires_at for unit in seen if unit.expires_at), default=None),
        files=len(files),
        file_bytes=sum(file.bytes for file in files),
        failures=journal.failures(source),
    )


def _daily_quota(source: str) -> int | None:
    api = importlib.import_module(f"connector.sources.{source}.api")
    return getattr(api, "REQUESTS_PER_DAY", None)
