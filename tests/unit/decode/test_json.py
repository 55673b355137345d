"""JSON in three layouts, split anywhere: every digit, every text, every broken record in place."""

from pathlib import Path
from typing import Any

import pytest

from connector import unpack
from connector.decode import Options, json_text
from connector.decode.json_elements import detect_layout, read_elements
from connector.errors import DownloadError
from tests.unit.decode.samples import decode, write_json

LAYOUTS = ("lines", "array", "object")


@pytest.mark.parametrize(
    ("data", "layout"),
    [
        (b'[{"a": 1}]', "array"),
        (b" \n\t [", "array"),
        (b'{"data": [{"a": 1}]}', "object"),
        (b'\xef\xbb\xbf{\n  "data" : [\n', "object"),
        (b'{"rows": 1, "meta": {"data": [1]}, "data": []}', "object"),
        (b'{"pad": "' + b"x" * 9000 + b'", "data": []}', "object"),
        (b'{"meta": {"data": [1]}, "a": 1}\n{"data": []}\n', "lines"),
        (b'{"data": {"a": 1}}', "lines"),
        (b'{"note": "\\"data\\": [", "a": 1}', "lines"),
        (b'{"a": 1}\n{"a": 2}\n', "lines"),
        (b'{"a": 1, "da', "lines"),
        (b'{"a"', "lines"),
        (b"{", "lines"),
        (b'{"pad": "' + b"x" * 9000 + b'", "k', "lines"),
        (b"{broken\n{}\n", "lines"),
    ],
)
@pytest.mark.parametrize("block", [1, 7, 4096])
def test_layout_is_seen_by_what_the_file_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, layout: str, block: int
) -> None:
    if len(data) > 9000 and block < 100:
        block = 1000
    monkeypatch.setattr(unpack, "BLOCK_BYTES", block)
    path = tmp_path / "file.json"
    path.write_bytes(data)
    assert detect_layout(path) == layout


@pytest.mark.parametrize("layout", LAYOUTS)
def test_native_and_text_values_are_the_same(tmp_path: Path, layout: str) -> None:
    native: dict[str, Any] = {"amount": 5, "is_new": True, "price": -1.5, "event_timestamp": 9}
    text = {"amount": "5", "is_new": "true", "price": "-1.5", "event_timestamp": "9"}
    result = decode(tmp_path, write_json(layout, [native, text]))
    first, second = ({**row, "_row": 0} for row in result.rows)
    assert first == second
    assert result.quarantine == []
    assert result.decoded.format == "json"


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    data = (
        b'{"device_id": 13278911961594196248, "price": 12345678901234567890.123456789,'
        b' "name": 1.10, "event_json": 1e400, "new": -0}\n'
    )
    row = decode(tmp_path, data).rows[0]
    assert row["device_id"] == "13278911961594196248"
    assert str(row["price"]) == "12345678901234567890.123456789"
    assert (row["name"], row["event_json"], row["new"]) == ("1.10", "1e400", "-0")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_objects_and_arrays_keep_their_exact_text(tmp_path: Path, layout: str) -> None:
    inner = '{ "b" : [1.50, "x\\u00e9", {"a":null}],"a":1e2 }'
    array = '[ "1" ,2.0 ]'
    record = f'{{"name": "n, {{", "event_json": {inner}, "testids": {array}}}'
    data = {
        "lines": f"{record}\n",
        "array": f"[{record}]",
        "object": f'{{"data": [{record}]}}',
    }[layout]
    result = decode(tmp_path, data.encode())
    assert result.rows[0]["event_json"] == inner
    assert result.rows[0]["testids"] == array
    assert result.quarantine == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_a_key_that_occurs_twice_the_first_value_counts(tmp_path: Path, layout: str) -> None:
    record = '{"name": "a", "event_json": [1], "name": "b", "event_json": "x", "amount": null}'
    data = {"lines": record, "array": f"[{record}]", "object": f'{{"data": [{record}]}}'}[layout]
    row = decode(tmp_path, data.encode()).rows[0]
    assert (row["name"], row["event_json"]) == ("a", "[1]")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_null_and_empty_are_null(tmp_path: Path, layout: str) -> None:
    rows: list[dict[str, Any]] = [
        {"name": "x"},
        {"name": None, "amount": None},
        {"name": "", "amount": ""},
        {},
    ]
    result = decode(tmp_path, write_json(layout, rows))
    assert result.column("name") == ["x", None, None, None]
    assert result.column("amount") == [None] * 4
    assert result.quarantine == []


def test_empty_text_is_kept_where_that_is_set(tmp_path: Path) -> None:
    data = b'{"name": "", "amount": ""}\n{"name": null}\n{"amount": 1}\n'
    result = decode(tmp_path, data, options=Options(keep_empty=True))
    assert result.column("name") == ["", None, None]
    assert result.column("amount") == [None, None, 1]


def test_file_of_empty_objects_has_rows_of_nulls(tmp_path: Path) -> None:
    result = decode(tmp_path, b"{}\n{}\n")
    assert result.column("name") == [None, None]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bytes_that_are_no_utf8_are_replaced_and_kept_in_quarantine(
    tmp_path: Path, layout: str
) -> None:
    rows = [{"name": "good"}, {"name": "b\udcffd"}]
    result = decode(tmp_path, write_json(layout, rows))
    assert result.column("name") == ["good", "b\ufffdd"]
    (reject,) = result.quarantine
    assert (reject["field_name"], reject["value"], reject["_row"]) == ("name", "b\\xffd", 1)
    assert "b\\xffd" in reject["raw"]


def test_escaped_half_of_a_character_is_replaced_and_a_whole_one_is_read(tmp_path: Path) -> None:
    data = b'{"name": "a\\ud800b"}\n{"name": "\\ud83d\\ude00\\u0000"}\n'
    result = decode(tmp_path, data)
    assert result.column("name")[1] == "😀\x00"
    assert set(result.column("name")[0]) == {"a", "b", "\ufffd"}
    assert [(row["_row"], row["reason"]) for row in result.quarantine] == [
        (0, "is not valid UTF-8")
    ]
    assert "\\ud800" in result.quarantine[0]["raw"]


def test_key_that_is_no_utf8_becomes_a_drifted_column(tmp_path: Path) -> None:
    result = decode(tmp_path, b'{"name": "x", "k\xff": "y", "k\xfe": "z"}\n')
    assert result.decoded.drift == {"k\\xff", "k\\xfe"}
    assert (result.rows[0]["k_xff"], result.rows[0]["k_xfe"]) == ("y", "z")


def test_control_characters_in_a_text_are_data(tmp_path: Path) -> None:
    result = decode(tmp_path, '[{"name": "a\tb\nc\u2028d\u0085e"}]'.encode())
    assert result.column("name") == ["a\tb\nc\u2028d\u0085e"]


def test_lines_end_at_the_newline_byte_only_and_blank_ones_are_no_records(tmp_path: Path) -> None:
    data = '{"name": "a\u2028b\u0085c"}\r\n\n  \n{"name": "d"}'.encode()
    result = decode(tmp_path, data)
    assert result.column("name") == ["a\u2028b\u0085c", "d"]
    assert result.column("_row") == [0, 1]


SAMPLES = [
    b'[{"a":"\xc3\xa9\xf0\x9f\x98\x80\xff\xe2\x80"},{"a":-1.5e+10,"b":[{"c":"]}"}]}, {"a":true}]',
    b' {"n":{"data":[1]},"data" : [ {"a":"\\ud83d\\ude00"} ,\n{"a":null}\n] , "rows":2 } ',
    b'[{"a":1},{"a":2 "b":3},{"a":4}]',
    b'[\n{"a":1},\n{"a":"x\n{"a":4}\n]\n',
    b'[1.5,{"a":1},"x",null,-0.25e-3,[1,2],tru,{"a":3}]',
    b'{"a":1}\n{"a":\n\n{"a":"\xf0\x9f\x98\x80"}',
    b"[]",
    b'{"data":[]}',
    b'[{"a":1}',
    b'[{"a":[1],"b":',
    b'{"data":[{"a":1}]',
    b'[{"a":1}]]',
]


def describe(path: Path) -> list[Any]:
    """Every element with its place, and how reading ended."""
    seen: list[Any] = []
    try:
        for item in read_elements(path, detect_layout(path)):
            seen += [item.value, item.problem, item.position()]
    except DownloadError as error:
        seen.append(str(error))
    return seen


@pytest.mark.parametrize("data", SAMPLES)
def test_where_blocks_end_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(data)
    whole = describe(path)
    for block in range(1, len(data) + 1):
        monkeypatch.setattr(unpack, "BLOCK_BYTES", block)
        assert describe(path) == whole, block


@pytest.mark.parametrize("data", SAMPLES[:4])
def test_place_of_every_record_points_at_its_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(data)
    for element in read_elements(path, detect_layout(path)):
        place = element.position()
        assert data[place.offset :].startswith(place.raw)
        assert place.line == 1 + data[: place.offset].count(b"\n")


def test_window_is_cut_so_that_an_array_is_read_in_the_memory_of_an_element(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 1000)
    path = tmp_path / "file.json"
    path.write_bytes(write_json("array", [{"a": str(number)} for number in range(5000)]))
    longest = 0

    class Watched(json_text.Window):
        def grow(self) -> bool:
            nonlocal longest
            longest = max(longest, len(self.text))
            return super().grow()

    monkeypatch.setattr("connector.decode.json_elements.Window", Watched)
    assert sum(1 for _ in read_elements(path, detect_layout(path))) == 5000
    assert longest < 2500
