"""What the exports have to give: every row on both clocks, as texts."""

from typing import Any

from connector.errors import ConfigError
from connector.sandbox.appmetrica_logs.injection import MadeExport
from connector.sandbox.appmetrica_logs.resources import RESOURCES
from connector.sandbox.appmetrica_logs.service import LogsService


def list_log_truth(service: LogsService, app_id: int, name: str) -> dict[str, Any]:
    """`{application_id, resource, rows, unread}` as of the present moment, without faults.

    A row is `{received_at, occurred_at, values}`: unix seconds on both clocks (None where a
    made-up row does not say), and the cells that are not empty, as text. `unread` counts made-up
    bodies, whose rows only their author knows.
    """
    resource = RESOURCES.get(name)
    if resource is None:
        raise ConfigError(f"resource {name!r} is none of {', '.join(RESOURCES)}")
    service.queue_of(app_id)
    now = service.advance(app_id)
    maker, fields = service.makers[app_id], resource.field_names()
    made = [e for e in service.made if e.app == app_id and e.resource is resource]
    rows = [
        {
            "received_at": row.received_at,
            "occurred_at": row.occurred_at,
            "values": _clean(maker.cells.cells(resource, row), fields),
        }
        for row in maker.rows.all(name, now)
        if not any(export.replaces(row.received_at) for export in made)
    ]
    rows += [row for export in made for row in _list_made(export)]
    unread = sum(export.rows is None for export in made)
    return {"application_id": app_id, "resource": name, "rows": rows, "unread": unread}


def _list_made(export: MadeExport) -> list[dict[str, Any]]:
    return [
        {
            "received_at": export.received_at(cells),
            "occurred_at": export.occurred_at(cells),
            "values": _clean(cells, tuple(cells)),
        }
        for cells in export.rows or ()
    ]


def _clean(cells: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: cells[name] for name in names if cells.get(name)}
