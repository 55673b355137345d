"""Every spelling of a file, read back by a strict reader."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from connector.sandbox import FileShape
from connector.sandbox.appmetrica_stream.content import Content, apply_cell_faults
from connector.sandbox.appmetrica_stream.exports import Schema
from connector.sandbox.appmetrica_stream.files import Row, encode_file, measure_payload
from connector.sandbox.faults import parse_fault

NAMES = ("event_name", "event_json", "event_timestamp", "session_id", "testids")
CSV = Schema(1, "event", "csv", NAMES)
JSON = Schema(1, "event", "json", NAMES)
ROWS: list[Row] = [
    ["plain", "", "1772452800", "13278911961594196248", "[1,2]"],
    ['a "b", c', '{"k":"one\ntwo\u2028three"}', "1772452801", "", ""],
]


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def load(shape: FileShape) -> Any:
    return json.loads(encode_file(ROWS, JSON, shape, {}))


@pytest.mark.parametrize("newline", ["crlf", "lf"])
@pytest.mark.parametrize("final_newline", [True, False])
@pytest.mark.parametrize("bom", [True, False])
@pytest.mark.parametrize("quoting", ["minimal", "all"])
def test_every_spelling_of_csv_holds_the_same_rows(
    newline: Any, final_newline: bool, bom: bool, quoting: Any
) -> None:
    shape = FileShape(newline=newline, final_newline=final_newline, bom=bom, quoting=quoting)
    body = encode_file(ROWS, CSV, shape, {})
    assert body.startswith(b"\xef\xbb\xbf") == bom
    assert body.endswith(b"\n") == final_newline
    assert (b"\r\n" in body) == (newline == "crlf")
    assert read(body.decode("utf-8-sig")) == [list(NAMES), *ROWS]


def test_payload_bytes_leave_out_the_header_line() -> None:
    for shape in (FileShape(), FileShape(newline="crlf", bom=True, quoting="all")):
        body = encode_file(ROWS, CSV, shape, {})
        header = encode_file([], CSV, shape, {})
        assert measure_payload(body, CSV, shape) == len(body) - len(header)


def test_json_layouts_hold_the_same_records() -> None:
    as_object = load(FileShape(json_layout="object"))["data"]
    as_array = load(FileShape(json_layout="array"))
    lines = encode_file(ROWS, JSON, FileShape(json_layout="lines"), {}).split(b"\n")
    assert lines.pop() == b""
    assert as_object == as_array == [json.loads(line) for line in lines]
    assert as_array[1]["event_json"] == ROWS[1][1]


def test_json_values_are_strings_or_native() -> None:
    shape = FileShape(json_layout="array", json_values="native", json_arrays="native")
    assert load(replace(shape, json_values="string"))[0]["session_id"] == "13278911961594196248"
    native = load(shape)[0]
    assert native["session_id"] == 13278911961594196248
    assert native["testids"] == [1, 2]
    assert native["event_timestamp"] == 1772452800


def test_json_spells_absence_in_three_ways() -> None:
    shape = FileShape(json_layout="array")
    assert load(shape)[0]["event_json"] == ""
    assert load(replace(shape, json_empty="null"))[0]["event_json"] is None
    assert "event_json" not in load(replace(shape, json_empty="missing"))[0]


def spoil(kind: str, schema: Schema = CSV, **params: Any) -> tuple[Content, bytes]:
    shape = FileShape(json_layout="lines")
    content = Content(schema, shape, [list(row) for row in ROWS])
    apply_cell_faults(content, [parse_fault({"kind": kind, **params}, 1)])
    return content, encode_file(content.rows, schema, shape, content.broken)


def test_a_broken_csv_record_has_too_few_or_too_many_fields() -> None:
    short = read(spoil("broken_record", row=1)[1].decode())
    long = read(spoil("broken_record", row=-1, how="long")[1].decode())
    assert [len(row) for row in short] == [5, 5, 2]
    assert [len(row) for row in long] == [5, 5, 7]


def test_a_broken_json_line_is_malformed_or_no_object() -> None:
    cut, scalar = (
        spoil("broken_record", JSON, row=0, how=how)[1].splitlines() for how in ("cut", "scalar")
    )
    assert len(cut) == len(scalar) == 2
    assert isinstance(json.loads(cut[1]), dict)
    assert json.loads(scalar[0]) == 42
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut[0])


def test_cells_can_hold_anything() -> None:
    assert len(spoil("big_cell", field="event_name")[0].rows[0][0]) == 1_000_000
    assert b"\x00nul" in spoil("nul_byte", field="event_name")[1]
    assert b"\xff\xc3bad" in spoil("invalid_utf8", field="event_json")[1]
    assert "\r\nfour\u2028" in read(spoil("line_breaks", field="event_json")[1].decode())[1][1]
    assert spoil("cells", set={"event_timestamp": "soon"})[0].rows[0][2] == "soon"
    assert spoil("cells", set={"event_name": "x"}, all_rows=True)[0].rows[1][0] == "x"
    assert spoil("equal_rows", copies=2)[0].rows[2:] == [ROWS[0], ROWS[0]]


def test_bad_cells_do_not_fit_their_types_and_leave_texts_alone() -> None:
    row = spoil("bad_cells")[0].rows[0]
    assert row == ["plain", "", "yesterday", "13278911961594196248", '["open']
    only = spoil("bad_cells", fields=["testids"])[0].rows[0]
    assert only[2] == ROWS[0][2]


def test_a_fault_beyond_the_last_row_does_nothing() -> None:
    assert spoil("nul_byte", row=7, field="event_name")[0].rows == ROWS
