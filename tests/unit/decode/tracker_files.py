"""A table as MyTracker's, units of an hour of it, and files of such a unit."""

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.fields import parse_tables
from connector.units import Unit
from tests.unit.decode.samples import make_unit

DECLARED = """
[tables.custom_events]
cursor = "tsInsert"
[tables.custom_events.fields]
idApp = { type = "bigint" }
tsInsert = { type = "timestamp", unit = "s", absent = "0" }
tsClick = { type = "timestamp", unit = "s", absent = "0" }
idfa = { type = "text", absent = "00000000-0000-0000-0000-000000000000" }
score = { type = "bigint", absent = "-1" }
screenDiagonal = { type = "double" }
eventName = { type = "text" }
"params.name" = { type = "array_literal" }
"params.value" = { type = "array_literal" }
tags = { type = "array_literal" }
"""
TABLE = parse_tables(tomllib.loads(DECLARED), "mytracker")["custom_events"]
LOWER_AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
LOWER_S = int(LOWER_AT.timestamp())
UPPER_S = LOWER_S + 3600


def make_hour(*field_names: str, cut_by: str = "tsInsert") -> Unit:
    """A unit of the hour from 10 to 11, cut by its time of storage."""
    return replace(
        make_unit(*field_names),
        table=TABLE.name,
        lower_at=LOWER_AT,
        upper_at=LOWER_AT + timedelta(hours=1),
        cut_by=cut_by,
    )


def write_times(*moments: int | str) -> bytes:
    """A row for each time of storage, named after its place."""
    return write_lines("tsInsert,eventName", (f"{at},r{n}" for n, at in enumerate(moments)))


def write_lines(*lines: str | Iterable[str]) -> bytes:
    """A header and rows."""
    flat = [item for line in lines for item in ([line] if isinstance(line, str) else line)]
    return "".join(f"{line}\n" for line in flat).encode()
