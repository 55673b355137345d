"""Payloads of a table -> columns of its staging view: typed, by event, in one unit each.

A column takes the first of its keys that is there. What does not fit its type is NULL in it and
stands in `data` all the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from connector.fields import CONVERSIONS, Payload, Table

PARSED = "parsed"
"""The JSON that payloads are taken from: a column of what a view with payloads reads."""

_CASTS = {
    "double": "as_number({text})",
    "bigint": "as_whole({text})",
    "integer": "as_whole({text})",
    "boolean": "as_boolean({text})",
    "text": "nullif({text}, '')",
}


def payload_columns(table: Table) -> Iterator[tuple[str, str, str]]:
    """(expression, name, comment) of every payload column, in the field table's order."""
    for name in dict.fromkeys(item.alias for item in table.payloads):
        items = [item for item in table.payloads if item.alias == name]
        docs = "; ".join(dict.fromkeys(item.doc for item in items))
        unit = items[0].unit
        events = ", ".join(item.event for item in items)
        yield _by_event(items), name, f"{docs}{f', {unit}' if unit else ''}: {events}"


def read_raw(table: Table) -> str:
    """FROM of the table's view: the raw table, its JSON parsed once a row if payloads need it."""
    raw = f"{table.source}.{table.name}"
    if not table.payloads:
        return f"FROM {raw} AS r\n"
    return f"FROM (\n  SELECT *, as_json(nullif(data, '')) AS {PARSED}\n  FROM {raw}\n) AS r\n"


def payload_rows(tables: Iterable[Table]) -> list[tuple[str, str, str, str, str]]:
    """(table, event, key, staging column, unit it is sent in) of every key that a column takes."""
    return [
        (table.name, item.event, key, item.alias, unit)
        for table in tables
        for item in table.payloads
        for key, unit in _keys(item)
    ]


def _keys(item: Payload) -> list[tuple[str, str]]:
    """The keys to look for, in order, each with the unit of its values."""
    keys = [(item.name, item.sent_unit), *item.aliases]
    return [(key, unit or item.unit) for key, unit in keys]


def _by_event(items: Sequence[Payload]) -> str:
    """The value of the payload that the row's event has; events of one expression side by side."""
    events: dict[str, list[str]] = {}
    for item in items:
        events.setdefault(_value(item), []).append(f"'{item.event}'")
    cases = [
        f"WHEN r.event {'IN' if names[1:] else '='} {_list(names)} THEN {value}"
        for value, names in events.items()
    ]
    return f"CASE {' '.join(cases)} END"


def _list(names: Sequence[str]) -> str:
    return f"({', '.join(names)})" if names[1:] else names[0]


def _value(item: Payload) -> str:
    if item.type == "json":
        return _first([f"json_part(r.{PARSED}, '$.{key}')" for key, _ in _keys(item)])
    values = []
    for unit, keys in groupby(_keys(item), key=lambda key: key[1]):
        text = _first([f"json_text(r.{PARSED}, '$.{key}')" for key, _ in keys])
        values.append(_cast(item, text, unit))
    return _first(values)


def _cast(item: Payload, text: str, sent_unit: str) -> str:
    """The text as the column's type and unit; a whole number of a unit is rounded."""
    number = _CASTS["double"].format(text=text)
    if sent_unit != item.unit:
        number = f"{number} {CONVERSIONS[sent_unit, item.unit]}"
    if item.type == "bigint" and item.unit:
        return f"round_whole({number})"
    return number if item.type == "double" else _CASTS[item.type].format(text=text)


def _first(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"
