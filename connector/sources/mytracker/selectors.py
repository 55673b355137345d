"""The settings `events`, `selectors`, `roles` and `selector_types` -> tables with their columns.

The type of a selector: what `selector_types` says; else that of the table's field; else that of the
role it plays, for money; else that of the family its name belongs to; else text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from connector.errors import ConfigError
from connector.fields import (
    JSON_TYPES,
    SYSTEM_TYPES,
    Field,
    FieldType,
    Role,
    Table,
    load_families,
    load_tables,
)
from connector.naming import to_snake_case
from connector.settings import Section

SOURCE = "mytracker"
DICTIONARY = "docs.tracker.my.com (Export API, raw data, dictionary of selectors)"
_PLACE = f"Set it in .dlt/config.toml under [sources.{SOURCE}]."
_WHOLE = frozenset({"decimal", "bigint", "integer"})  # what becomes money without rounding
_STAGING_NAMES = frozenset({"application_id", "available_at", "_dlt_load_id", *SYSTEM_TYPES})


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the settings say: selectors and roles (name -> selector) by raw table, types by name."""

    selectors: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, Mapping[str, str]]
    types: Mapping[str, FieldType]

    def names_of(self, table: Table) -> tuple[str, ...]:
        """The selectors to ask for of the table's event; none where it is not to be loaded."""
        return self.selectors.get(table.name, table.defaults)


def choose_tables(section: Section) -> dict[str, Table]:
    """The tables to load, by raw name, each with the selectors to ask for, in the asked order.

    No `events` means every event that has selectors, by setting or by default. Raises ConfigError.
    """
    wishes, extended = _read_wishes(section), extend_tables(section)
    asked = {_find_table(name, "events").name: name for name in section.names("events")}
    for name, event in asked.items():
        if not wishes.names_of(extended[name]):
            raise ConfigError(
                f"sources.{SOURCE}.selectors names no selectors of {event}, and what this event has"
                f" is not known here. Set selectors.{extended[name].endpoint} in .dlt/config.toml"
                f" under [sources.{SOURCE}]; the names are in the vendor's dictionary, {DICTIONARY}."
            )
    return {
        name: _cut_table(table, wishes.names_of(table))
        for name, table in extended.items()
        if wishes.names_of(table) and (not asked or name in asked)
    }


def extend_tables(section: Section) -> dict[str, Table]:
    """All declared tables, by raw name, with the selectors of the settings beside their own fields
    and the roles these play: what staging and replays read. Raises ConfigError.
    """
    wishes = _read_wishes(section)
    return {
        name: _extend_table(table, wishes.names_of(table), wishes)
        for name, table in load_tables(SOURCE).items()
    }


def find_unknown(section: Section) -> list[tuple[str, str]]:
    """(event, selector) of the selectors in the settings that no table here knows: they are asked
    for, and where the vendor does not know one either it refuses the export.
    """
    tables, wishes = load_tables(SOURCE), _read_wishes(section)
    return [
        (tables[name].endpoint, selector)
        for name, selectors in wishes.selectors.items()
        for selector in selectors
        if selector not in tables[name].by_name
    ]


def _read_wishes(section: Section) -> _Wishes:
    selectors = {
        name: Section(SOURCE, {"selectors": value}).names("selectors")
        for name, value in _read_by_event(section, "selectors").items()
    }
    roles = {
        name: Section(SOURCE, {"roles": value}).mapping("roles")
        for name, value in _read_by_event(section, "roles").items()
    }
    types = section.mapping("selector_types")
    if wrong := [name for name, kind in types.items() if kind not in get_args(FieldType)]:
        raise ConfigError(
            f"sources.{SOURCE}.selector_types says {types[wrong[0]]!r} of {wrong[0]}, which is no"
            f" type. Types: {', '.join(get_args(FieldType))}. {_PLACE}"
        )
    return _Wishes(selectors, roles, types)


def _read_by_event(section: Section, key: str) -> dict[str, Any]:
    """The setting's values by raw table; an event may be named as the vendor or the table is."""
    values: dict[str, Any] = {}
    for event, value in section.mapping(key).items():
        name = _find_table(event, key).name
        if name in values:
            raise ConfigError(
                f"sources.{SOURCE}.{key} has {event} twice, under two spellings. {_PLACE}"
            )
        values[name] = value
    return values


def _find_table(event: str, key: str) -> Table:
    tables = load_tables(SOURCE)
    table = tables.get(to_snake_case(event))
    if table is None or event not in {table.name, table.endpoint}:
        raise ConfigError(
            f"sources.{SOURCE}.{key} names {event}, which is no event of MyTracker. Events:"
            f" {', '.join(table.endpoint for table in tables.values())}. {_PLACE}"
        )
    return table


def _cut_table(table: Table, names: Sequence[str]) -> Table:
    return _drop_times(replace(table, fields=tuple(table.field(name) for name in names)))


def _drop_times(table: Table) -> Table:
    """The table without the time fields that are not among its fields, or are no times."""
    times = {field.name for field in table.fields if field.type == "timestamp"}
    return replace(
        table,
        event_time=table.event_time if table.event_time in times else "",
        receive_time=table.receive_time if table.receive_time in times else "",
    )


def _extend_table(table: Table, names: Sequence[str], wishes: _Wishes) -> Table:
    _check_names(table, names)
    roles = _bind_roles(table, names, wishes.roles.get(table.name, {}))
    fields = [_retype(field, wishes.types.get(field.name, field.type)) for field in table.fields]
    items: list[Field | Role] = [*fields, *roles]
    taken = {name for item in items for name in _names_in_staging(item)}
    for name in names:
        if name not in table.by_name:
            fields.append(_add_field(name, roles, wishes.types, taken | _STAGING_NAMES))
            taken.update(_names_in_staging(fields[-1]))
    extended = _drop_times(replace(table, fields=tuple(fields), roles=roles))
    _check_money(extended)
    return extended


def _check_names(table: Table, names: Sequence[str]) -> None:
    """Raise ConfigError where two selectors, or a selector and a field, have one raw column."""
    columns = dict.fromkeys(SYSTEM_TYPES, "the connector itself")
    columns |= {field.column: field.name for field in table.fields if field.name not in names}
    for name in names:
        column = to_snake_case(name)
        if column in columns or column.startswith("_dlt"):
            other = columns.get(column, "the connector itself")
            said = "twice" if other == name else f"and {other}, which have one column, {column}"
            raise ConfigError(
                f"sources.{SOURCE}.selectors of {table.endpoint} names {name} {said}. Name each"
                f" selector once, as the vendor spells it. {_PLACE}"
            )
        columns[column] = name


def _bind_roles(table: Table, names: Sequence[str], wanted: Mapping[str, str]) -> tuple[Role, ...]:
    where = f"sources.{SOURCE}.roles of {table.endpoint}"
    known = [role.name for role in table.roles]
    for role, selector in wanted.items():
        if role not in known:
            allowed = f"Roles: {', '.join(known)}." if known else "This event has no roles."
            raise ConfigError(f"{where} names {role}, which is no role of it. {allowed} {_PLACE}")
        if selector and selector not in names:
            raise ConfigError(
                f"{where} says that {selector} is the {role}, and selectors does not name it: add it"
                f" to selectors.{table.endpoint}, or take the role out."
            )
    return tuple(replace(role, selector=wanted.get(role.name) or "") for role in table.roles)


def _add_field(
    name: str, roles: Sequence[Role], types: Mapping[str, FieldType], taken: set[str]
) -> Field:
    """The field of a selector that no table knows; a name in staging that is taken gets `x_`."""
    played = [role for role in roles if role.selector == name]
    money: list[FieldType] = [role.type for role in played if role.type == "decimal"]
    column = alias = to_snake_case(name)
    while alias in taken - {role.alias for role in played}:
        alias = f"x_{alias}"
    plain = Field(
        name=name,
        column=column,
        alias=alias,
        type="text",
        unit="",
        is_nullable=True,
        is_pii=False,
        since="",
        doc="selector of the settings",
    )
    return _retype(plain, types.get(name) or (money or [_find_family(name)])[0])


def _find_family(name: str) -> FieldType:
    for family in load_families(SOURCE):
        start, rest = family.name, name.removeprefix(family.name)
        if rest != name and (start.endswith(".") or rest[:1].isupper()):
            return family.type
    return "text"


def _retype(field: Field, kind: FieldType) -> Field:
    """The field with another type; times are unix seconds, and 0 is none."""
    if kind == field.type:
        return field
    is_time = kind == "timestamp"
    return replace(
        field, type=kind, unit="s" if is_time else "", absent="0" if is_time else field.absent
    )


def _names_in_staging(item: Field | Role) -> tuple[str, ...]:
    return (item.alias, f"{item.alias}_text") if item.type in JSON_TYPES else (item.alias,)


def _check_money(table: Table) -> None:
    for role in table.roles:
        if role.selector and role.type == "decimal":
            kind = table.field(role.selector).type
            if kind not in _WHOLE:
                raise ConfigError(
                    f"sources.{SOURCE}.roles of {table.endpoint} says that {role.selector} is the"
                    f" {role.name}, and its type is {kind}. Set selector_types.{role.selector} to"
                    " decimal."
                )
