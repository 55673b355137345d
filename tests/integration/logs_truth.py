"""What a warehouse should hold of the Logs API, worked out from the sandbox's truth.

Rows have no id, so they are compared as a multiset, cell by cell; the casts are those of
`stream_truth`, written apart from the decoder.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from connector.fields import Table, load_tables
from connector.sandbox import Sandbox
from tests.integration.stream_truth import Row, cast_text
from tests.integration.stream_warehouse import Snapshot, check_laws

LOG_TABLES = tuple(load_tables("appmetrica_logs"))
_OWN = ("_dlt", "_unit", "_row", "_received_from")


def compare_logs(
    sandbox: Sandbox,
    found: Snapshot,
    tables: Collection[str] = LOG_TABLES,
    *,
    without: Collection[str] = (),
    fields: Collection[str] = (),
) -> None:
    """Assert that these tables hold each row of the truth that lies in a loaded unit, exactly once
    and cell by cell, and that every row lies in its unit's range.

    `without` are ids of units that are not to be loaded; `fields` are the only ones asked for.
    """
    check_laws(found, LOG_TABLES)
    units = {row["unit"]: row for row in found.get("units", ())}
    assert not set(without) & set(units)
    check_units(units.values())
    for table in tables:
        known = load_tables("appmetrica_logs")[table]
        for app in sandbox.scenario.apps:
            own = [u for u in units.values() if _is_of(u, table, app.id)]
            rows = [r for r in found.get(table, ()) if r["_unit"] in {u["unit"] for u in own}]
            assert _spell(rows) == _spell(expect_rows(sandbox, app.id, known, own, fields)), table
            _check_places(rows, known, units)


def expect_rows(
    sandbox: Sandbox, app: int, known: Table, units: Collection[Row], fields: Collection[str] = ()
) -> list[Row]:
    """The rows of the truth that these units hold."""
    spans = [(u["lower_at"].timestamp(), u["upper_at"].timestamp()) for u in units]
    is_snapshot = known.axis == "snapshot"
    clock = "occurred_at" if any(u["axis"] == "device" for u in units) else "received_at"
    return [
        _to_row(item["values"], known, app, fields)
        for item in sandbox.logs_truth(app, known.name)["rows"]
        if (is_snapshot and spans) or any(low <= item[clock] < high for low, high in spans)
    ]


def check_units(units: Collection[Row]) -> None:
    """Assert that no two units of a table overlap: each second was asked for once."""
    ends: dict[tuple[str, str], datetime] = {}
    for unit in sorted(units, key=lambda unit: unit["lower_at"]):
        key = unit["table_name"], unit["application_id"]
        assert ends.get(key, unit["lower_at"]) <= unit["lower_at"] < unit["upper_at"], unit["unit"]
        ends[key] = unit["upper_at"]


def covered(found: Snapshot, table: str = "events") -> tuple[datetime, datetime]:
    """The range a table's units cover; asserts that there is no gap in it."""
    units = [row for row in found["units"] if row["table_name"] == table]
    spans = sorted((row["lower_at"], row["upper_at"]) for row in units)
    for (_, upper), (lower, _) in pairwise(spans):
        assert upper == lower
    return spans[0][0].astimezone(UTC), spans[-1][1].astimezone(UTC)


def _is_of(unit: Row, table: str, app: int) -> bool:
    return (unit["table_name"], unit["application_id"]) == (table, str(app))


def _to_row(values: dict[str, str], known: Table, app: int, fields: Collection[str]) -> Row:
    row: Row = {}
    if "application_id" not in known.by_name:
        row["_application_id"] = str(app)
    for name, text in values.items():
        declared = known.by_name.get(name)
        if fields and name not in fields:
            continue
        if declared is None and not fields:
            continue  # a custom attribute is sent where it is asked for
        value = text if declared is None else cast_text(text, declared)[0]
        row[declared.column if declared else name] = value
    return row


def _spell(rows: Collection[Row]) -> list[str]:
    kept = [
        {name: _plain(row[name]) for name in sorted(row) if _is_theirs(name, row[name])}
        for row in rows
    ]
    return sorted(map(str, kept))


def _is_theirs(name: str, value: Any) -> bool:
    return value is not None and not name.startswith(_OWN)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _check_places(rows: Collection[Row], known: Table, units: dict[str, Row]) -> None:
    name = known.receive_time or known.event_time
    if known.axis == "snapshot" or name not in known.by_name:
        return
    column = known.by_name[name].column
    for row in rows:
        unit = units[row["_unit"]]
        if unit["axis"] != "device" and row.get(column) is not None:
            assert unit["lower_at"] <= row[column] < unit["upper_at"], unit["unit"]
