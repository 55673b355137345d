"""What a warehouse should hold of ShortKit, worked out from the sandbox's truth and from its files.

Rows have no id, so they are compared in the order of their file, cell by cell. Which table and day a
row belongs to is worked out anew here: the product is not asked to judge itself.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from connector.sandbox import Sandbox
from connector.warehouse.verification import verify
from tests.integration.stream_truth import Row
from tests.integration.stream_warehouse import Snapshot, read_warehouse

TABLES = ("events", "quality", "ads")
QUALITY = ("rebuffer", "qualityChange", "error")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "event": ("event", "type"),
    "content_id": ("contentId", "content_id"),
    "user_id": ("userId", "user_id"),
    "timestamp": ("timestamp",),
    "session_id": ("sessionId", "session_id"),
    "device_type": ("deviceType", "device_type"),
    "device_id": ("deviceId", "device_id"),
    "country": ("country",),
    "current_time": ("currentTime",),
    "data": ("data",),
}
_GZIP = b"\x1f\x8b"


def compare_truth(
    sandbox: Sandbox, warehouse: Path, *, zone: str = "UTC", form: str = "jsonl"
) -> None:
    """Assert that each row the vendor had when a day was exported is there once, and exact."""
    found = read_warehouse(warehouse, "shortkit")
    check_laws(found, warehouse, zone)
    done = {job["id"]: job["done_at"] for job in sandbox.shortkit_jobs()["jobs"]}
    for table in TABLES:
        seen = {u["unit"]: done[u["remote_id"]] for u in units_of(found, table)}
        expected: dict[str, list[Row]] = defaultdict(list)
        for item in truth_of(sandbox, table):
            unit = name_unit(table, item["values"], zone)
            if unit in seen and (item["received_at"] or 0.0) <= seen[unit]:
                expected[unit].append(to_row(item["values"], form))
        compare_rows(found, table, {unit: expected[unit] for unit in seen}, form)


def truth_of(sandbox: Sandbox, table: str) -> list[dict[str, Any]]:
    """What the vendor has for a table, in the order of time."""
    kinds = ("ads",) if table == "ads" else ("events", "quality")
    found = [
        item for kind in kinds for item in sandbox.shortkit_truth(kind, retention=False)["rows"]
    ]
    return [item for item in found if item["day"] and table_of(item["values"], kinds[0]) == table]


def compare_exports(sandbox: Sandbox, warehouse: Path) -> None:
    """Assert that each day holds the rows of the file that it was loaded from last."""
    found = read_warehouse(warehouse, "shortkit")
    check_laws(found, warehouse)
    for table in TABLES:
        expected = {}
        for unit in units_of(found, table):
            rows = read_export(sandbox, unit["remote_id"])
            own = [r for r in rows if table_of(r, table) == table]
            expected[unit["unit"]] = [to_row(r) for r in own if name_unit(table, r) == unit["unit"]]
        compare_rows(found, table, expected)


def read_export(sandbox: Sandbox, job_id: str) -> list[dict[str, Any]]:
    """The rows of an export's files, in JSON lines, that can be read."""
    build = sandbox.shortkit.jobs[job_id].build
    assert build is not None, job_id
    bodies = [gzip.decompress(p.body) if p.body[:2] == _GZIP else p.body for p in build.parts]
    lines = [line for body in bodies for line in body.split(b"\n") if line.strip()]
    return [row for line in lines if isinstance(row := _read_line(line), dict)]


def _read_line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def compare_rows(
    found: Snapshot, table: str, expected: Mapping[str, list[Row]], form: str = "jsonl"
) -> None:
    """Assert that a table's units hold just these rows, in their order."""
    actual: dict[str, list[Row]] = {unit: [] for unit in expected}
    for row in sorted(found.get(table, ()), key=lambda row: row["_row"]):
        assert row["_unit"] in actual, row["_unit"]
        actual[row["_unit"]].append({name: row[name] for name in COLUMNS})
    for unit, rows in expected.items():
        assert [_spell(row, form) for row in actual[unit]] == [_spell(r, form) for r in rows], unit


def _spell(row: Row, form: str) -> Row:
    """The row with its time in one spelling, and the members that a CSV had as columns in one order."""
    at, data = row["timestamp"], row["data"]
    if form != "jsonl" and data is not None:
        data = json.dumps(json.loads(data), sort_keys=True)
    return row | {"timestamp": at and at.astimezone(UTC).isoformat(), "data": data}


def to_row(values: Mapping[str, Any], form: str = "jsonl") -> Row:
    """The typed row of a record; the object `data` as it is spelled by the vendor.

    The columns of a CSV know no empty values. With `bare` names the row's own `currentTime` and the
    one in `data` are one column: it is the row's where the table is `quality`.
    """
    row: Row = {name: pick(values, name) for name in COLUMNS}
    row["timestamp"] = datetime.fromisoformat(row["timestamp"]) if row["timestamp"] else None
    if row["current_time"] is not None:
        row["current_time"] = float(row["current_time"])
    if form != "jsonl" and row["data"] is not None:
        row["data"] = {k: v for k, v in row["data"].items() if v not in (None, "")} or None
        if form == "bare" and row["event"] in QUALITY:
            row["data"].pop("currentTime", None)
    if row["data"] is not None:
        row["data"] = json.dumps(row["data"], ensure_ascii=False, separators=(",", ":"))
    return row


def pick(values: Mapping[str, Any], column: str) -> Any:
    """The value of a column under the first of its spellings that has one."""
    found = (values.get(name) for name in COLUMNS[column])
    return next((value for value in found if value not in (None, "")), None)


def table_of(values: Mapping[str, Any], kind: str) -> str:
    """The table a record of a job of this kind belongs to."""
    if kind == "ads":
        return "ads"
    return "quality" if pick(values, "event") in QUALITY else "events"


def name_unit(table: str, values: Mapping[str, Any], zone: str = "UTC") -> str:
    """The unit of a record with a time."""
    at = datetime.fromisoformat(str(values["timestamp"])).astimezone(ZoneInfo(zone))
    return f"{table}/{at.date().isoformat()}"


def units_of(found: Snapshot, table: str) -> list[Row]:
    """The ledger rows of a table's days."""
    return [row for row in found.get("units", ()) if row["table_name"] == table]


def check_laws(found: Snapshot, warehouse: Path, zone: str = "UTC") -> None:
    """Assert what holds of every warehouse: its own account is right, ordinals have no gaps, a unit
    is a day of a table, and its rows came with its load.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert verify(connection, ["shortkit"]).differences == ()
    units = {row["unit"]: row for row in found["units"]}
    assert len(units) == len(found["units"])
    for unit in units.values():
        _check_unit(unit, zone)
    for table in TABLES:
        places: dict[str, list[int]] = defaultdict(list)
        for row in found.get(table, ()):
            assert row["_application_id"] == "shortkit"
            assert row["_dlt_load_id"] == units[row["_unit"]]["_dlt_load_id"]
            places[row["_unit"]].append(row["_row"])
        for unit_id, ordinals in places.items():
            assert sorted(ordinals) == list(range(len(ordinals))), unit_id
            assert units[unit_id]["loaded_rows"] == len(ordinals), unit_id


def _check_unit(unit: Row, zone: str) -> None:
    table, _, day = unit["unit"].partition("/")
    bounds = [unit[name].astimezone(ZoneInfo(zone)) for name in ("lower_at", "upper_at")]
    assert (table, unit["axis"]) == (unit["table_name"], "event_day")
    assert [at.hour + at.minute for at in bounds] == [0, 0], unit["unit"]
    assert bounds[0].date() == date.fromisoformat(day)
    assert (bounds[1].date() - bounds[0].date()).days == 1
    kept = (unit["loaded_rows"], unit["quarantined_rows"], unit["erased_rows"] or 0)
    assert sum(kept) == unit["file_rows"], unit["unit"]
