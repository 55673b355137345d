"""What the exports have to give: every row of an event with all its selectors, as texts."""

from collections.abc import Sequence
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.mytracker.dictionary import events, field_types, selectors_of
from connector.sandbox.mytracker.injection import MadeExport, read_moment
from connector.sandbox.mytracker.selecting import fill_cells, plan_cells
from connector.sandbox.mytracker.service import TrackerService


def list_tracker_truth(service: TrackerService, event: str, zone: str) -> dict[str, Any]:
    """`{event, rows, unread}` as of the present moment; `zone` is that of `dtEvent`.

    A row is `{available_at, shown_at, occurred_at, id_app, values}`: unix seconds of tsInsert, of
    the first moment an export can hold it, and of tsEvent (None where a made-up row does not
    say), and the cells that are not empty, as text. What faults do to rows (late ones, clocks,
    verification) is in it, what they do to files is not. `unread` counts made-up bodies, whose
    rows only their author knows.
    """
    if event not in events():
        raise ConfigError(f"event {event!r} is none of {', '.join(events())}")
    now = service.advance()
    service.maker.take()
    made = [export for export in service.maker.made if export.event == event]
    names = selectors_of(event)
    plan = plan_cells(names, field_types(event))
    rows = []
    for data in service.maker.apps.values():
        for row in data.list_rows(event, service.row_faults(now)):
            if row.shown_at > now or any(e.replaces(row.available_at) for e in made):
                continue
            cells = data.cells.cells(event, row, zone, now)
            rows.append(
                {
                    "available_at": row.available_at,
                    "shown_at": row.shown_at,
                    "occurred_at": row.occurred_at,
                    "id_app": data.id_app,
                    "values": _clean(names, fill_cells(cells, plan)),
                }
            )
    rows += [row for export in made for row in _list_made(export)]
    unread = sum(export.rows is None for export in made)
    return {"event": event, "rows": rows, "unread": unread}


def _list_made(export: MadeExport) -> list[dict[str, Any]]:
    return [
        {
            "available_at": read_moment(cells, "tsInsert"),
            "shown_at": read_moment(cells, "tsInsert"),
            "occurred_at": read_moment(cells, "tsEvent"),
            "id_app": read_moment(cells, "idApp"),
            "values": _clean(tuple(cells), tuple(cells.values())),
        }
        for cells in export.rows or ()
    ]


def _clean(names: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    return {name: text for name, text in zip(names, texts, strict=True) if text}
