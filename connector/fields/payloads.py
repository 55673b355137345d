"""The block `payloads` of a fields.toml -> `Payload`s: what stands in `data`, by event.

An alias is a key, or `key@unit` where its values have another unit than the column, of those that
`CONVERSIONS` knows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from connector.errors import FieldTableError
from connector.fields.table import Field, FieldType, Payload
from connector.naming import to_snake_case

_KEYS = frozenset({"as", "type", "unit", "aliases", "doc"})
CONVERSIONS: Mapping[tuple[str, str], str] = {
    ("ratio", "percent"): "* 100",
    ("kbit/s", "bit/s"): "* 1000",
    ("ms", "s"): "/ 1000",
    ("s", "ms"): "* 1000",
}
"""What is done, in SQL, to a number that is sent in one unit and wanted in another."""


def parse_payloads(
    where: str, block: Mapping[str, Any], fields: Sequence[Field]
) -> tuple[Payload, ...]:
    """The payloads of a table's block, event by event; raises FieldTableError naming the key."""
    payloads = tuple(
        _parse_payload(f"{where}.payloads", event, name, value)
        for event, values in block.items()
        for name, value in values.items()
    )
    _check_spellings(where, payloads)
    _check_units(where, payloads)
    _check_columns(where, payloads, {field.alias for field in fields})
    return payloads


def _parse_payload(where: str, event: str, name: str, value: Mapping[str, Any]) -> Payload:
    if unknown := set(value) - _KEYS:
        raise FieldTableError(f"{where}.{event}.{name}: unknown keys {sorted(unknown)}")
    if value.get("type") not in get_args(FieldType):
        raise FieldTableError(
            f"{where}.{event}.{name}: type {value.get('type')!r} is none of {get_args(FieldType)}"
        )
    cut = [alias.partition("@") for alias in value.get("aliases", ())]
    return Payload(
        event=event,
        name=name,
        alias=str(value.get("as", to_snake_case(name))),
        type=value["type"],
        unit=str(value.get("unit", "")),
        aliases=tuple((alias, unit) for alias, _, unit in cut),
        doc=str(value.get("doc", "")),
    )


def _check_spellings(where: str, payloads: Sequence[Payload]) -> None:
    """Raise FieldTableError where one key of one event would fill two columns."""
    seen: set[tuple[str, str]] = set()
    for item in payloads:
        for key in (item.name, *(alias for alias, _ in item.aliases)):
            if (item.event, key) in seen:
                raise FieldTableError(f"{where}: two payloads of {item.event} have the key {key!r}")
            seen.add((item.event, key))


def _check_units(where: str, payloads: Sequence[Payload]) -> None:
    for item in payloads:
        for alias, unit in item.aliases:
            if unit not in {"", item.unit} and (unit, item.unit) not in CONVERSIONS:
                raise FieldTableError(
                    f"{where}: the alias {alias!r} of {item.event}.{item.name} is in {unit!r}, of which"
                    f" there is no way to {item.unit!r}"
                )


def _check_columns(where: str, payloads: Sequence[Payload], taken: set[str]) -> None:
    """Raise FieldTableError where a staging column is a field's, or of two types or units."""
    kinds: dict[str, tuple[str, str]] = {}
    for item in payloads:
        if item.alias in taken:
            raise FieldTableError(f"{where}: a field and a payload are called {item.alias!r}")
        if kinds.setdefault(item.alias, (item.type, item.unit)) != (item.type, item.unit):
            raise FieldTableError(f"{where}: payloads called {item.alias!r} differ in type or unit")
