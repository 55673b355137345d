"""Field tables: `fields.toml` of a source -> `Table` and `Field`, and what is derived from them.

One declaration of a table feeds the vendor request, dlt's column hints, the Arrow schema, the
casts of the decoder, the staging SQL, the column comments and pages, and the sandbox's rows.

The types, and what each becomes in Arrow / dlt / DuckDB:

    text, ubigint_text, datetime_app_tz   string            text       VARCHAR
    json, array_json                      string            text       VARCHAR (the exact text)
    array_literal ("['a','b']")           string            text       VARCHAR (as a JSON array)
    bigint, integer                       int64             bigint     BIGINT
    double                                float64           double     DOUBLE
    boolean                               bool              bool       BOOLEAN
    decimal                               decimal128(38,9)  decimal    DECIMAL(38,9)
    timestamp (unit s, ms, us or iso)     timestamp(us,UTC) timestamp  TIMESTAMP WITH TIME ZONE
    date                                  date32            date       DATE
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_args

from connector.errors import FieldTableError
from connector.fields.payloads import CONVERSIONS, parse_payloads
from connector.fields.table import (
    JSON_TYPES,
    SYSTEM_TYPES,
    TEXT_TYPES,
    Field,
    FieldType,
    Identity,
    Payload,
    Role,
    Table,
    sql_type,
)
from connector.naming import to_snake_case

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CONVERSIONS",
    "JSON_TYPES",
    "SYSTEM_TYPES",
    "TEXT_TYPES",
    "Field",
    "FieldType",
    "Identity",
    "Payload",
    "Role",
    "Table",
    "arrow_schema",
    "arrow_type",
    "dlt_columns",
    "load_families",
    "load_tables",
    "parse_tables",
    "sql_type",
]

_DLT_TYPES = {"integer": "bigint", "boolean": "bool", "ubigint_text": "text"}
_FIELD_KEYS = frozenset(
    {"as", "type", "unit", "absent", "null", "pii", "since", "doc", "aliases", "identifies"}
)
_ROLE_KEYS = frozenset({"as", "type", "unit", "doc"})
_TABLE_KEYS = frozenset(
    {"doc", "endpoint", "axis", "cursor", "event_time", "receive_time", "include", "fields"}
    | {"defaults", "roles", "payloads"}
)


@cache
def load_tables(source: str) -> Mapping[str, Table]:
    """The tables of the source folder `source`, by raw table name, in the file's order.

    Raises FieldTableError when the file is missing or contradicts itself.
    """
    return parse_tables(_read_declared(source), source)


@cache
def load_families(source: str) -> tuple[Field, ...]:
    """What a field is that no table of the source knows, by how its name begins: `ts` is the family
    of `tsPaid` (a capital letter follows) and `params.` that of `params.key`.

    Fields of no family are text. Raises FieldTableError.
    """
    declared = _read_declared(source).get("families", {})
    return tuple(_parse_field(f"{source}: families", name, item) for name, item in declared.items())


@cache
def _read_declared(source: str) -> dict[str, Any]:
    path = files("connector") / "sources" / source / "fields.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FieldTableError(f"source {source!r} has no fields.toml at {path}") from None
    except tomllib.TOMLDecodeError as error:
        raise FieldTableError(f"{path}: not valid TOML: {error}") from None


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
    roles = tuple(_parse_role(where, key, value) for key, value in block.get("roles", {}).items())
    _check_names(where, fields, roles)
    payloads = parse_payloads(where, block.get("payloads", {}), fields)
    names = tuple(field.name for field in fields)
    defaults = names if block.get("defaults") == "all" else tuple(block.get("defaults", ()))
    named = [(key, block[key]) for key in ("event_time", "receive_time") if block.get(key)]
    for key, given in (*named, *(("defaults", item) for item in defaults)):
        if given not in names:
            raise FieldTableError(f"{where}: {key} = {given!r} is not one of its fields")
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
        defaults=defaults,
        roles=roles,
        payloads=payloads,
    )


def _parse_field(where: str, name: str, value: Mapping[str, Any]) -> Field:
    _check_keys(f"{where}.{name}", value, _FIELD_KEYS)
    if value.get("identifies", "") not in get_args(Identity):
        raise FieldTableError(
            f"{where}.{name}: identifies {value['identifies']!r} is none of {get_args(Identity)}"
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
        absent=str(value.get("absent", "")),
        aliases=tuple(value.get("aliases", ())),
        identifies=value.get("identifies", ""),
    )


def _parse_role(where: str, name: str, value: Mapping[str, Any]) -> Role:
    _check_keys(f"{where}.roles.{name}", value, _ROLE_KEYS)
    return Role(
        name=name,
        alias=str(value.get("as", name)),
        type=value["type"],
        unit=str(value.get("unit", "")),
        doc=str(value.get("doc", "")),
    )


def _check_keys(where: str, value: Mapping[str, Any], allowed: frozenset[str]) -> None:
    if unknown := set(value) - allowed:
        raise FieldTableError(f"{where}: unknown keys {sorted(unknown)}")
    if value.get("type") not in get_args(FieldType):
        raise FieldTableError(
            f"{where}: type {value.get('type')!r} is none of {get_args(FieldType)}"
        )


def _check_block(where: str, block: Mapping[str, Any]) -> None:
    if unknown := set(block) - _TABLE_KEYS:
        raise FieldTableError(f"{where}: unknown keys {sorted(unknown)}")
    if not block.get("cursor"):
        raise FieldTableError(f"{where}: has no cursor")


def _check_names(where: str, fields: Sequence[Field], roles: Sequence[Role]) -> None:
    names = {
        "name": [name for field in fields for name in (field.name, *field.aliases)],
        "column": [field.column for field in fields],
        "alias": [field.alias for field in fields] + [role.alias for role in roles],
    }
    for kind, given in names.items():
        name, count = Counter(given).most_common(1)[0] if given else ("", 0)
        if count > 1:
            raise FieldTableError(f"{where}: two fields have the {kind} {name!r}")


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


@cache
def arrow_type(kind: FieldType) -> "pa.DataType":
    """Arrow type of a raw column of this field type."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "bigint": pa.int64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "decimal": pa.decimal128(38, 9),
        "double": pa.float64(),
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
