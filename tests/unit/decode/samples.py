"""A table with a field of every type, files for it, and what the decoder makes of them."""

import csv as stdcsv
import gzip
import io
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.decode import Decoded, Options, Package, decode_file
from connector.fields import Table, parse_tables
from connector.units import Unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOAD_ID = "1772366400.5"
DECLARED = """
[tables.sample]
cursor = "update_timestamp"
event_time = "event_timestamp"
[tables.sample.fields]
name = { type = "text" }
device_id = { type = "ubigint_text" }
event_datetime = { type = "datetime_app_tz" }
event_json = { type = "json" }
testids = { type = "array_json" }
amount = { type = "bigint" }
mcc = { type = "integer" }
is_new = { type = "boolean" }
price = { type = "decimal" }
event_timestamp = { type = "timestamp", unit = "s" }
sent_ms = { type = "timestamp", unit = "ms" }
sent_us = { type = "timestamp", unit = "us" }
sent_iso = { type = "timestamp", unit = "iso" }
born_on = { type = "date" }
"""
TABLE = parse_tables(tomllib.loads(DECLARED), "sample")["sample"]


@dataclass(frozen=True)
class Result:
    """What came of a file: rows and quarantine as dicts, and the counts beside them."""

    decoded: Decoded
    rows: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def places(self) -> list[tuple[str, int | None, int | None, int | None]]:
        """(kind, row, line, byte offset) of each reject."""
        keys = ("kind", "_row", "file_line", "byte_offset")
        return [tuple(row[key] for key in keys) for row in self.quarantine]


def make_unit(*field_names: str) -> Unit:
    return Unit(
        id="7/sample/1772366100/3",
        source="sample",
        table="sample",
        application_id="7",
        axis="window",
        lower_at=NOW - timedelta(minutes=5),
        upper_at=NOW,
        remote_id="1772366100",
        field_names=field_names,
    )


def decode(
    folder: Path,
    data: bytes,
    *,
    table: Table = TABLE,
    unit: Unit | None = None,
    options: Options | None = None,
) -> Result:
    """Write `data` to a file in `folder` and decode it."""
    path = folder / "file.txt"
    path.write_bytes(data)
    package = Package(LOAD_ID, folder, NOW)
    decoded = decode_file(path, unit or make_unit(), table, options or Options(), package)
    return read_result(decoded)


def read_result(decoded: Decoded) -> Result:
    """Take everything and close."""
    rows = [row for batch in decoded.data.batches() for row in batch.to_pylist()]
    rejects = [row for batch in decoded.quarantine.batches() for row in batch.to_pylist()]
    decoded.close()
    return Result(decoded, rows, rejects)


def write_parts(folder: Path, *parts: bytes) -> Path:
    """The parts as a spooled unit, one of them packed."""
    unit = folder / "unit"
    unit.mkdir()
    for number, data in enumerate(parts):
        is_packed = number == 1
        name = f"{number:04d}.{'gz' if is_packed else 'txt'}"
        (unit / name).write_bytes(gzip.compress(data) if is_packed else data)
    return unit


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """Cells as CSV; None is an empty cell."""
    text = io.StringIO(newline="")
    writer = stdcsv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue().encode("utf-8", "surrogateescape")


def write_json(layout: str, rows: Iterable[dict[str, Any]]) -> bytes:
    """Records as JSON in one of the three layouts."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if layout == "lines":
        text = "".join(f"{line}\n" for line in lines)
    else:
        array = "[" + ",\n".join(lines) + "]"
        text = array if layout == "array" else f'{{"rows": {len(lines)}, "data": {array}}}'
    return text.encode("utf-8", "surrogateescape")
