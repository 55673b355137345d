"""Lines with an object in them: it is cut out to the letter, and the rest is what it would be if each
record were read by itself.
"""

import json as stdjson
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import unpack
from connector.decode.cast import cast_column
from connector.decode.json_elements import read_elements
from connector.decode.json_lines import JsonLines, LineBlock, parse_lines
from connector.decode.nested import Nested
from connector.decode.records import Records, Reject
from connector.fields import load_tables
from tests.unit.decode.test_json_properties import ODD_VALUES, SPELLED, read_exactly

NUMBER = load_tables("shortkit")["quality"].by_name["currentTime"]
NESTED = Nested(
    field="data",
    kinds={"position": "number"},
    own=frozenset({"event", "type", "userId", "timestamp", "currentTime"}),
    numbers=frozenset({"currentTime"}),
    members_of={},
    event=("event", "type"),
)
DEEP = b'{"a":' * 5 + b'{"b":[]}' + b"}" * 5
DATA = [
    b'{"position":0}',
    b"{}",
    b'{ "a" : { "b" : [ { "c" : "}" } ] } }',
    b'{"a":"\\"data\\":{"}',
    b'{"a":"},{\\"data\\":"}',
    b'{"data":{"data":{}},"x":"{\\\\"}',
    b'{"a":1.10,"b":1e5,"c":-0,"d":13278911961594196248}',
    b'{"a":"\xe2\x80\xa8\xc2\x85"}',
    rb'{"a":"\ud83d\ude00\/\u0000"}',
    DEEP,
]
ODD_DATA = [
    b"null",
    b"[1,2]",
    b'"text"',
    b'"{}"',
    b"12",
    b"true",
    b'{"a":1,}',
    b'{"a":1}}',
    b'{"a":[1}',
    b'{"a":"x}',
    b"{a:1}",
    b'{"a":01}',
    b'{"a":NaN}',
    b'{"a":1}{"b":2}',
    b",{}]}",
    b'{"a":[{}',
    b'{"a":"\x00"}',
    b'{"a":"\xff"}',
    rb'{"a":"\ud800"}',
    b"",
]
TEXTS = SPELLED.map(str.encode) | st.sampled_from(
    [b'"\\"data\\":{\\"a\\":1}"', b'"data"', b'"x,"', b'"{"', b'"}}"', b'",\\"data\\":"', b'"\\\\"']
)
NUMBERS = st.sampled_from([b"1.10", b"-0", b"12", b"1e400", b"1e-400", b"1E5", b"null", b'"1.5"'])
OWN_KEYS = st.sampled_from([b'"event"', b'"userId"', b'"timestamp"', b'"type"'])
ODD_KEYS = st.sampled_from(
    [b'"new"', rb'"d\u0061ta"', rb'"\"data"', b'"Data"', b'""', rb'"\ud800"', rb'"\u0065vent"']
)
OWN = st.tuples(OWN_KEYS, TEXTS)
ODD = st.one_of(
    st.tuples(OWN_KEYS, st.sampled_from(ODD_VALUES)),
    st.tuples(ODD_KEYS, TEXTS | st.sampled_from(DATA)),
    st.tuples(st.just(b'"data"'), st.sampled_from(ODD_DATA)),
)
INNER = st.tuples(st.just(b'"data"'), st.sampled_from(DATA))
TIME = st.tuples(st.just(b'"currentTime"'), NUMBERS)
COLON = st.sampled_from([b":"] * 8 + [b": ", b" : ", b"\t:\t", b"", b"::", b"\x0c:", b":\x0b"])
COMMA = st.sampled_from(
    [b","] * 12 + [b", ", b" ,", b" , ", b"\t,", b",,", b", ,", b"", b" ", b"\x0c,", b",\x0b"]
)
OPENING = st.sampled_from([b"{"] * 12 + [b" {", b"{ ", b"{,", b"{ ,", b"", b"{{", b"\xef\xbb\xbf{"])
CLOSING = st.sampled_from(
    [b"}"] * 12 + [b" }", b",}", b", }", b"}}", b"", b"} ", b"\x0b}", b"}\x00"]
)
ENDING = st.sampled_from(
    [b"\n"] * 12 + [b"\r\n", b"\n\n", b"\n \n", b" ", b"", b"\r", b"\xe2\x80\xa8"]
)
BLOCKS = st.sampled_from([16, 40, 100, 500, 4096])


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A record in any order, most of them whole."""
    members = draw(st.lists(OWN, max_size=3, unique_by=lambda member: member[0]))
    if draw(st.integers(0, 3)):
        members.insert(draw(st.integers(0, len(members))), draw(INNER))
    if not draw(st.integers(0, 4)):
        members.append(draw(TIME))
    if draw(st.integers(0, 9)) == 9:
        members.insert(draw(st.integers(0, len(members))), draw(ODD | INNER | OWN))
    text = draw(OPENING)
    for place, (key, value) in enumerate(members):
        text += (draw(COMMA) if place else b"") + key + draw(COLON) + value
    return text + draw(CLOSING)


@st.composite
def plain_records(draw: st.DrawFn) -> bytes:
    """A record as the vendor writes them."""
    members = draw(st.lists(OWN, max_size=3, unique_by=lambda member: member[0]))
    members.insert(draw(st.integers(0, len(members))), draw(INNER))
    return b"{" + b",".join(key + b":" + value for key, value in members) + b"}"


Cells = dict[int, dict[str, Any]]


def read(items: Iterable[Records | Reject]) -> tuple[Cells, list[Any], set[str]]:
    """Cells of the rows by ordinal, whatever is no row, and the names that nobody knows. Numbers are
    compared as what they are loaded as.
    """
    rows: Cells = {}
    rejects: list[Any] = []
    unknown: set[str] = set()
    for item in items:
        if isinstance(item, Reject):
            rejects.append((item.reason, item.position))
            continue
        ordinals = item.rows.to_pylist()
        assert rows.keys().isdisjoint(ordinals)
        rows |= {row: {} for row in ordinals}
        unknown |= set(item.names) - NESTED.own - {NESTED.field}
        for name, column in zip(item.names, item.columns, strict=True):
            column.validate(full=True)
            cells = column.cast(pa.binary()).to_pylist()
            if name in NESTED.numbers:
                typed, wrong = cast_column(column, NUMBER, item.rows)
                rejects += [(cell.reason, cell.row, cell.value) for cell in wrong]
                cells = typed.to_pylist()
            for row, cell in zip(ordinals, cells, strict=True):
                if cell is not None:
                    rows[row][name] = repr(cell)
    return rows, sorted(rejects, key=repr), unknown


def check(data: bytes, block_bytes: int = 4096, *, keep_empty: bool = False) -> None:
    """The reader gives what each record read by itself gives, and finds it again."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpack, "BLOCK_BYTES", block_bytes)
        path = Path(folder) / "file.txt"
        path.write_bytes(data)
        file = JsonLines(path, NESTED)
        found = read(file.read(keep_empty=keep_empty))
        assert found == read(read_exactly(path, "lines", keep_empty=keep_empty))
        places = {
            row: element.position() for row, element in enumerate(read_elements(path, "lines"))
        }
        assert file.locate(set(places)) == places


def parse(*lines: bytes) -> dict[str, pa.Array] | None:
    return parse_lines(LineBlock(b"\n".join([*lines, b""]), 1, 0), nested=NESTED, keep_empty=False)


@given(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(plain_records() | records(), ENDING), max_size=6),
    BLOCKS,
    st.booleans(),
)
@settings(max_examples=400)
def test_records_are_read_as_each_would_be_by_itself(
    opening: bytes, lines: list[tuple[bytes, bytes]], block_bytes: int, keep_empty: bool
) -> None:
    data = opening + b"".join(line + ending for line, ending in lines)
    check(data, block_bytes, keep_empty=keep_empty)


@given(
    st.lists(plain_records(), min_size=1, max_size=5),
    st.integers(0, 10_000),
    st.sampled_from(
        [b"\n", b'"', b"{", b"}", b",", b":", b'"data":', b',"data":{}', b"\x00", b"\xff", b"\\"]
    ),
    st.integers(0, 3),
)
@settings(max_examples=300)
def test_damage_is_read_as_it_would_be_by_itself(
    lines: list[bytes], at: int, noise: bytes, lost: int
) -> None:
    data = b"\n".join(lines)
    at %= len(data) + 1
    check(data[:at] + noise + data[at + lost :])


@pytest.mark.parametrize("data", [*DATA, *ODD_DATA])
@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"a","data":%s}',
        b'{"event":"a", "data": %s }',
        b'{"data":%s,"event":"a"}',
        b'{"data" : %s , "event":"a"}',
        b'{"event":"a","data":%s,"userId":"u"}',
        b'{"data":%s}',
        b'{"data":{"x":1},"event":"a","data":%s}',
        b'{"event":{"data":%s}}',
        b'{"event":"a","userId":"u",  "data":%s\t}',
    ],
)
def test_whatever_stands_there_in_place_of_the_object(line: bytes, data: bytes) -> None:
    good = b'{"event":"b","data":{"y":2}}'
    check(b"\n".join([good, line % data, good, b""]))


@pytest.mark.parametrize(
    "data",
    [
        b'{"event":"a"} {"event":"b"}\n\n{"event":"c"}\n',
        b'{"event":\n"a"}{"event":"b"}\n',
        b'{,"data":{"a":1}}\n',
        b'{ ,"data":{"a":1}}\n',
        b'{ ,"data":{"a":1}}\n{"data":{},"event":"x"}\n',
        b'{,"data":{"a":1}}\n{"data":{},"event":"x"}\n',
        b'{"data":{"a":1},}\n',
        b'{"data":{"a":1}, }\n',
        b'{"event":"a",\x0c"data":{"a":1}}\n',
        b'{"event":"a","data":{"a":1}\x0b}\n',
        b'{"data":{"a":1}\n}{"event":"x"}\n',
        b'{"data":{"a":[{}}\n{"data":,{}]}}\n{"data":{"x":1}{"y":2}}\n',
        b'{"event":"a","data":{"a":[{}}\n{"event":"a","data":,{}]}}\n{"data":{"x":1}{"y":2}}\n',
    ],
)
def test_pieces_of_broken_lines_never_make_a_whole(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([b'{"event":"a","data":{"x": 1.10 }}'], 1),
        ([b'{"event":"a","data":{}}', b'{"event":"b"}'], 2),
        ([b'{"event":"a", "data": {"x":1} }', b'{"data":{"x":2},"event":"b"}'], 2),
        ([b'{"event":"a","data":{"x":1},"currentTime":1.5}'], 1),
        ([b'{"userId":"\\"data\\":{","event":"a","data":{"x":"}}"}}'], 1),
    ],
)
def test_what_vendors_send_is_read_fast(lines: list[bytes], count: int) -> None:
    columns = parse(*lines)
    assert columns
    assert {len(column) for column in columns.values()} == {count}
    check(b"\n".join(lines))


def test_object_is_kept_to_the_letter() -> None:
    inner = b'{ "b":1.10 ,"a":\t"\xc3\xa9\\u00e9", "b":[ ] }'
    columns = parse(b'{"data": %s , "event":"a"}' % inner, b'{"event":"b","data":%s}' % inner)
    assert columns
    assert columns["data"].to_pylist() == [inner.decode()] * 2
    assert columns["event"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize("levels", [10, 400, 600, 900, 1_500, 100_000])
@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: b"[" + text + b"]"])
def test_object_of_any_depth_is_taken_or_refused_as_by_itself(
    levels: int, wrap: Callable[[bytes], bytes]
) -> None:
    deep = b'{"a":' + wrap(b"[" * levels + b"]" * levels) + b"}"
    check(b'{"event":"a","data":{"x":1}}\n{"event":"b","data":%s}\n' % deep)


def test_long_object_with_many_members_is_whole() -> None:
    members = {f"m{number}": {"at": [number]} for number in range(600)}
    inner = stdjson.dumps(members, separators=(",", ":")).encode()
    check(b'{"event":"a","data":%s}\n{"event":"b","data":%s}\n' % (inner, inner))


def test_line_of_several_megabytes_costs_no_more_than_itself(tmp_path: Path) -> None:
    text = "x\u2028" * 1_250_000
    large = stdjson.dumps({"event": "big", "data": {"t": text}}, ensure_ascii=False).encode()
    assert len(large) > 5_000_000 - 100
    small = b'{"event":"a","data":{"x":1}}'
    path = tmp_path / "file.txt"
    path.write_bytes(b"\n".join([small, large, b"broken", small, b""]))
    file = JsonLines(path, NESTED)
    tracemalloc.start()
    rows, rejects, _ = read(file.read(keep_empty=False))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(rows) == [0, 1, 3]
    assert len(rows[1]["data"]) > len(large) - 100
    ((_, position),) = rejects
    assert (position.line, position.offset) == (3, len(small) + len(large) + 2)
    assert file.locate({3})[3].offset == position.offset + len(b"broken\n")
    assert peak_bytes < 100_000_000


def test_a_line_ends_at_its_newline_only() -> None:
    odd = '{"event":"a\u2028b\u0085\x7f","data":{"t":"\u2029"}}'.encode()
    columns = parse(odd, odd)
    assert columns
    assert columns["event"].to_pylist() == ["a\u2028b\x85\x7f"] * 2
    check(odd + b"\r\n" + odd + b"\n\n" + odd)
