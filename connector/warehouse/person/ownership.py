"""Whose a raw row is, as SQL: the same rule that tombstones follow (see `connector.decode.erased`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from duckdb import DuckDBPyConnection

from connector.decode.erased import (
    ADVERTISING,
    ANONYMOUS,
    DEVICE,
    PLACEHOLDERS,
    USER,
    ZEROS,
    IdColumns,
    find_id_columns,
    is_nobody,
    list_kinds,
)
from connector.errors import ConfigError
from connector.fields import Field, Table
from connector.warehouse.staging import source_names
from connector.warehouse.tables import known_tables

USERS_BY_DEVICE = frozenset({"shortkit"})
"""Sources that give the device's id in the place of the user's until somebody logs in."""


@dataclass(frozen=True, slots=True)
class Person:
    """The ids of one person, by kind; digests of them where there is a `salt`. `shared` are ids of
    devices that rows of other users carry too.
    """

    ids: Mapping[str, frozenset[str]]
    salt: str = ""
    shared: frozenset[str] = frozenset()

    def pairs(self) -> list[tuple[str, str]]:
        """Each (kind, id), sorted."""
        return sorted((kind, value) for kind, values in self.ids.items() for value in values)

    def texts(self) -> list[str]:
        """The ids that are the person's alone, each once, sorted."""
        return sorted(set[str]().union(*self.ids.values()) - self.shared)

    def count(self, identifies: str) -> int:
        """How many ids of devices, say, are known, over all sources."""
        return sum(len(found) for kind, found in self.ids.items() if kind.endswith(identifies))

    def match(self, identifies: str, source: str, column: str) -> str:
        """The condition that the column holds an id of the person's; never NULL."""
        value = f"lower({column})" if identifies == ADVERTISING else column
        wanted = [
            f"{self._hash(kind, value)} IN ({', '.join(map(quote_text, sorted(found)))})"
            for kind in list_kinds(identifies, source)
            if (found := self.ids.get(kind))
        ]
        return f"({column} IS NOT NULL AND ({' OR '.join(wanted)}))" if wanted else "false"

    def _hash(self, kind: str, value: str) -> str:
        return f"sha256({quote_text(self.salt + kind)} || {value})" if self.salt else value


NO_IDS = Person({})
"""A person of whom nothing is known."""


def make_person(user_id: str) -> Person:
    """A person of whom only the user id is known. Raises ConfigError where it is nobody's."""
    if is_nobody(USER, user_id):
        raise ConfigError(
            f"{user_id!r} is nobody: it is what the vendors write where no user is known, so it stands"
            " in the rows of everybody who is not logged in. Name the id of one user."
        )
    return Person({USER: frozenset({user_id})})


def add_ids(person: Person, found: Iterable[tuple[str, str, str]]) -> Person:
    """The person with more ids, each (source, what it identifies, id); what is no id is left out."""
    ids = {kind: set(values) for kind, values in person.ids.items()}
    for source, identifies, value in found:
        if is_nobody(identifies, value):
            continue
        *_, kind = list_kinds(identifies, source)
        ids.setdefault(kind, set()).add(_normalise(identifies, value))
        if identifies == DEVICE and source in USERS_BY_DEVICE:
            ids.setdefault(list_kinds(USER, source)[-1], set()).add(value)
    return replace(person, ids={kind: frozenset(values) for kind, values in ids.items()})


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw table of the warehouse: its columns, and which of them hold ids and times."""

    source: str
    name: str
    columns: tuple[str, ...]
    ids: IdColumns
    times: tuple[str, ...]

    @property
    def relation(self) -> str:
        """The table as SQL names it."""
        return f"{self.source}.{quote_name(self.name)}"

    @property
    def title(self) -> str:
        """The table as people name it."""
        return f"{self.source}.{self.name}"


def find_raw_tables(connection: DuckDBPyConnection) -> list[RawTable]:
    """The tables of all sources that hold rows of units, those without any id included."""
    columns = connection.execute(
        "SELECT schema_name, table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
        " WHERE database_name = current_database() AND list_contains($1, schema_name)"
        " GROUP BY ALL HAVING list_contains(list(column_name), '_unit') ORDER BY ALL",
        [list(source_names())],
    ).fetchall()
    known = {source: known_tables(source) for source in source_names()}
    return [_describe(source, name, names, known[source]) for source, name, names in columns]


def _describe(
    source: str, name: str, columns: Sequence[str], known: Mapping[str, Table]
) -> RawTable:
    """A table that the settings name no more has the ids its columns had while they did."""
    table = known.get(name)
    fields: tuple[Field, ...] = tuple(field for each in known.values() for field in each.fields)
    times = [table.event_time, table.receive_time] if table else []
    found = [table.field(time).column for time in times if time and table]
    return RawTable(
        source,
        name,
        tuple(columns),
        find_id_columns(fields, columns),
        tuple(column for column in found if column in columns),
    )


def select_owned(table: RawTable, person: Person, until: datetime | None = None) -> str:
    """The condition that a row of the table is the person's: never NULL. `until` (aware) leaves out
    rows that are newer.
    """
    has_user, is_user = _conditions(table, USER, table.ids.user, person)
    has_device, is_device = _conditions(table, DEVICE, table.ids.device, person)
    _, is_advertising = _conditions(table, ADVERTISING, table.ids.advertising, person)
    owned = (
        f"({is_user} OR (NOT {has_user} AND CASE WHEN {has_device} THEN {is_device}"
        f" ELSE {is_advertising} END))"
    )
    if until is None or not table.times:
        return owned
    at = f"least({', '.join(map(quote_name, table.times))})"
    return f"({owned} AND coalesce({at} <= {quote_text(until.isoformat())}::TIMESTAMPTZ, true))"


def _conditions(
    table: RawTable, identifies: str, columns: Sequence[str], person: Person
) -> tuple[str, str]:
    """That a row has such an id, and that it is one of the person's."""
    names = [quote_name(column) for column in columns]
    matches = [person.match(identifies, table.source, name) for name in names]
    has = [is_known(identifies, name) for name in names]
    return tuple(f"({' OR '.join(parts)})" if parts else "false" for parts in (has, matches))  # type: ignore[return-value]


def is_known(identifies: str, column: str) -> str:
    """The condition that the column holds an id at all; never NULL."""
    if identifies == USER:
        said = f"trim({column}) <> '' AND lower({column}) <> {quote_text(ANONYMOUS)}"
    else:
        words = ", ".join(map(quote_text, PLACEHOLDERS))
        said = f"lower({column}) NOT IN ({words}) AND NOT regexp_full_match({column}, '{ZEROS}')"
    return f"({column} IS NOT NULL AND {said})"


def find_ids(
    connection: DuckDBPyConnection, tables: Iterable[RawTable], person: Person
) -> set[tuple[str, str, str]]:
    """The ids of devices that stand in one row with the person's user id, as `add_ids` takes them."""
    found: set[tuple[str, str, str]] = set()
    for table in tables:
        _, is_user = _conditions(table, USER, table.ids.user, person)
        if is_user == "false":
            continue
        for identifies, columns in (
            (DEVICE, table.ids.device),
            (ADVERTISING, table.ids.advertising),
        ):
            for name in map(quote_name, columns):
                rows = connection.execute(
                    f"SELECT DISTINCT {name} FROM {table.relation}"
                    f" WHERE {is_user} AND {is_known(identifies, name)}"
                ).fetchall()
                found |= {(table.source, identifies, str(value)) for (value,) in rows}
    return found


def find_shared(
    connection: DuckDBPyConnection, tables: Iterable[RawTable], person: Person
) -> Person:
    """The person, with the ids noted that rows of others carry."""
    shared: set[str] = set()
    for table in tables:
        for identifies, columns in (
            (DEVICE, table.ids.device),
            (ADVERTISING, table.ids.advertising),
        ):
            for name in map(quote_name, columns):
                rows = connection.execute(
                    f"SELECT DISTINCT {name} FROM {table.relation}"
                    f" WHERE {person.match(identifies, table.source, name)}"
                    f" AND NOT {select_owned(table, person)}"
                ).fetchall()
                shared |= {_normalise(identifies, str(value)) for (value,) in rows}
    return replace(person, shared=frozenset(shared))


def _normalise(identifies: str, value: str) -> str:
    return value.lower() if identifies == ADVERTISING else value


def quote_name(name: str) -> str:
    """A name as SQL takes it, whatever it is."""
    return '"{}"'.format(name.replace('"', '""'))


def quote_text(text: str) -> str:
    """A text as SQL takes it."""
    return "'{}'".format(text.replace("'", "''"))
