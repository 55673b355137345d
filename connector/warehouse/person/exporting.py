"""Everything that is held of a person, as one zip: what the vendor hands out, and every row of the
warehouse as JSON Lines, one file a table.

Rows go from the warehouse into the file as they come. Ids and money are text, moments ISO 8601 UTC;
what the vendor sent as JSON stays the text it was.
"""

import secrets
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connector import __version__
from connector.clock import Clock, RealClock
from connector.decode.erased import DEVICE, USER, digest_id
from connector.unpack import list_parts
from connector.warehouse.home import hold_home
from connector.warehouse.person.archive import Archive, Entry, write_archive
from connector.warehouse.person.ownership import (
    Person,
    RawTable,
    add_ids,
    find_ids,
    find_raw_tables,
    find_shared,
    make_person,
    quote_name,
    quote_text,
    select_owned,
)
from connector.warehouse.person.removal import select_records
from connector.warehouse.person.tombstones import load_tombstones
from connector.warehouse.person.vendor import SOURCE, Document, fetch_document, open_vendor
from connector.warehouse.settings import Settings
from connector.warehouse.store import open_warehouse
from connector.warehouse.verification import list_datasets

FORMAT = "app-analytics-connector export of a person"
VERSION = 1
DERIVED = "the models (schemas stg, core, mart, ops) hold nothing else: they are made of these rows"
_FETCHED_ROWS = 1_000
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class PersonExport:
    """A finished export. `digest` is of the user id, `not_reached` what is missing and why."""

    path: Path
    digest: str
    entries: tuple[Entry, ...]
    not_reached: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of the warehouse in it."""
        return sum(entry.rows or 0 for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        """What may be told outside the zip: no id."""
        return {
            "file": str(self.path),
            "person": self.digest,
            "rows": self.rows,
            "files": [asdict(entry) for entry in self.entries],
            "not_reached": list(self.not_reached),
        }


def export_person(
    settings: Settings,
    user_id: str,
    path: Path | None = None,
    *,
    clock: Clock | None = None,
    max_wait_s: float = 3600.0,
) -> PersonExport:
    """Write the zip, readable for its owner only; it appears when it is whole.

    Raises ConfigError where the id is nobody's, AuthError where the vendor refuses,
    StillWaitingError where its export takes longer than `max_wait_s`: the same call then goes on.
    """
    make_person(user_id)
    clock = clock or RealClock()
    open_warehouse(settings, read_only=True).close()  # ConfigError where there is none
    with (
        hold_home(settings) as journal,
        open_vendor(settings, journal, clock, max_wait_s) as vendor,
        fetch_document(vendor, user_id) as document,
        closing(open_warehouse(settings, read_only=True)) as connection,
    ):
        return _write(connection, user_id, path, document, clock.now())


def _write(
    connection: DuckDBPyConnection,
    user_id: str,
    path: Path | None,
    document: Document,
    now: datetime,
) -> PersonExport:
    salt = load_tombstones(connection).salt or secrets.token_hex(_SALT_BYTES)
    digest = digest_id(salt, USER, user_id)
    path = path or Path(f"person-{digest[:12]}.zip")
    person = add_ids(make_person(user_id), {(SOURCE, DEVICE, each) for each in document.devices})
    with write_archive(path) as archive:
        _add_document(archive, document)
        known = _add_rows(archive, connection, person)
        export = PersonExport(path, digest, tuple(archive.entries), document.not_reached)
        archive.add_json("manifest.json", _describe(export, known, user_id, now))
    return export


def _add_document(archive: Archive, document: Document) -> None:
    """What the vendor sent, as it came."""
    parts = list_parts(document.path) if document.path else []
    for number, part in enumerate(parts):
        kind = "zip" if zipfile.is_zipfile(part) else "json"
        packed = ".gz" if part.suffix == ".gz" else ""
        suffix = f"-{number}" if len(parts) > 1 else ""
        archive.add_file(f"vendor/{SOURCE}{suffix}.{kind}{packed}", part)


def _add_rows(archive: Archive, connection: DuckDBPyConnection, person: Person) -> Person:
    """Every row that is the person's, by table; the person with all ids that were found."""
    tables = [table for table in find_raw_tables(connection) if table.ids]
    known = find_shared(connection, tables, add_ids(person, find_ids(connection, tables, person)))
    for table in tables:
        where = f"{select_owned(table, known)} ORDER BY _unit, _row"
        archive.add_rows(f"{table.title}.jsonl", read_rows(connection, table.relation, where))
    for source in list_datasets(connection):
        own = [table for table in tables if table.source == source]
        where = f"{_select_rejects(own, known)} ORDER BY unit, byte_offset, field_name"
        relation = f"{source}.quarantine"
        archive.add_rows(f"{relation}.jsonl", read_rows(connection, relation, where))
    return known


def _select_rejects(tables: Sequence[RawTable], person: Person) -> str:
    """The condition that a cell is of a row of the person's, or that a record names the person."""
    rows = " OR ".join(
        f"(table_name = {quote_text(table.name)} AND (unit, _row) IN (SELECT (_unit, _row)"
        f" FROM {table.relation} WHERE {select_owned(table, person)}))"
        for table in tables
    )
    cells = f"(kind <> 'row' AND ({rows}))" if rows else "false"
    return f"({cells} OR (kind = 'row' AND {select_records(person)}))"


def read_rows(
    connection: DuckDBPyConnection, relation: str, where: str
) -> Iterator[dict[str, Any]]:
    """Rows of a relation as they come, without columns that are NULL."""
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    columns = {str(row[0]): str(row[1]) for row in described}
    listed = ", ".join(_select_plain(column, kind) for column, kind in columns.items())
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute(f"SELECT {listed} FROM {relation} WHERE {where}")
        while rows := cursor.fetchmany(_FETCHED_ROWS):
            for row in rows:
                values = zip(columns, row, strict=True)
                yield {key: value for key, value in values if value is not None}


def _select_plain(column: str, kind: str) -> str:
    """The column as JSON has it: numbers and truths as they are, the rest as text."""
    name = quote_name(column)
    if kind in {"BIGINT", "INTEGER", "DOUBLE", "BOOLEAN"}:
        return name
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({name} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"CAST({name} AS VARCHAR)"


def _describe(export: PersonExport, person: Person, user_id: str, now: datetime) -> dict[str, Any]:
    """The manifest: the one place that names the person."""
    ids = {kind: sorted(found) for kind, found in person.ids.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "connector": __version__,
        "made_at": now.astimezone(UTC).isoformat(),
        "person": {"user_id": user_id, "digest": export.digest, "ids": ids},
        "files": [asdict(entry) for entry in export.entries],
        "rows": export.rows,
        "not_reached": list(export.not_reached),
        "derived": DERIVED,
    }
