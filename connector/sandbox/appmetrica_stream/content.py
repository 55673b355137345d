"""What a window holds: its rows, and the faults that act on them before they are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.sandbox.appmetrica_stream.exports import Schema
from connector.sandbox.appmetrica_stream.files import Row
from connector.sandbox.faults import Fault
from connector.sandbox.scenario import FileShape

CELL_FAULTS = (
    "equal_rows",
    "cells",
    "big_cell",
    "nul_byte",
    "line_breaks",
    "invalid_utf8",
    "bad_cells",
    "broken_record",
)
_UNFIT = {
    "bigint": "12x",
    "integer": "many",
    "decimal": "1,50",
    "boolean": "maybe",
    "timestamp": "yesterday",
    "date": "31.12.",
    "array_json": '["open',
    "array_literal": "['open",
}
_BREAKS = "one\rtwo\nthree\r\nfour\u2028five\u0085six, end"


@dataclass(frozen=True, slots=True)
class Change:
    """A settled window changes at `at` (unix seconds): rows added, removed, edited."""

    at: int
    add: int = 0
    remove: int = 0
    edit: int = 0


@dataclass(slots=True)
class Content:
    """Rows of a file in the making; `broken` maps ordinals of unreadable records to how."""

    schema: Schema
    shape: FileShape
    rows: list[Row]
    broken: dict[int, str] = field(default_factory=dict)

    def split(self, at: int, newer: Schema) -> tuple["Content", "Content"]:
        """The rows before `at` as they are, and the rest under the schema `newer`."""
        places = [self.schema.field_names.index(name) for name in newer.field_names]
        tail = [[row[place] for place in places] for row in self.rows[at:]]
        older = {n: how for n, how in self.broken.items() if n < at}
        broken = {n - at: how for n, how in self.broken.items() if n >= at}
        return (
            Content(self.schema, self.shape, self.rows[:at], older),
            Content(newer, self.shape, tail, broken),
        )


def apply_change(content: Content, change: Change, number: int) -> None:
    """Carry out the change `number` of a window; new and edited rows are told by their mark."""
    place = _mark_place(content.schema)
    rows = content.rows
    for n in range(min(change.edit, len(rows))):
        rows[n] = _mark(rows[n], place, f"edited-{number}-{n}")
    blank = [""] * len(content.schema.field_names)
    for n in range(change.add):
        rows.append(_mark(rows[-1] if rows else blank, place, f"late-{number}-{n}"))
    del rows[: change.remove]


def apply_cell_faults(content: Content, faults: Sequence[Fault]) -> None:
    """Spoil cells and records in the order the faults were set; rows out of range are left."""
    for fault in faults:
        count = len(content.rows)
        everywhere = bool(fault.params.get("all_rows"))
        wanted = range(count) if everywhere else (int(fault.params["row"]),)
        for row in wanted:
            if -count <= row < count:
                _CELL_ACTS[fault.kind](content, row % count, fault.params)


def apply_shape(shape: FileShape, fault: Fault) -> FileShape:
    """The spelling a `file_shape` fault asks for."""
    asked = {k: v for k, v in fault.params.items() if v != "" and k != "export_format"}
    return replace(shape, **asked)


def change_fields(names: Sequence[str], params: Mapping[str, Any]) -> list[str]:
    """The columns a `schema_change` fault makes of `names`."""
    kept = [name for name in names if name not in params["remove"]]
    kept += [name for name in params["add"] if name not in kept]
    if params["reverse"]:
        kept.reverse()
    return [*kept, *params["unknown"], *params["duplicate"]]


def _mark_place(schema: Schema) -> int:
    names = schema.field_names
    for name in ("profile_id", "event_json", "click_url_parameters"):
        if name in names:
            return names.index(name)
    return len(names) - 1


def _mark(row: Row, place: int, text: str) -> Row:
    return [*row[:place], text, *row[place + 1 :]]


def _find_place(content: Content, name: str) -> int:
    names = content.schema.field_names
    return names.index(name) if name in names else _mark_place(content.schema)


def _set_cells(content: Content, row: int, params: Mapping[str, Any]) -> None:
    for name, value in params["set"].items():
        if name in content.schema.field_names:
            place = content.schema.field_names.index(name)
            content.rows[row] = _mark(content.rows[row], place, str(value))


def _fill(make: Callable[[str, Mapping[str, Any]], str]) -> Callable[..., None]:
    def act(content: Content, row: int, params: Mapping[str, Any]) -> None:
        place = _find_place(content, params["field"])
        text = make(content.rows[row][place], params)
        content.rows[row] = _mark(content.rows[row], place, text)

    return act


def _unfit_cells(content: Content, row: int, params: Mapping[str, Any]) -> None:
    types = content.schema.field_types()
    for place, name in enumerate(content.schema.field_names):
        text = _UNFIT.get(types.get(name, "text"))
        if text is not None and (not params["fields"] or name in params["fields"]):
            content.rows[row] = _mark(content.rows[row], place, text)


def _repeat_row(content: Content, row: int, params: Mapping[str, Any]) -> None:
    content.rows.extend([content.rows[row]] * int(params["copies"]))


def _break_record(content: Content, row: int, params: Mapping[str, Any]) -> None:
    content.broken[row] = str(params["how"])


_CELL_ACTS: Mapping[str, Callable[[Content, int, Mapping[str, Any]], None]] = {
    "equal_rows": _repeat_row,
    "cells": _set_cells,
    "big_cell": _fill(lambda _, params: "x" * int(params["size"])),
    "nul_byte": _fill(lambda text, _: f"{text}\x00nul"),
    "line_breaks": _fill(lambda *_: _BREAKS),
    "invalid_utf8": _fill(lambda text, _: f"{text}\udcff\udcc3bad"),
    "bad_cells": _unfit_cells,
    "broken_record": _break_record,
}
