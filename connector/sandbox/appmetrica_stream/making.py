"""The content of one window: rows of the population, changes, faults, the schema they fit."""

from collections.abc import Iterator, Sequence

from connector.sandbox.appmetrica_stream.cells import CellMaker
from connector.sandbox.appmetrica_stream.content import (
    CELL_FAULTS,
    Change,
    Content,
    apply_cell_faults,
    apply_change,
    apply_shape,
    change_fields,
)
from connector.sandbox.appmetrica_stream.exports import Export, ExportBook, Schema
from connector.sandbox.appmetrica_stream.files import Row
from connector.sandbox.appmetrica_stream.timeline import Entry
from connector.sandbox.faults import Fault
from connector.sandbox.scenario import FileShape


class ContentMaker:
    """Makes the contents of one app's windows; the same parts give the same contents."""

    def __init__(self, cells: CellMaker, exports: ExportBook, shape: FileShape) -> None:
        self._cells = cells
        self._exports = exports
        self._shape = shape

    def make(
        self,
        found: tuple[Export, Schema],
        entries: Sequence[Entry],
        changes: Sequence[Change],
        faults: Sequence[Fault],
    ) -> list[Content]:
        """One content per schema id, the older one first. `faults` are those of this window."""
        export, schema = found
        shape, schema = self._spell(schema, faults)
        names = schema.field_names
        content = Content(schema, shape, list(self._rows(export, names, entries)))
        _fill_odd_columns(content, faults)
        for number, change in enumerate(changes):
            apply_change(content, change, number)
        apply_cell_faults(content, [f for f in faults if f.kind in CELL_FAULTS])
        for fault in faults:
            if fault.kind == "two_schemas":
                kept = [name for name in names if name not in fault.params["drop"]]
                newer = self._exports.derive(schema, kept[::-1], schema.export_format)
                return list(content.split(len(content.rows) // 2, newer))
        return [content]

    def _spell(self, schema: Schema, faults: Sequence[Fault]) -> tuple[FileShape, Schema]:
        shape, names, file_format = self._shape, list(schema.field_names), schema.export_format
        for fault in faults:
            if fault.kind == "file_shape":
                shape = apply_shape(shape, fault)
                file_format = fault.params["export_format"] or file_format
            if fault.kind == "schema_change":
                names = change_fields(names, fault.params)
        if (tuple(names), file_format) == (schema.field_names, schema.export_format):
            return shape, schema
        return shape, self._exports.derive(schema, names, file_format)

    def _rows(
        self, export: Export, names: Sequence[str], entries: Sequence[Entry]
    ) -> Iterator[Row]:
        make, data_type = self._cells.cells, export.data_type
        has_lists = bool(export.include_events or export.exclude_events)
        for entry in entries:
            cells = make(data_type, entry.record, entry.variant)
            if not has_lists or export.keeps(cells.get("event_name", "")):
                get = cells.get
                yield [get(name, "") for name in names]


def _fill_odd_columns(content: Content, faults: Sequence[Fault]) -> None:
    """Invented text in columns nobody knows; nothing in the second of two equal columns."""
    names = content.schema.field_names
    for fault in faults:
        if fault.kind != "schema_change":
            continue
        for place, name in enumerate(names):
            is_second = name in fault.params["duplicate"] and name in names[:place]
            if name in fault.params["unknown"] or is_second:
                for number, row in enumerate(content.rows):
                    row[place] = "" if is_second else f"{name}-{number}"
