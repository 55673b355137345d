"""Which rows an export holds: those of its apps, within its bounds, that its filters keep."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.sandbox.faults import Fault
from connector.sandbox.mytracker.asks import Ask
from connector.sandbox.mytracker.cells import TrackCells
from connector.sandbox.mytracker.device_cells import Cells
from connector.sandbox.mytracker.dictionary import PAYMENTS, sdk_key
from connector.sandbox.mytracker.rows import AppRows, TrackRow

_SEGMENTS = 10
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class AppData:
    """The rows of one app and what makes their cells; `id_app` is this vendor's number."""

    id_app: int
    rows: AppRows
    cells: TrackCells

    def is_asked(self, ask: Ask) -> bool:
        """True where a request is about this app."""
        if not ask.apps and not ask.keys:
            return True
        return str(self.id_app) in ask.apps or sdk_key(self.id_app) in ask.keys

    def list_rows(self, event: str, faults: Sequence[Fault]) -> list[TrackRow]:
        """Every row of an event by availability, as the faults of rows leave it."""
        rows = self.rows.all(event)
        if not faults:
            return rows
        bent = [row for one in rows for row in bend_row(one, event, faults)]
        return sorted(bent, key=lambda row: (row.available_at, row.rank))

    def select(self, ask: Ask, as_of: float, faults: Sequence[Fault]) -> Iterator[TrackRow]:
        """The rows a request gets that is worked on at a moment (unix seconds)."""
        bounds = ask.availability
        if bounds is not None and not faults:
            rows = self.rows.between(ask.event, bounds.low, bounds.high)
        else:
            rows = self.list_rows(ask.event, faults)
        for row in rows:
            if (
                row.shown_at <= as_of
                and (bounds is None or bounds.holds(row.available_at))
                and all(times.holds(row.occurred_at) for times in ask.times)
                and self._is_kept(ask, row, as_of)
            ):
                yield row

    def _is_kept(self, ask: Ask, row: TrackRow, as_of: float) -> bool:
        if not ask.filters and not ask.hidden:
            return True
        segment = str(row.device.index % _SEGMENTS)
        cells = self.cells.cells(ask.event, row, ask.zone, as_of) | {"idSegment": segment}
        return passes(ask, cells)


def passes(ask: Ask, cells: Mapping[str, str]) -> bool:
    """True where the filters of a request keep a row with these cells."""
    if cells.get("eventName", "") in ask.hidden:
        return False
    return all(cells.get(name, "0") in wanted for name, wanted in ask.filters)


def bend_row(row: TrackRow, event: str, faults: Sequence[Fault]) -> Iterator[TrackRow]:
    """The row as the faults of rows leave it; a payment may be sent once more."""
    for fault in faults:
        params = fault.params
        if fault.data_type not in {None, event} or row.dice % int(params["every"]):
            continue
        later_s = int(float(params["hours"]) * _HOUR_S)
        if fault.kind == "future_clock":
            row = replace(row, occurred_at=row.available_at + later_s)
        elif fault.kind == "raw_late":
            row = replace(row, shown_at=row.available_at + later_s)
        elif event in PAYMENTS:
            at = row.available_at + later_s
            state = ((at, str(int(not _is_verified(row)))),)
            if params["how"] == "in_place":
                row = replace(row, verified=row.verified + state)
            else:
                rank = (*row.rank[:2], row.rank[2] + 10)
                again = replace(row, available_at=at, shown_at=at, rank=rank)
                yield replace(again, verified=row.verified + state)
    yield row


def _is_verified(row: TrackRow) -> bool:
    return getattr(row.record.payload, "verified", "") == "true"


def plan_cells(selectors: Sequence[str], types: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each selector with what is sent where it has no value: 0 for numbers, `[]` for arrays."""
    return [(name, _ABSENT.get(types.get(name, ""), "")) for name in selectors]


def fill_cells(cells: Cells, plan: Sequence[tuple[str, str]]) -> list[str]:
    """The cells of a row in the order of a plan."""
    find = cells.get
    return [find(name) or absent for name, absent in plan]


_ABSENT = {"bigint": "0", "integer": "0", "timestamp": "0", "array_literal": "[]"}
