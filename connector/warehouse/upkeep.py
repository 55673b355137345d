"""Care of the durable state: show, reset, export, import.

State is in two places: the warehouse (ledger, and the cursors in dlt's state) and the journal in
home. None of it decides which rows stay: losing all of it costs repeated downloads, never rows.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
from duckdb import DuckDBPyConnection

from connector.clock import RealClock
from connector.errors import ConfigError
from connector.fields import load_tables
from connector.journal import Journal
from connector.sources import list_sources
from connector.units import RELOAD
from connector.warehouse.planning import open_counted_api
from connector.warehouse.settings import Settings
from connector.warehouse.store import explain_load_errors, load_package, open_pipeline

FORMAT = "app-analytics-connector state"
VERSION = 1
# all but files on disk, and what they looked like
JOURNAL_TABLES = ("seen", "failures", "jobs", "quota", "sizes", "begins", "runs")
_LATER = "loaded again as soon as the vendor is asked; what it no longer has stays as it is"


@dataclass(frozen=True, slots=True)
class Reset:
    """What a reset marked: `units` of a source and of these tables (all, if none is named)."""

    source: str
    tables: tuple[str, ...]
    units: int

    @property
    def sentence(self) -> str:
        """What was done and what comes of it."""
        which = f" of {', '.join(self.tables)}" if self.tables else ""
        return f"{self.source}: {self.units:,} units{which} will be {_LATER}"


def reset_units(connection: DuckDBPyConnection, source: str, tables: Sequence[str] = ()) -> Reset:
    """Mark loaded units, so that the next sync loads again, and replaces, what the vendor still has.

    The ledger rows stay: without them the rows of units the vendor has deleted meanwhile would
    belong to nothing and be lost to all models. Raises ConfigError at an unknown table.
    """
    if unknown := [name for name in tables if name not in load_tables(source)]:
        raise ConfigError(f"{source} has no table {unknown[0]!r}: {', '.join(load_tables(source))}")
    marked = connection.execute(
        f"UPDATE {source}.units SET schema_id = '{RELOAD}' || coalesce(schema_id, '')"
        f" WHERE NOT starts_with(coalesce(schema_id, ''), '{RELOAD}')"
        " AND ($1 = [] OR list_contains($1, table_name))",
        [list(tables)],
    ).fetchall()
    return Reset(source, tuple(tables), marked[0][0])


def mark_units(connection: DuckDBPyConnection, source: str, units: Sequence[str]) -> int:
    """Mark just these units for being loaded again; how many were not marked before."""
    marked = connection.execute(
        f"UPDATE {source}.units SET schema_id = '{RELOAD}' || coalesce(schema_id, '')"
        f" WHERE NOT starts_with(coalesce(schema_id, ''), '{RELOAD}')"
        " AND unit IN (SELECT unnest($1::VARCHAR[]))",
        [list(units)],
    ).fetchall()
    return int(marked[0][0])


def list_missing(source: str, journal: Journal, units: Sequence[str]) -> list[str]:
    """Those of `units` that the vendor has no more; asks it, and counts that against its quota."""
    clock = RealClock()
    with closing(open_counted_api(source, journal, clock)) as api:
        listed = api.plan({}, clock.now()).listed
    return [] if listed is None else [unit for unit in units if unit not in listed]


def count_marked(connection: DuckDBPyConnection, source: str) -> int:
    """Units that wait for being loaded again."""
    counted = connection.execute(
        f"SELECT count(*) FROM {source}.units WHERE starts_with(schema_id, '{RELOAD}')"
    ).fetchall()
    return int(counted[0][0])


def read_state(settings: Settings, source: str) -> dict[str, dict[str, str]]:
    """The cursors of a source's tables, ISO 8601 by the name of what they follow.

    Beside the cursor that moves on units stands the newest event time, for reports only. They come
    from the destination, where they were committed together with the rows.
    """
    if settings.destination == "duckdb" and not settings.warehouse.exists():
        return {}
    pipeline = open_pipeline(settings, source)
    pipeline.sync_destination()
    found: dict[str, dict[str, str]] = {}
    for table, state in _resources(pipeline.state, source).items():
        values = {key: value for key, value in state.items() if isinstance(value, str)}
        for path, cursor in state.get("incremental", {}).items():
            if (last := cursor.get("last_value")) is not None:
                values[path] = last.isoformat() if hasattr(last, "isoformat") else str(last)
        if values:
            found[table] = values
    return found


def _resources(state: Mapping[str, Any], source: str) -> dict[str, Any]:
    return dict(state.get("sources", {}).get(source, {}).get("resources", {}))


def export_state(settings: Settings, now: datetime) -> dict[str, Any]:
    """Cursors and journal as one JSON object without any credential; files on disk stay out."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": now.isoformat(),
        "cursors": {source: read_state(settings, source) for source in list_sources()},
        "journal": _read_journal(settings.journal),
    }


def _read_journal(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
            for table in JOURNAL_TABLES
        }


def import_state(settings: Settings, exported: Mapping[str, Any]) -> dict[str, int]:
    """Bring cursors and journal to what `export_state` gave; how much of each.

    Call it while holding home. Raises ConfigError where the object is of another form.
    """
    if exported.get("format") != FORMAT or exported.get("version") != VERSION:
        raise ConfigError(
            f"this is no state exported by `connector state export` (format {FORMAT!r}, version"
            f" {VERSION}): it says {exported.get('format')!r}, {exported.get('version')!r}"
        )
    cursors = {
        source: tables
        for source, tables in exported.get("cursors", {}).items()
        if tables and source in list_sources()
    }
    for tables in cursors.values():
        _check_cursors(tables)
    for source, tables in cursors.items():
        _write_cursors(settings, source, tables)
    entries = _write_journal(settings.journal, exported.get("journal", {}))
    return {"cursors": sum(map(len, cursors.values())), "journal_entries": entries}


def _check_cursors(tables: Mapping[str, Mapping[str, str]]) -> None:
    for name, values in tables.items():
        for path, text in values.items():
            try:
                datetime.fromisoformat(text)
            except (TypeError, ValueError):
                raise ConfigError(f"cursors.{name}.{path}: {text!r} is not ISO 8601") from None


def _write_cursors(settings: Settings, source: str, tables: Mapping[str, Any]) -> None:
    """Commit the cursors the way a sync does: in a load package, one without rows."""
    known = load_tables(source)

    def restore() -> Iterator[None]:
        resources = dlt.current.source_state().setdefault("resources", {})
        for name in tables.keys() & known.keys():
            _restore_cursors(resources.setdefault(name, {}), known[name].cursor, tables[name])
        yield from ()

    pipeline = open_pipeline(settings, source)
    package = dlt.source(
        lambda: dlt.resource(restore, name="restore"),
        name=source,
        section=source,
        max_table_nesting=0,
    )
    with explain_load_errors(settings):
        load_package(pipeline, package())


def _restore_cursors(resource: dict[str, Any], cursor: str, values: Mapping[str, str]) -> None:
    for path, text in values.items():
        if path == cursor:
            last = datetime.fromisoformat(text).astimezone(UTC)
            kept: dict[str, Any] = {"initial_value": None, "unique_hashes": []}
            resource.setdefault("incremental", {})[path] = kept | {"last_value": last}
        else:
            resource[path] = text


def _write_journal(path: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    Journal(path).close()  # makes the tables that are missing
    count = 0
    with closing(sqlite3.connect(path)) as database, database:
        for table in JOURNAL_TABLES:
            for row in tables.get(table, ()):
                columns = _columns(database, table)
                if set(row) != set(columns):
                    raise ConfigError(f"journal.{table}: has {sorted(row)}, needs {columns}")
                marks = ", ".join("?" * len(columns))
                database.execute(
                    f"INSERT OR REPLACE INTO {table} VALUES ({marks})",
                    [row[name] for name in columns],
                )
                count += 1
    return count


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def read_export(path: Path) -> dict[str, Any]:
    """The object in an exported file; ConfigError where there is none."""
    try:
        exported = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
    if not isinstance(exported, dict):
        raise ConfigError(f"{path} holds no JSON object")
    return exported
