"""The same rows in CSV and in every JSON layout are the same typed table."""

import re
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.decode.samples import TABLE, Result, decode, write_csv, write_json

NAMES = [field.name for field in TABLE.fields]
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
TEXTS = st.text(max_size=8).map(lambda text: LONE_SURROGATE.sub("?", text))
SPELLINGS = st.sampled_from(
    [
        "0",
        "-1",
        "1.5",
        "true",
        "FALSE",
        "1772366400",
        "2026-03-01",
        "99999999999999999999",
        "[1]",
        "{",
        "1e3",
        "0x10",
        "[",
        "x",
        "9223372036854775807",
        "0.0000000001",
        "2026-03-01T00:00:00Z",
    ]
)
CELLS = st.none() | SPELLINGS | TEXTS
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, CELLS)), min_size=1, max_size=6)


def essence(result: Result) -> tuple[Any, ...]:
    """What must not depend on the format."""
    rows = [{**row, "_received_from": ""} for row in result.rows]
    rejects = [
        (reject["_row"], reject["field_name"], reject["value"], reject["reason"])
        for reject in result.quarantine
    ]
    decoded = result.decoded
    counts = (decoded.rows, decoded.rejected_rows, decoded.rejected_cells)
    times = (decoded.min_event_at, decoded.max_event_at, decoded.event_days)
    return rows, sorted(rejects), counts, times


@given(ROWS)
@settings(max_examples=25)
def test_rows_are_the_same_in_every_format(rows: list[dict[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_csv(NAMES, [[row[name] for name in NAMES] for row in rows])
        expected = essence(decode(folder, re.sub(rb"\r", rb" ", table)))
        for layout in ("lines", "array", "object"):
            plain = [
                {key: cell and cell.replace("\r", " ") for key, cell in row.items()} for row in rows
            ]
            assert essence(decode(folder, write_json(layout, plain))) == expected
            sparse = [{key: cell for key, cell in row.items() if cell} for row in plain]
            if any(sparse):
                assert essence(decode(folder, write_json(layout, sparse)))[:2] == expected[:2]


@given(ROWS)
@settings(max_examples=25)
def test_every_row_is_loaded_and_every_bad_cell_is_one_reject(
    rows: list[dict[str, str | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = decode(Path(folder), write_json("array", rows))
    assert result.column("_row") == list(range(len(rows)))
    assert result.decoded.rejected_cells == len(result.quarantine)
    for reject in result.quarantine:
        cell = rows[reject["_row"]][reject["field_name"]]
        assert cell
        assert reject["value"] == cell.replace("\x00", "\\x00")
