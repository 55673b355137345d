"""Looking whether anything of a person is left: in every table, and in the bytes of every file."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connector.decode.erased import USER, digest_id
from connector.errors import AuditError
from connector.warehouse.person.certificate import Certified, parse_certified, read_certificate
from connector.warehouse.person.ownership import (
    NO_IDS,
    Person,
    RawTable,
    add_ids,
    find_ids,
    find_raw_tables,
    find_shared,
    make_person,
)
from connector.warehouse.person.requests import list_certificates
from connector.warehouse.person.searching import (
    Finding,
    is_part_of_texts,
    search_rows,
    search_texts,
)
from connector.warehouse.person.spellings import is_telling
from connector.warehouse.person.tombstones import load_tombstones
from connector.warehouse.person.traces import list_files, search_files
from connector.warehouse.settings import Settings
from connector.warehouse.store import open_warehouse

LIMITS = (
    "other destinations, warehouses and homes than the ones named",
    "backups, snapshots and copies of the files, and exports of this person that were written",
    "what AppMetrica and MyTracker hold themselves: they are asked in their own interfaces",
    "blocks of the disk that belong to no file any more",
    "texts that DuckDB has compressed, which only its tables show",
)
"""What no search can see."""


@dataclass(frozen=True, slots=True)
class PersonCheck:
    """What was found, and what could not be seen."""

    findings: tuple[Finding, ...]
    limits: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0, or 6 when anything is left."""
        return AuditError.exit_code if self.findings else 0

    def to_json(self) -> dict[str, Any]:
        """The check as a mapping."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "limits": list(self.limits),
        }


def verify_person(settings: Settings, user_id: str, known: Person = NO_IDS) -> PersonCheck:
    """Look for the person by the id itself, by more ids where they are `known`, and by the digests of
    what was erased before. Raises ConfigError where the id is nobody's.
    """
    limits = list(LIMITS)
    with closing(open_warehouse(settings, read_only=True)) as connection:
        tables = find_raw_tables(connection)
        person = _gather(connection, tables, user_id, known)
        found = search_rows(connection, tables, person)
        found += search_texts(connection, tables, person)
        for certified in _list_erased(connection, user_id):
            found += search_rows(connection, tables, certified.person, certified.until)
        found += _search_files(settings, connection, person, limits)
    return PersonCheck(_merge(found), tuple(limits))


def _gather(
    connection: DuckDBPyConnection, tables: Sequence[RawTable], user_id: str, known: Person
) -> Person:
    person = make_person(user_id)
    ids = {kind: found | known.ids.get(kind, frozenset()) for kind, found in person.ids.items()}
    person = Person({**known.ids, **ids})
    return find_shared(connection, tables, add_ids(person, find_ids(connection, tables, person)))


def _list_erased(connection: DuckDBPyConnection, user_id: str) -> list[Certified]:
    """The finished erasures of this user: the digests of devices that are known no more."""
    salt = load_tombstones(connection).salt
    if not salt:
        return []
    told = list_certificates(connection, digest_id(salt, USER, user_id))
    return [parse_certified(item, salt) for item in told]


def _search_files(
    settings: Settings, connection: DuckDBPyConnection, person: Person, limits: list[str]
) -> list[Finding]:
    """Files with an id in their bytes. Where a text that stays has it in it, the bytes of a database
    tell nothing: the tables did.
    """
    texts = person.texts()
    if not all(map(is_telling, texts)):
        limits.append("bytes of ids that are too short to tell from chance, in binary files")
    traces = search_files(list_files(settings), texts)
    limits += [f"a file that cannot be read: {text}" for text in traces.unreadable]
    databases = [str(path) for path in _list_databases(settings)]
    inside = [finding for finding in traces.findings if finding.place in databases]
    if inside and is_part_of_texts(connection, filter(is_telling, texts)):
        limits.append(
            "bytes of an id in database files, because longer texts that stay have it in them"
        )
        return [finding for finding in traces.findings if finding not in inside]
    return traces.findings


def _list_databases(settings: Settings) -> Iterable[Path]:
    yield settings.warehouse.resolve()
    if settings.publish:
        yield Path(settings.publish).resolve()


def verify_certificate(settings: Settings, path: Path) -> PersonCheck:
    """Look for whom a certificate is about, by digests: rows that are older than the erasure, and
    cells that are the user id. Files cannot be searched by digest. Raises ConfigError where the file
    is no certificate of this warehouse.
    """
    limits = [*LIMITS, "bytes in files: of a certificate only digests are known"]
    with closing(open_warehouse(settings, read_only=True)) as connection:
        certified = read_certificate(path, load_tombstones(connection).salt)
        tables = find_raw_tables(connection)
        found = search_rows(connection, tables, certified.person, certified.until)
        if not found and search_rows(connection, tables, certified.person):
            limits.append("cells of other tables: the id is in use again, by rows that are newer")
        elif not found:
            found += search_texts(connection, tables, certified.person)
    return PersonCheck(_merge(found), tuple(limits))


def _merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each place once, with the most that was counted there."""
    most: dict[tuple[str, str], Finding] = {}
    for item in findings:
        key = (item.kind, item.place)
        if key not in most or most[key].count < item.count:
            most[key] = item
    return tuple(most.values())
