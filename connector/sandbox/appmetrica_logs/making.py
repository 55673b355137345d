"""The content of a prepared file: rows of the population or made-up ones, then the faults."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from connector.sandbox.appmetrica_logs.asks import Ask
from connector.sandbox.appmetrica_logs.cells import LogCells
from connector.sandbox.appmetrica_logs.injection import MadeExport
from connector.sandbox.appmetrica_logs.resources import SOURCE
from connector.sandbox.appmetrica_logs.rows import AppRows
from connector.sandbox.appmetrica_stream.cells import Cells
from connector.sandbox.appmetrica_stream.content import (
    CELL_FAULTS,
    Content,
    apply_cell_faults,
    apply_shape,
    change_fields,
)
from connector.sandbox.appmetrica_stream.exports import Schema
from connector.sandbox.appmetrica_stream.files import encode_file
from connector.sandbox.faults import Fault
from connector.sandbox.scenario import FileShape

_YEARS = {1970: 40_000, 2099: 4_070_908_800}
_EVENT_CLOCKS = ("event", "install", "session_start", "crash", "error", "token", "ad_revenue")


@dataclass(frozen=True, slots=True)
class Maker:
    """What one app's files are made of."""

    rows: AppRows
    cells: LogCells
    shape: FileShape

    def cells_of(self, ask: Ask, as_of: float, made: Sequence[MadeExport]) -> list[Cells]:
        """The cells of every row asked for, of what was received by `as_of` (unix seconds)."""
        by_receipt = ask.is_by_receipt
        if ask.range is None:
            rows = self.rows.all(ask.resource.name, as_of)
        else:
            rows = self.rows.within(
                ask.resource.name, ask.range, self.cells.zone, as_of, is_by_receipt=by_receipt
            )
        found = [
            self.cells.cells(ask.resource, row)
            for row in rows
            if not any(export.replaces(row.received_at) for export in made)
        ]
        for export in made:
            found += export.rows_within(ask.span, is_by_receipt=by_receipt)
        kept = [c for c in found if all(c.get(name, "") == value for name, value in ask.filters)]
        return kept[: ask.limit] if ask.limit else kept

    def make(
        self, ask: Ask, cells: Sequence[Cells], faults: Sequence[Fault], shift: int
    ) -> Content:
        """The whole file, before it is cut into parts; `shift` rows go from its start to its end."""
        shape = replace(self.shape, bom=self.shape.bom or ask.has_bom)
        names, file_format = list(ask.fields), ask.export_format
        unknown: set[str] = set()
        for fault in faults:
            if fault.kind == "file_shape":
                shape = apply_shape(shape, fault)
                file_format = fault.params["export_format"] or file_format
            if fault.kind == "schema_change":
                names = change_fields(names, fault.params)
                unknown.update(fault.params["unknown"])
        schema = Schema(0, ask.resource.name, file_format, tuple(names), SOURCE)
        rows = [
            [f"{name}-{n}" if name in unknown else c.get(name, "") for name in names]
            for n, c in enumerate(cells)
        ]
        content = Content(schema, shape, rows[shift:] + rows[:shift])
        for fault in faults:
            if fault.kind == "clocks":
                self._set_clock(content, fault)
        apply_cell_faults(content, [f for f in faults if f.kind in CELL_FAULTS])
        _thin_out(content, ask, faults)
        return content

    def _set_clock(self, content: Content, fault: Fault) -> None:
        row, at = int(fault.params["row"]), _YEARS.get(int(fault.params["year"]), 0)
        if not -len(content.rows) <= row < len(content.rows):
            return
        cells = dict(zip(content.schema.field_names, content.rows[row], strict=True))
        for prefix in _EVENT_CLOCKS:
            for name, text in (("timestamp", str(at)), ("datetime", self.cells.zone.text(at))):
                if f"{prefix}_{name}" in cells:
                    cells[f"{prefix}_{name}"] = text
        content.rows[row] = [cells[name] for name in content.schema.field_names]


def encode_part(content: Content, parts: int, part: int) -> tuple[bytes, int]:
    """The bytes of one part, a file of its own, and how many rows it has."""
    count = len(content.rows)
    low, high = count * part // parts, count * (part + 1) // parts
    broken = {n - low: how for n, how in content.broken.items() if low <= n < high}
    body = encode_file(content.rows[low:high], content.schema, content.shape, broken)
    return body, high - low


def _thin_out(content: Content, ask: Ask, faults: Iterable[Fault]) -> None:
    for fault in faults:
        if fault.kind == "thin" and ask.skips_shards:
            del content.rows[:: int(fault.params["every"])]
