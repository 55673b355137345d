"""Both JSON readers are one: what the fast one gives, the exact one would have given."""

import json as stdjson
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import unpack
from connector.decode import json
from connector.decode.json_blocks import Block, parse_block, read_blocks
from connector.decode.json_elements import Layout, find_first, read_elements
from connector.decode.json_lines import JsonLines, LineBlock, parse_lines
from connector.decode.json_records import Batch
from connector.decode.nested import Nested
from connector.decode.records import Place, Records, Reject
from connector.errors import DownloadError
from tests.unit.decode.samples import decode

PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SPELLED = st.builds(
    lambda text, ascii_: stdjson.dumps(text, ensure_ascii=ascii_), PLAIN, st.booleans()
)
ODD_VALUES = [
    rb'"\ud800"',
    rb'"\udc00x"',
    rb'"\ud83d\ude00"',
    rb'"\uD83D\uDE00"',
    rb'"\u0000"',
    rb'"\/\b\f\"\\"',
    rb'"\x"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xe2\x80\xa8\xc2\x85"',
    b'"\x00"',
    b'"\x01\x7f"',
    b'"a\nb"',
    b'"},\n{"',
    b'"\r"',
    b'""',
    b"null",
    b"true",
    b"-0",
    b"13278911961594196248",
    b"1.10",
    b"1e400",
    b"NaN",
    b'{"a":"1"}',
    b'{\n"a":{}}',
    b'["x",\n1]',
    b'[{"a":"1"},\n{"a":"2"}]',
    b"/**/1",
    b"",
]
VALUES = SPELLED.map(str.encode) | st.sampled_from(ODD_VALUES)
KEYS = st.sampled_from(
    [b'"a"', b'"b"', b'"c"'] * 4 + [rb'"\u0061"', rb'"\u0000"', b'""', rb'"\ud800"']
)
RECORDS = st.lists(
    st.tuples(KEYS, VALUES), max_size=3, unique_by=lambda member: member[0]
) | st.lists(st.tuples(KEYS, VALUES), max_size=3)
PLAIN_RECORDS = st.tuples(SPELLED, SPELLED).map(
    lambda cells: [(b'"a"', cells[0].encode()), (b'"b"', cells[1].encode())]
)
BETWEEN = st.sampled_from([b",\n"] * 12 + [b",", b",\r\n", b", \n", b"\n", b",\n\n", b"\n,", b" "])
FRAMES: list[tuple[Layout, bytes, bytes, bytes]] = [
    ("object", b'{\n"data" :\n[\n', b",\n", b"\n]\n}\n"),
    ("object", b'\xef\xbb\xbf{"rows":2,"data":[', b",\n", b'],"more":[{},\n{},\n{}]}'),
    ("object", b'{"data":[\n', b",\n", b",\n]}"),
    ("array", b"[", b",\n", b"]"),
    ("array", b"[\n", b",\n", b"\n"),
    ("lines", b"", b"\n", b"\n"),
    ("lines", b"\xef\xbb\xbf", b"\n", b""),
]
BLOCKS = st.sampled_from([16, 40, 100, 4096])
Seen = tuple[list[str], dict[int, dict[str, bytes | None]], list[Any], str]


def spell(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"{" + b",".join(key + b":" + value for key, value in members) + b"}"


def gather(items: Iterable[Records | Reject]) -> Seen:
    """Names, cells of the rows by ordinal, rejects, and how reading ended."""
    names: dict[str, None] = {}
    rows: dict[int, dict[str, bytes | None]] = {}
    rejects = []
    ending = ""
    try:
        for item in items:
            if isinstance(item, Reject):
                rejects.append((item.reason, item.position))
                continue
            names |= dict.fromkeys(item.names)
            for row in item.rows.to_pylist():
                rows[row] = {}
            for name, column in zip(item.names, item.columns, strict=True):
                column.validate(full=True)
                cells = column.cast(pa.binary()).to_pylist()
                for row, cell in zip(item.rows.to_pylist(), cells, strict=True):
                    if cell is not None:
                        rows[row][name] = cell
    except DownloadError as error:
        ending = str(error)
    return list(names), rows, rejects, ending


def open_file(
    path: Path, layout: Layout, nested: Nested | None = None
) -> json.JsonFile | JsonLines:
    """The reader of that layout."""
    return JsonLines(path, nested) if layout == "lines" else json.JsonFile(path, layout)


def read_exactly(path: Path, layout: Layout, *, keep_empty: bool) -> Iterator[Records | Reject]:
    """What the records are, each read by itself."""
    for row, element in enumerate(read_elements(path, layout)):
        members = element.members()
        if isinstance(members, Reject):
            yield members
            continue
        batch = Batch(keep_empty)
        batch.add(members, row, element.text)
        yield batch.take()


def check_both(data: bytes, layout: Layout, block_bytes: int, *, keep_empty: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpack, "BLOCK_BYTES", block_bytes)
        path = Path(folder) / "file.txt"
        path.write_bytes(data)
        file = open_file(path, layout)
        fast = gather(file.read(keep_empty=keep_empty))
        exact = gather(read_exactly(path, layout, keep_empty=keep_empty))
        if fast[3] or exact[3]:
            assert fast[3] == exact[3]
            return
        assert fast == exact
        places = {
            row: element.position() for row, element in enumerate(read_elements(path, layout))
        }
        assert file.locate(set(places)) == places


def take_fast(path: Path, layout: Layout) -> list[tuple[Block, Records | None]]:
    """The blocks of an array, and what the fast reader makes of them."""
    blocks = read_blocks(path, find_first(path, layout))
    return [(block, parse_block(block, keep_empty=False)) for block in blocks]


def take_fast_lines(path: Path) -> list[tuple[LineBlock, dict[str, pa.Array] | None]]:
    """The blocks of a file of lines, and what the fast reader makes of them."""
    blocks = JsonLines(path)._blocks()
    return [(block, parse_lines(block, nested=None, keep_empty=False)) for block in blocks]


@given(
    st.sampled_from(FRAMES), st.lists(PLAIN_RECORDS | RECORDS, max_size=6), BLOCKS, st.booleans()
)
def test_documents_of_one_record_a_line_are_read_alike(
    frame: tuple[Layout, bytes, bytes, bytes],
    records: list[list[tuple[bytes, bytes]]],
    block_bytes: int,
    keep_empty: bool,
) -> None:
    layout, opening, between, closing = frame
    data = opening + between.join(map(spell, records)) + closing
    check_both(data, layout, block_bytes, keep_empty=keep_empty)


@given(
    st.sampled_from(FRAMES),
    st.lists(st.tuples(PLAIN_RECORDS | RECORDS, BETWEEN), max_size=6),
    BLOCKS,
    st.integers(0, 10_000),
    st.sampled_from(
        [b"", b"\n", b'"', b"{", b"}", b"},\n{", b"]", b",", b"\x00", b"\xff", b"x", b"\\"]
    ),
)
def test_whatever_is_between_the_records_is_read_alike(
    frame: tuple[Layout, bytes, bytes, bytes],
    records: list[tuple[list[tuple[bytes, bytes]], bytes]],
    block_bytes: int,
    at: int,
    noise: bytes,
) -> None:
    layout, opening, _, closing = frame
    body = b"".join(spell(record) + between for record, between in records)
    at %= len(body) + 1
    check_both(opening + body[:at] + noise + body[at:] + closing, layout, block_bytes)


@pytest.mark.parametrize(("layout", "opening", "between", "closing"), [FRAMES[0], FRAMES[3]])
def test_what_vendors_send_is_read_fast_but_for_the_last_record(
    tmp_path: Path, layout: Layout, opening: bytes, between: bytes, closing: bytes
) -> None:
    record = rb'{"a":"\u00e9\"","b":"","c":null}'
    path = tmp_path / "file.txt"
    path.write_bytes(opening + between.join([record] * 10) + closing)
    ((block, records),) = take_fast(path, layout)
    assert records
    assert len(block.lines) >= 9
    assert records.names == ("a", "b", "c")
    assert [column.to_pylist()[0] for column in records.columns] == ['é"', None, None]


@pytest.mark.parametrize(("opening", "closing"), [(b"", b"\n"), (b"\xef\xbb\xbf", b"")])
def test_lines_that_vendors_send_are_read_fast(
    tmp_path: Path, opening: bytes, closing: bytes
) -> None:
    record = rb'{"a":"\u00e9\"","b":"","c":null}'
    path = tmp_path / "file.txt"
    path.write_bytes(opening + b"\n".join([record] * 10) + closing)
    first, *rest = take_fast_lines(path)
    assert (first[0].line, first[0].offset) == (1, len(opening))
    assert len(rest) == (not closing)  # a line without an end is a block of its own
    cells: dict[str, list[str | None]] = {"a": [], "b": [], "c": []}
    for _, columns in (first, *rest):
        assert columns
        for name, column in columns.items():
            cells[name] += column.to_pylist()
    assert cells == {"a": ['é"'] * 10, "b": [None] * 10, "c": [None] * 10}


ODD_LINES = pytest.mark.parametrize(
    "odd",
    [
        b'{"a":1}',
        b'{"a":true}',
        b'{"a":{}}',
        b'{"a":[]}',
        b'{"a":"1","a":"2"}',
        b'{"a":"1","\\u0061":"2"}',
        b'{"new":"1"}',
        b'{"a":"\xff"}',
        b'{"a":"\x00"}',
        rb'{"a":"\ud800"}',
        rb'{"a":"\udc00"}',
        b'{"a":"1"}{"a":"2"}',
        b'{"a":"1"}}',
        b'{"a":"1"}\x00',
        b'{"a":"1"',
        b'\xef\xbb\xbf{"a":"1"}',
        b'\x0c{"a":"1"}',
    ],
)


@ODD_LINES
@pytest.mark.parametrize("place", [0, 1])
def test_fast_reader_leaves_a_block_it_might_read_otherwise(
    tmp_path: Path, odd: bytes, place: int
) -> None:
    lines = [b'{"a":"1"}'] * 4
    lines[place] = odd
    path = tmp_path / "file.txt"
    path.write_bytes(b"[\n" + b",\n".join([*lines, b""]) + b"]")
    for block, records in take_fast(path, "array"):
        assert records is None or odd not in block.lines


@ODD_LINES
@pytest.mark.parametrize("place", [0, 1, 3])
def test_fast_reader_leaves_lines_it_might_read_otherwise(odd: bytes, place: int) -> None:
    lines = [b'{"a":"1"}'] * 4
    lines[place] = odd
    block = LineBlock(b"\n".join([*lines, b""]), 1, 0)
    assert parse_lines(block, nested=None, keep_empty=False) is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"1"} {"a":"2"}\n\n{"a":"3"}\n',
        b'{"a":"1"}{"a":"2"}{"a":"3"}\n\n \n',
        b'{"a":\n"1"}{"a":"2"}\n',
        b'{"a":"1"}{"a":\n"2"}\n',
        b'{"a":"1"\n}{"a":"2"}\n',
        b'\n{"a":"1"}{"a":"2"}\n',
        b' {"a":"1"}{"a":"2"}\n \n',
    ],
)
@pytest.mark.parametrize("block_bytes", [8, 4096])
def test_as_many_records_as_lines_are_not_one_each(data: bytes, block_bytes: int) -> None:
    check_both(data, "lines", block_bytes)


def test_odd_record_costs_the_fast_reader_its_block_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 1000)
    result = decode(tmp_path, b'{"data":[' + b",\n".join(make_odd_lines()) + b"]}")
    assert result.column("amount") == list(range(500))
    assert result.column("_row") == list(range(500))
    assert result.decoded.drift == {"new"}
    taken = take_fast(tmp_path / "file.txt", "object")
    assert sum(records is None for _, records in taken) == 1
    assert sum(len(block.lines) for block, _ in taken) >= 499


def test_odd_line_costs_the_fast_reader_its_block_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 1000)
    result = decode(tmp_path, b"\n".join([*make_odd_lines(), b""]))
    assert result.column("amount") == list(range(500))
    assert result.column("_row") == list(range(500))
    assert result.decoded.drift == {"new"}
    taken = take_fast_lines(tmp_path / "file.txt")
    assert sum(columns is None for _, columns in taken) == 1
    assert sum(block.data.count(b"\n") for block, _ in taken) == 500
    for block, _ in taken:  # blocks of whole lines, each where it says
        before = (tmp_path / "file.txt").read_bytes()[: block.offset]
        assert block.line == before.count(b"\n") + 1


def make_odd_lines() -> list[bytes]:
    """500 records, one of which has a number, and a key nobody knows."""
    lines = [b'{"name":"n%d","amount":"%d"}' % (number, number) for number in range(500)]
    lines[200] = b'{"name":"x","amount":200,"new":[1]}'
    return lines


def test_record_of_more_than_a_few_blocks_is_left_to_the_exact_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 100)
    large = b'{"name":"' + b"x" * 1_000_000 + b'"}'
    data = b"[" + b",\n".join([b'{"name":"a"}', b'{"name":"b"}', large, b'{"name":"c"}']) + b"]"
    assert [len(name) for name in decode(tmp_path, data).column("name")] == [1, 1, 1_000_000, 1]
    ((block, _),) = take_fast(tmp_path / "file.txt", "array")
    assert block.end == Place(2, 3, len(b'[{"name":"a"},\n{"name":"b"},\n'))


def test_bad_cells_are_found_in_blocks_and_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "BLOCK_BYTES", 64)
    lines = [b'{"amount":"%d"}' % number for number in range(40)]
    for place in (0, 7, 39):
        lines[place] = b'{"amount":"x"}'
    data = b'{"data":[\n' + b",\n".join(lines) + b"\n]}"
    result = decode(tmp_path, data)
    offsets = {place: 10 + sum(len(line) + 2 for line in lines[:place]) for place in (0, 7, 39)}
    expected = [("cell", place, place + 2, offset) for place, offset in offsets.items()]
    assert sorted(result.places(), key=str) == sorted(expected, key=str)
