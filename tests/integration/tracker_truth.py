"""What a warehouse should hold of MyTracker, worked out from the sandbox's truth.

Rows have no id, so they are compared as a multiset, cell by cell, each in its unit. The casts are
written anew here, and so is what a unit's name means: the product is not asked to judge itself.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import duckdb

from connector.fields import load_tables
from connector.naming import to_snake_case
from connector.sandbox import Sandbox
from connector.warehouse.verification import verify
from tests.integration.stream_truth import Row
from tests.integration.stream_warehouse import Snapshot, read_warehouse

TABLES = load_tables("mytracker")
TABLE_OF = {table.endpoint: name for name, table in TABLES.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT = re.compile(r"\w+/(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)((?:~[^~]+)*)")
_FAMILIES = (("id", "text"), ("ts", "timestamp"), ("dt", "date"), ("count", "bigint"))
_CASTS: Mapping[str, Callable[[str], Any]] = {
    "bigint": int,
    "integer": int,
    "double": float,
    "decimal": lambda text: Decimal(text).quantize(Decimal("1e-9")),
    "date": date.fromisoformat,
}
_ABSENT = {"bigint": "0", "integer": "0", "array_literal": "[]"}  # as the vendor writes no value
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: selectors by event, types where no field table tells them, the rows that
    filters keep (by event and texts), and the zone of `dtEvent`.
    """

    selectors: Mapping[str, Sequence[str]]
    types: Mapping[str, str] = field(default_factory=dict)
    keep: Callable[[str, Mapping[str, str]], bool] = lambda _event, _values: True
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A unit as its ledger row names it; unix seconds, None: open. `seen_at` and `event_most` are
    when it was asked for, and the last event time that was.
    """

    unit: str
    application_id: str
    low: float
    high: float
    event_low: float
    event_high: float
    shares: tuple[tuple[str, int, int], ...]
    seen_at: float
    event_most: float

    def holds(self, item: Mapping[str, Any]) -> bool:
        """True for a row of the truth that is to be in the unit."""
        occurred_at = item["occurred_at"]
        return (
            self.low <= item["available_at"] < self.high
            and item["shown_at"] <= self.seen_at
            and (
                occurred_at is None
                or (
                    self.event_low <= occurred_at < self.event_high
                    and occurred_at <= self.event_most
                )
            )
            and all(
                crc32(item["values"].get(name, "").encode()) % n == k for name, k, n in self.shares
            )
        )


def compare_tracker(sandbox: Sandbox, warehouse: Path, wanted: Wanted) -> None:
    """Assert that each row of the truth that lies in a loaded unit is there once and exact, that no
    other row is, and that the ledger agrees.
    """
    found = read_warehouse(warehouse, "mytracker")
    check_laws(found, warehouse)
    for event, names in wanted.selectors.items():
        table = TABLE_OF[event]
        pieces = [_read_piece(unit, sandbox) for unit in live_units(found, event)]
        expected = [
            _to_row(item["values"], piece, event, names, wanted)
            for item in sandbox.mytracker_truth(event, wanted.zone)["rows"]
            for piece in pieces
            if piece.holds(item) and wanted.keep(event, item["values"])
        ]
        assert _spell(found.get(table, ())) == _spell(expected), table


def check_laws(found: Snapshot, warehouse: Path) -> None:
    """Assert what holds of every warehouse: its own account is right, a row is known by its place,
    and a row lies in its unit's interval.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert verify(connection, ["mytracker"]).differences == ()
    units = {row["unit"]: row for row in found["units"]}
    for table in TABLES:
        places = [(row["_unit"], row["_row"]) for row in found.get(table, ())]
        assert len(set(places)) == len(places), table
        for row in found.get(table, ()):
            unit, inserted_at = units[row["_unit"]], row.get("ts_insert")
            if isinstance(inserted_at, datetime):
                assert unit["lower_at"] <= inserted_at < unit["upper_at"], unit["unit"]


def live_units(found: Snapshot, event: str) -> list[Row]:
    """The ledger rows of an event's units that hold its rows now."""
    return [
        row
        for row in found.get("units", ())
        if row["table_name"] == TABLE_OF[event] and not row["schema_id"].startswith("merged:")
    ]


def _read_piece(unit: Row, sandbox: Sandbox) -> _Piece:
    """The unit, with when its export was asked for: what it holds is as of then."""
    lower, upper, rest = _match_unit(unit["unit"])
    (asked,) = (
        made for made in sandbox.mytracker_requests()["creates"] if made["id"] == unit["remote_id"]
    )
    bounds = re.search(r"~event:(-?\d*)\.\.(-?\d*)", rest)
    shares = re.findall(r"~(\w+):(\d+)of(\d+)", rest)
    params = dict(asked["params"])
    return _Piece(
        unit=unit["unit"],
        application_id=unit["application_id"],
        low=lower,
        high=upper,
        event_low=float(bounds[1]) if bounds and bounds[1] else float("-inf"),
        event_high=float(bounds[2]) if bounds and bounds[2] else float("inf"),
        shares=tuple((name, int(k), int(n)) for name, k, n in shares),
        seen_at=asked["at"],
        event_most=float(params["tsTo"]),
    )


def _match_unit(unit: str) -> tuple[float, float, str]:
    found = _UNIT.fullmatch(unit)
    assert found is not None, unit
    low, high = (
        datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        for text in found.groups()[:2]
    )
    return low, high, found[3]


def _to_row(
    values: Mapping[str, str], piece: _Piece, event: str, names: Sequence[str], wanted: Wanted
) -> Row:
    row: Row = {"_unit": piece.unit, "_application_id": piece.application_id}
    for name in names:
        kind = wanted.types.get(name) or kind_of(name, event)
        if text := values.get(name) or _ABSENT.get(kind_of(name, event), ""):
            row[to_snake_case(name)] = cast_text(text, kind)
    return row


def kind_of(name: str, event: str) -> str:
    """The type of a selector: that of its field, else of the family its name belongs to."""
    known = TABLES[TABLE_OF[event]].by_name.get(name)
    if known is not None:
        return known.type
    if name.startswith("params."):
        return "array_literal"
    kinds = [kind for start, kind in _FAMILIES if re.match(rf"{start}[A-Z]", name)]
    return kinds[0] if kinds else "text"


def cast_text(text: str, kind: str) -> Any:
    """The value of a cell that is not empty, in a raw table."""
    if kind == "timestamp":
        return _EPOCH + timedelta(seconds=int(text)) if text != "0" else None
    if kind == "array_literal":
        return json.dumps(read_array(text), ensure_ascii=False, separators=(",", ":"))
    return _CASTS.get(kind, str)(text)


def read_array(text: str) -> list[Any]:
    r"""The items of a list as the vendor writes it: `['a','it\'s',7]`."""
    items: list[Any] = []
    at = 1
    while at < len(text) - 1:
        item = ""
        if text[at] == "'":
            at += 1
            while text[at] != "'":
                is_escaped = text[at] == "\\"
                at += is_escaped
                item += _ESCAPES.get(text[at], text[at]) if is_escaped else text[at]
                at += 1
            items.append(item)
            at += 2
        else:
            item = re.split(r"[,\]]", text[at:], maxsplit=1)[0]
            items.append(json.loads(item))
            at += len(item) + 1
    return items


def _spell(rows: Collection[Row]) -> list[str]:
    return sorted(
        str({name: _plain(row[name]) for name in sorted(row) if _is_theirs(name, row[name])})
        for row in rows
    )


def _is_theirs(name: str, value: Any) -> bool:
    is_own = name.startswith(("_dlt", "_row", "_received_from"))
    return value is not None and value != "" and not is_own


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
