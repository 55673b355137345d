"""Cells become typed, or NULL and a reject; what becomes of one depends on nothing but itself."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decode.cast import cast_column
from tests.unit.decode.samples import TABLE, decode
from tests.unit.decode.tracker_files import TABLE as TRACKER

LEAST, MOST = -(2**63), 2**63 - 1
YEAR_1, YEAR_9999 = -62_135_596_800, 253_402_300_799
FIRST_AT = datetime(1, 1, 1, tzinfo=UTC)
LAST_AT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

FITTING: list[tuple[str, str, Any]] = [
    ("amount", str(LEAST), LEAST),
    ("amount", str(MOST), MOST),
    ("amount", "-0", 0),
    ("mcc", "007", 7),
    ("is_new", "true", True),
    ("is_new", "True", True),
    ("is_new", "FALSE", False),
    ("is_new", "1", True),
    ("is_new", "0", False),
    ("price", "0.000000001", Decimal("0.000000001")),
    ("price", "1.1234567890", Decimal("1.123456789")),
    ("price", "-9.99", Decimal("-9.99")),
    ("price", "9" * 29 + "." + "9" * 9, Decimal("9" * 29 + "." + "9" * 9)),
    ("price", "1e5", Decimal(100000)),
    ("event_timestamp", "0", datetime(1970, 1, 1, tzinfo=UTC)),
    ("event_timestamp", "-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("event_timestamp", str(YEAR_1), FIRST_AT),
    ("event_timestamp", str(YEAR_9999), LAST_AT),
    ("sent_ms", "1772366400123", datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)),
    ("sent_ms", str(YEAR_9999 * 1000 + 999), LAST_AT.replace(microsecond=999000)),
    ("sent_us", "1772366400123456", datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)),
    ("sent_us", str(YEAR_1 * 1_000_000), FIRST_AT),
    ("sent_iso", "2026-03-01T15:00:00+03:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ("sent_iso", "2026-03-01T12:00:00.000009999Z", datetime(2026, 3, 1, 12, 0, 0, 9, tzinfo=UTC)),
    ("sent_iso", "2026-03-01T12:00:00.1234567z", datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)),
    ("sent_iso", "2026-03-01T12:00:00.25Z", datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)),
    ("born_on", "0001-01-01", date(1, 1, 1)),
    ("born_on", "9999-12-31", date(9999, 12, 31)),
    ("born_on", "2024-02-29", date(2024, 2, 29)),
    ("name", "  as it came ", "  as it came "),
    ("device_id", "13278911961594196248", "13278911961594196248"),
    ("device_id", "not a number", "not a number"),
    ("event_datetime", "2026-02-30 25:61:00", "2026-02-30 25:61:00"),
    ("event_json", '{"a": 1.0}', '{"a": 1.0}'),
    ("event_json", "{broken", "{broken"),
    ("testids", "[1, 2]", "[1, 2]"),
    ("testids", "[" + "9" * 5000 + "]", "[" + "9" * 5000 + "]"),
]
UNFIT = [
    ("amount", str(LEAST - 1)),
    ("amount", str(MOST + 1)),
    ("amount", "1.0"),
    ("amount", "1e3"),
    ("amount", " 5"),
    ("amount", "0x10"),
    ("amount", "0X1F"),
    ("mcc", "undefined"),
    ("is_new", "yes"),
    ("is_new", "2"),
    ("is_new", "true "),
    ("price", "0.0000000001"),
    ("price", "1" + "0" * 29),
    ("price", "1,5"),
    ("price", "NaN"),
    ("price", "Infinity"),
    ("event_timestamp", str(YEAR_1 - 1)),
    ("event_timestamp", str(YEAR_9999 + 1)),
    ("event_timestamp", "1772366400.5"),
    ("event_timestamp", "0x10"),
    ("sent_ms", str(YEAR_9999 * 1000 + 1000)),
    ("sent_us", str(YEAR_9999 * 1_000_000 + 1_000_000)),
    ("sent_iso", "2026-03-01 12:00:00"),
    ("sent_iso", "0000-06-01T00:00:00Z"),
    ("sent_iso", "1772366400"),
    ("born_on", "0000-12-31"),
    ("born_on", "2025-02-29"),
    ("born_on", "2026-03-01T00:00:00"),
]


def cast(name: str, cells: list[str | None]) -> tuple[list[Any], dict[int, str]]:
    """The typed values, and the rejected texts by row."""
    rows = pa.array(range(100, 100 + len(cells)), pa.int64())
    column = pa.array([None if cell is None else cell.encode() for cell in cells], pa.binary())
    typed, rejects = cast_column(column, TABLE.field(name), rows)
    assert len(typed) == len(cells)
    texts = {reject.row - 100: reject.value.decode() for reject in rejects if reject.row}
    assert len(texts) == len(rejects)
    return typed.to_pylist(), texts


@pytest.mark.parametrize(("name", "cell", "value"), FITTING, ids=lambda value: str(value)[:30])
def test_cell_that_fits_is_typed_exactly(name: str, cell: str, value: object) -> None:
    assert cast(name, [cell]) == ([value], {})


@pytest.mark.parametrize(("name", "cell"), UNFIT)
def test_cell_that_does_not_fit_is_null_and_a_reject(name: str, cell: str) -> None:
    assert cast(name, [cell]) == ([None], {0: cell})


@pytest.mark.parametrize("field", TABLE.fields, ids=lambda field: field.name)
def test_absent_cells_are_null_and_no_rejects(field: Any) -> None:
    empty = "" if field.is_text else None
    assert cast(field.name, [None, ""]) == ([None, empty], {})
    assert cast(field.name, []) == ([], {})


@pytest.mark.parametrize("cell", ["{}", "[1", "1", "null", '"x"', "[" * 3000 + "]" * 3000])
def test_malformed_array_stays_the_text_it_was_and_is_a_reject(cell: str) -> None:
    assert cast("testids", ["[]", cell]) == (["[]", cell], {1: cell})


def test_one_bad_cell_among_many_costs_itself_only() -> None:
    cells: list[str | None] = [str(number) for number in range(20_000)]
    cells[12_345] = "bad"
    values, rejected = cast("amount", cells)
    assert rejected == {12_345: "bad"}
    assert values == [None if number == 12_345 else number for number in range(20_000)]


NAMES = [field.name for field in TABLE.fields]
TYPED = ["amount", "is_new", "price", "event_timestamp", "sent_ms", "sent_iso", "born_on"]
SPELLINGS = st.sampled_from([cell for _, cell, _ in FITTING] + [cell for _, cell in UNFIT])


@given(st.sampled_from(NAMES), st.lists(st.none() | SPELLINGS | st.text("0x1.-+eE:TZ"), max_size=9))
def test_fate_of_a_cell_does_not_depend_on_its_neighbours(
    name: str, cells: list[str | None]
) -> None:
    values, rejected = cast(name, cells)
    for place, cell in enumerate(cells):
        alone, rejected_alone = cast(name, [cell])
        assert alone == [values[place]]
        assert rejected_alone.get(0) == rejected.get(place)


@given(st.sampled_from(TYPED), SPELLINGS | st.text())
def test_cell_is_typed_or_rejected_never_both_or_neither(name: str, cell: str) -> None:
    (value,), rejected = cast(name, [cell])
    assert (value is None) == (bool(rejected) or not cell)


def test_spelling_of_no_value_is_null_in_typed_columns_and_stays_in_text(tmp_path: Path) -> None:
    zero = "00000000-0000-0000-0000-000000000000"
    data = f"tsClick,idfa,score,idApp\n0,{zero},-1,0\n1,x,0,-1\n,,,\n00,0,x,1\n".encode()
    result = decode(tmp_path, data, table=TRACKER)
    first, later = (datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (0, 1))
    assert result.column("ts_click") == [None, later, None, first]
    assert result.column("idfa") == [zero, "x", None, "0"]
    assert result.column("score") == [None, 0, None, None]
    assert result.column("id_app") == [0, -1, None, 1]
    assert [row["value"] for row in result.quarantine] == ["x"]


def test_double_is_a_number_that_is_finite(tmp_path: Path) -> None:
    cells = ["6.1", "-1e3", "7", "", "nan", "inf", "1e999", "x"]
    data = "\n".join(["idApp,screenDiagonal", *(f"1,{cell}" for cell in cells)]).encode()
    result = decode(tmp_path, data, table=TRACKER)
    assert result.column("screen_diagonal") == [6.1, -1000.0, 7.0, None, None, None, None, None]
    assert [row["value"] for row in result.quarantine] == cells[4:]


def test_bytes_that_are_no_utf8_are_replaced_and_rejected_in_every_type(tmp_path: Path) -> None:
    data = b"name,amount,event_json,new_field\nb\xffd,\xfe1,{\xc3},\xed\xa0\x80\nok,2,{},x\n"
    result = decode(tmp_path, data)
    first = result.rows[0]
    assert (first["name"], first["amount"], first["event_json"]) == ("b\ufffdd", None, "{\ufffd}")
    assert first["new_field"] == "\ufffd\ufffd\ufffd"
    assert result.column("amount") == [None, 2]
    utf8 = {
        row["field_name"]: row["value"]
        for row in result.quarantine
        if row["reason"] == "is not valid UTF-8"
    }
    assert utf8 == {
        "name": "b\\xffd",
        "amount": "\\xfe1",
        "event_json": "{\\xc3}",
        "new_field": "\\xed\\xa0\\x80",
    }
