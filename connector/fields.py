"""Field tables: `fields.toml` of a source -> `Table` and `Field`, and what is derived from them.

One declaration of a table feeds the vendor request, dlt's column hints, the Arrow schema, the
casts of the decoder, the staging SQL, the column comments and pages, and the sandbox's rows.

The types, and what each becomes in Arrow / dlt / DuckDB:

    text, ubigint_text, datetime_app_tz   string            text       VARCHAR
    json, array_json                      string            text       VARCHAR (the exact text)
    bigint, integer                       int64             bigint     BIGINT
    boolean                               bool              bool       BOOLEAN
    decimal                               decimal128(38,9)  decimal    DECIMAL(38,9)
    timestamp (unit s, ms, us or iso)     timestamp(us,UTC) timestamp  TIMESTAMP WITH TIME ZONE
    date                                  date32            date       DATE
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, get_args

from connector.errors import FieldTableError
from connector.naming import to_snake_case

if TYPE_CHECKING:
    import pyarrow as pa

FieldType = Literal[
    "text",
    "ubigint_text",
    "datetime_app_tz",
    "json",
    "array_json",
    "bigint",
    "integer",
    "boolean",
    "decimal",
    "timestamp",
    "date",
]

TEXT_TYPES = frozenset({"text", "ubigint_text", "datetime_app_tz", "json", "array_json"})
_DLT_TYPES = {"integer": "bigint", "boolean": "bool", "ubigint_text": "text"}
_SQL_TYPES = {
    "bigint": "BIGINT",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "decimal": "DECIMAL(38,9)",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
}
_FIELD_KEYS = frozenset({"as", "type", "unit", "null", "pii", "since", "doc"})
_TABLE_KEYS = frozenset(
    {"doc", "endpoint", "axis", "cursor", "event_time", "receive_time", "include", "fields"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a vendor table.

    `name` is the vendor's spelling, `column` the raw column (dlt snake_case), `alias` the
    staging column.
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

    @property
    def is_text(self) -> bool:
        """True where raw keeps the text as it came."""
        return self.type in TEXT_TYPES

    @property
    def sql_type(self) -> str:
        """DuckDB type of the raw column."""
        return sql_type(self.type)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a source, as its fields.toml declares it.

    `name` is the raw table, `endpoint` the vendor's word for it, `cursor` what its incremental
    cursor follows, `event_time` and `receive_time` the vendor names of the two time fields ("" if
    there is none).
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


SYSTEM_TYPES: Mapping[str, FieldType] = {
    "_application_id": "text",
    "_unit": "text",
    "_row": "bigint",
    "_received_from": "text",
}


@cache
def load_tables(source: str) -> Mapping[str, Table]:
    """The tables of the source folder `source`, by raw table name, in the file's order.

    Raises FieldTableError when the file is missing or contradicts itself.
    """
    path = files("connector") / "sources" / source / "fields.toml"
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FieldTableError(f"source {source!r} has no fields.toml at {path}") from None
    except tomllib.TOMLDecodeError as error:
        raise FieldTableError(f"{path}: not valid TOML: {error}") from None
    return parse_tables(declared, source)


def parse_tables(declared: Mapping[str, Any], source: str) -> Mapping[str, Table]:
    """`Table`s of a parsed fields.toml; raises FieldTableError naming the table and key."""
    groups = {
        name: tuple(_parse_field(f"groups.{name}", key, value) for key, value in group.items())
        for name, group in declared.get("groups", {}).items()
    }
    return {
        name: _parse_table(name, block, groups, source, str(declared.get("axis", "")))
        for name, block in declared.get("tables", {}).items()
    }


def _parse_table(
    name: str,
    block: Mapping[str, Any],
    groups: Mapping[str, tuple[Field, ...]],
    source: str,
    axis: str,
) -> Table:
    where = f"{source}: tables.{name}"
    _check_block(where, block)
    own = [_parse_field(where, key, value) for key, value in block.get("fields", {}).items()]
    shared: list[Field] = []
    for group in block.get("include", ()):
        if group not in groups:
            raise FieldTableError(f"{where}: includes the unknown group {group!r}")
        shared.extend(groups[group])
    fields = (*own, *shared)
    for kind in ("name", "column", "alias"):
        _check_unique(where, kind, [getattr(field, kind) for field in fields])
    known = {field.name for field in fields}
    for key in ("event_time", "receive_time"):
        if block.get(key, "") not in known | {""}:
            raise FieldTableError(f"{where}: {key} = {block[key]!r} is not one of its fields")
    return Table(
        source=source,
        name=name,
        endpoint=str(block.get("endpoint", name)),
        axis=str(block.get("axis", axis)),
        cursor=str(block["cursor"]),
        event_time=str(block.get("event_time", "")),
        receive_time=str(block.get("receive_time", "")),
        doc=str(block.get("doc", "")),
        fields=fields,
    )


def _parse_field(where: str, name: str, value: Mapping[str, Any]) -> Field:
    if unknown := set(value) - _FIELD_KEYS:
        raise FieldTableError(f"{where}.{name}: unknown keys {sorted(unknown)}")
    if value.get("type") not in get_args(FieldType):
        raise FieldTableError(
            f"{where}.{name}: type {value.get('type')!r} is none of {get_args(FieldType)}"
        )
    column = to_snake_case(name)
    return Field(
        name=name,
        column=column,
        alias=str(value.get("as", column)),
        type=value["type"],
        unit=str(value.get("unit", "")),
        is_nullable=bool(value.get("null", True)),
        is_pii=bool(value.get("pii", False)),
        since=str(value.get("since", "")),
        doc=str(value.get("doc", "")),
    )


def _check_block(where: str, block: Mapping[str, Any]) -> None:
    if unknown := set(block) - _TABLE_KEYS:
        raise FieldTableError(f"{where}: unknown keys {sorted(unknown)}")
    if not block.get("cursor"):
        raise FieldTableError(f"{where}: has no cursor")


def _check_unique(where: str, kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise FieldTableError(f"{where}: two fields have the {kind} {name!r}")
        seen.add(name)


def dlt_columns(table: Table) -> dict[str, Any]:
    """Column hints for dlt, by raw column: every known field, then the system columns."""
    hints = {field.column: _dlt_hint(field.column, field.type, field.doc) for field in table.fields}
    for name in table.system_columns:
        hints[name] = _dlt_hint(name, SYSTEM_TYPES[name], "")
    return hints


def _dlt_hint(name: str, kind: FieldType, doc: str) -> dict[str, Any]:
    data_type = "text" if kind in TEXT_TYPES else _DLT_TYPES.get(kind, kind)
    hint: dict[str, Any] = {"name": name, "data_type": data_type, "nullable": True}
    if doc:
        hint["description"] = doc
    if kind == "decimal":
        hint |= {"precision": 38, "scale": 9}
    if kind == "timestamp":
        hint |= {"precision": 6, "timezone": True}
    return hint


def sql_type(kind: FieldType) -> str:
    """DuckDB type of a raw column of this field type."""
    return _SQL_TYPES.get(kind, "VARCHAR")


@cache
def arrow_type(kind: FieldType) -> "pa.DataType":
    """Arrow type of a raw column of this field type."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "bigint": pa.int64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "decimal": pa.decimal128(38, 9),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
    }
    return types.get(kind, pa.string())


@cache
def arrow_schema(table: Table, drifted: tuple[str, ...] = ()) -> "pa.Schema":
    """Arrow schema of the raw table; columns in `drifted` (unknown to the table) are text."""
    import pyarrow as pa

    columns = [pa.field(field.column, arrow_type(field.type)) for field in table.fields]
    columns += [pa.field(name, pa.string()) for name in drifted]
    columns += [pa.field(name, arrow_type(SYSTEM_TYPES[name])) for name in table.system_columns]
    return pa.schema(columns)
