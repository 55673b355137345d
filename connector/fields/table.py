"""What a field table is made of: `Table`, `Field`, `Role`, `Payload`, and the types of fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

FieldType = Literal[
    "text",
    "ubigint_text",
    "datetime_app_tz",
    "json",
    "array_json",
    "array_literal",
    "bigint",
    "integer",
    "boolean",
    "decimal",
    "double",
    "timestamp",
    "date",
]
Identity = Literal["", "user", "device", "advertising"]

JSON_TYPES = frozenset({"json", "array_json", "array_literal"})
TEXT_TYPES = JSON_TYPES | {"text", "ubigint_text", "datetime_app_tz"}
_SQL_TYPES = {
    "bigint": "BIGINT",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "decimal": "DECIMAL(38,9)",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
}

SYSTEM_TYPES: Mapping[str, FieldType] = {
    "_application_id": "text",
    "_unit": "text",
    "_row": "bigint",
    "_received_from": "text",
}


def sql_type(kind: FieldType) -> str:
    """DuckDB type of a raw column of this field type."""
    return _SQL_TYPES.get(kind, "VARCHAR")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a vendor table.

    `name` is the vendor's spelling, `column` the raw column (dlt snake_case), `alias` the
    staging column. `absent` is what the vendor writes, beside the empty text, where there is no
    value ("": nothing else): a typed raw column is NULL there, one of text keeps it and its
    staging column is NULL. `aliases` are other spellings of the vendor's, `identifies` says whose
    id the column holds ("": nobody's).
    """

    name: str
    column: str
    alias: str
    type: FieldType
    unit: str
    is_nullable: bool
    is_pii: bool
    since: str
    doc: str
    absent: str = ""
    aliases: tuple[str, ...] = ()
    identifies: Identity = ""

    @property
    def is_text(self) -> bool:
        """True where raw keeps the text as it came."""
        return self.type in TEXT_TYPES

    @property
    def sql_type(self) -> str:
        """DuckDB type of the raw column."""
        return sql_type(self.type)


@dataclass(frozen=True, slots=True)
class Role:
    """What a field of the user's choice means to the models.

    `name` is its key in the settings, `alias` the staging column, `selector` the vendor name of the
    field that plays it ("": none does, and the staging column is NULL).
    """

    name: str
    alias: str
    type: FieldType
    unit: str
    doc: str
    selector: str = ""

    @property
    def sql_type(self) -> str:
        """DuckDB type of the staging column."""
        return sql_type(self.type)


@dataclass(frozen=True, slots=True)
class Payload:
    """One value within the JSON column `data` of the rows of one event.

    `name` is its key there ("startupTime"), `alias` the staging column, which has the unit `unit`;
    one column may hold values of several events. `sent_unit` is the unit the vendor sends `name` in
    ("": that of the column). `aliases` are keys tried after it, each with the unit its values have.
    """

    event: str
    name: str
    alias: str
    type: FieldType
    unit: str
    aliases: tuple[tuple[str, str], ...]
    doc: str
    sent_unit: str = ""

    @property
    def sql_type(self) -> str:
        """DuckDB type of the staging column."""
        return "JSON" if self.type in JSON_TYPES else sql_type(self.type)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a source, as its fields.toml declares it.

    `name` is the raw table, `endpoint` the vendor's word for it, `cursor` what its incremental
    cursor follows, `event_time` and `receive_time` the vendor names of the two time fields ("" if
    there is none). Where the vendor sends only what is asked for, `defaults` are the names asked
    for when the settings choose none. `payloads` are the values known to stand in the column `data`.
    """

    source: str
    name: str
    endpoint: str
    axis: str
    cursor: str
    event_time: str
    receive_time: str
    doc: str
    fields: tuple[Field, ...]
    defaults: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    payloads: tuple[Payload, ...] = ()

    def __hash__(self) -> int:
        """Tables are keys of caches: their names tell them apart well enough."""
        return hash((self.source, self.name))

    def field(self, name: str) -> Field:
        """The field with this vendor name; KeyError if there is none."""
        return self.by_name[name]

    @property
    def by_name(self) -> Mapping[str, Field]:
        """Fields by the vendor's spelling."""
        return _index_fields(self)

    @property
    def by_spelling(self) -> Mapping[str, Field]:
        """Fields by every spelling the vendor uses: names, then aliases."""
        return _index_spellings(self)

    @property
    def by_payload(self) -> Mapping[tuple[str, str], Payload]:
        """Payloads by event and key within `data`: names, then aliases."""
        return _index_payloads(self)

    @property
    def has_application_id(self) -> bool:
        """False where the vendor gives no application id, so that `_application_id` is added."""
        return "application_id" in self.by_name

    @property
    def system_columns(self) -> tuple[str, ...]:
        """Columns the connector adds to every raw row, before dlt's `_dlt_load_id`."""
        own = () if self.has_application_id else ("_application_id",)
        return (*own, "_unit", "_row", "_received_from")


@cache
def _index_fields(table: Table) -> Mapping[str, Field]:
    return {field.name: field for field in table.fields}


@cache
def _index_spellings(table: Table) -> Mapping[str, Field]:
    aliases = {alias: field for field in table.fields for alias in field.aliases}
    return {**aliases, **table.by_name}


@cache
def _index_payloads(table: Table) -> Mapping[tuple[str, str], Payload]:
    index = {(item.event, alias): item for item in table.payloads for alias, _ in item.aliases}
    return index | {(item.event, item.name): item for item in table.payloads}
