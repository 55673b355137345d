"""Files of ShortKit, and what the decoder makes of them: rows by table, accounts by unit."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector.day_units import list_day_units, midnight
from connector.decode import NOBODY, Decoded, Erased, Options, Package, Tally, decode_file
from connector.fields import Table
from connector.sources.shortkit import make_options, make_tables
from connector.units import Unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOAD_ID = "1772366400.5"
FIRST = date(2026, 1, 15)
GIVEN: Mapping[str, Any] = {"empty_text": "null", "window_clock": "event", "least_share": 0.95}


@cache
def tables() -> Mapping[str, Table]:
    return make_tables({})


def make_options_of(**changes: Any) -> Options:
    return make_options({**GIVEN, **changes})


def make_unit(days: int = 1, *feeds: str, zone: str = "UTC", first: date = FIRST) -> Unit:
    """A job's unit of so many days."""
    feeds = feeds or ("events", "quality")
    last = first + timedelta(days=days - 1)
    place = ZoneInfo(zone)
    return Unit(
        id=f"{'+'.join(feeds)}/{first}..{last}",
        source="shortkit",
        table=feeds[0],
        application_id="shortkit",
        axis="event_day",
        lower_at=midnight(first, place),
        upper_at=midnight(last + timedelta(days=1), place),
        remote_id="exp_1",
        feeds=feeds,
        zone=zone,
    )


@dataclass(frozen=True)
class Videos:
    """What came of a file."""

    unit: Unit
    rows: dict[str, list[dict[str, Any]]]
    quarantine: list[dict[str, Any]]
    tallies: dict[str, Tally]
    decoded: Decoded

    def events(self, table: str = "events") -> dict[str, list[str | None]]:
        """The names of the events of each unit, in the order of their ordinals."""
        found: dict[str, list[str | None]] = {}
        for place, row in enumerate(sorted(self.rows[table], key=_place_of)):
            names = found.setdefault(row["_unit"], [])
            assert row["_row"] == len(names), (place, row)
            names.append(row["event"])
        return found

    def data(self) -> list[str | None]:
        """The objects of the first table's rows, as they stand there."""
        return [row["data"] for row in self.rows[self.unit.table]]

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Loadable, unreadable and erased rows of the units that have any."""
        counts = {
            unit: (tally.rows, tally.rejected_rows, tally.erased_rows)
            for unit, tally in self.tallies.items()
        }
        return {unit: count for unit, count in counts.items() if any(count)}

    def places(self) -> list[tuple[str, str, str, int | None, int | None]]:
        """(unit, table, kind, row, line) of each reject."""
        keys = ("unit", "table_name", "kind", "_row", "file_line")
        return sorted((tuple(row[key] for key in keys) for row in self.quarantine), key=repr)


def _place_of(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["_unit"], row["_row"]


def decode(
    folder: Path, data: bytes, unit: Unit | None = None, erased: Erased = NOBODY, **settings: Any
) -> Videos:
    """Write `data` to a file in `folder` and decode it, with these settings."""
    unit = unit or make_unit()
    path = folder / "file.txt"
    path.write_bytes(data)
    package = Package(LOAD_ID, folder, NOW, erased)
    options = make_options_of(**settings)
    decoded = decode_file(path, unit, tables()[unit.table], options, package)
    rows = {
        table: [row for batch in decoded.rows_of(table).batches() for row in batch.to_pylist()]
        for table in unit.feeds
    }
    rejects = [row for batch in decoded.quarantine.batches() for row in batch.to_pylist()]
    tallies = {tally.unit.id: tally for tally in decoded.tallies}
    assert list(tallies) == [one.id for one in list_day_units(unit)]
    decoded.close()
    return Videos(unit, rows, rejects, tallies, decoded)


def line(event: str | None, at: str | None, **more: Any) -> bytes:
    """One row as JSON; what is None is not in it."""
    row = {"event": event, "timestamp": at, **more}
    kept = {name: value for name, value in row.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def lines(*rows: bytes) -> bytes:
    return b"".join(row + b"\n" for row in rows)


def plain(count: int, at: str, event: str = "impression") -> Iterable[bytes]:
    """So many rows of one second."""
    return [line(event, at, userId=f"u{number}") for number in range(count)]
