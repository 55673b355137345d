"""Both CSV readers are one: whatever the bytes, they agree on every record."""

import csv as stdcsv
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from connector.decode import csv
from connector.decode.records import Records, Reject
from connector.errors import DownloadError

Row = tuple[bytes | None, ...]
CELLS = st.text(st.sampled_from('ab,"\r\n\x00\x85 ü'), max_size=6) | st.text(
    st.characters(max_codepoint=255), max_size=6
)
GARBAGE = st.lists(
    st.sampled_from([b"a", b'"', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b" "]), max_size=20
).map(b"".join)


def gather(items: Iterable[Records | Reject]) -> tuple[dict[int, Row], list[bytes]]:
    """Loaded rows by ordinal, and the bytes of the rejected records."""
    rows: dict[int, Row] = {}
    rejected = []
    for item in items:
        if isinstance(item, Reject):
            assert item.position
            rejected.append(item.position.raw)
        else:
            cells = zip(
                *(column.cast(pa.binary()).to_pylist() for column in item.columns), strict=True
            )
            rows.update(zip(item.rows.to_pylist(), cells, strict=True))
    return rows, rejected


def read_both(
    data: bytes, *, keep_empty: bool = False
) -> tuple[tuple[dict[int, Row], list[bytes]], ...]:
    """What `read_csv` gives, and what the exact reader gives alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.txt"
        path.write_bytes(data)
        header = csv.read_header(path)
        assert header
        fast = gather(csv.read_csv(path, header, keep_empty=keep_empty))
        exact = gather(csv._read_from(path, header, 0, keep_empty=keep_empty))
        found = csv.locate_records(path, header, set(exact[0]))
    assert set(found) == set(exact[0])
    return fast, exact


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, list[list[str]]]:
    width = draw(st.integers(1, 4))
    row = st.lists(CELLS, min_size=width, max_size=width)
    return width, draw(st.lists(row, max_size=8))


@given(tables(), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_what_a_csv_writer_wrote_is_read_back_by_both_readers(
    table: tuple[int, list[list[str]]], end: str, quotes_all: bool, keep_empty: bool
) -> None:
    width, rows = table
    text = io.StringIO(newline="")
    # Python quotes a carriage return only where it is part of the line's end
    quotes_all = quotes_all or end == "\n"
    quoting: Literal[0, 1] = stdcsv.QUOTE_ALL if quotes_all else stdcsv.QUOTE_MINIMAL
    writer = stdcsv.writer(text, lineterminator=end, quoting=quoting)
    writer.writerows([[f"h{number}" for number in range(width)], *rows])
    fast, exact = read_both(text.getvalue().encode("latin-1"), keep_empty=keep_empty)
    absent = b"" if keep_empty else None
    expected = [tuple(cell.encode("latin-1") or absent for cell in row) for row in rows]
    assert fast == exact == (dict(enumerate(expected)), [])


def assert_closable(data: bytes) -> None:
    """A file that was refused ends inside quotes: with one more it is whole."""
    closed = list(csv._read_exactly(io.BytesIO(data + b'"\n'), 0, 1))
    assert b"".join(record.position.raw for record in closed) == data + b'"\n'


@given(GARBAGE, st.integers(1, 3))
def test_garbage_loses_no_record_in_either_reader(garbage: bytes, width: int) -> None:
    header = b",".join(b"h%d" % number for number in range(width)) + b"\n"
    try:
        (rows, rejected), (exact_rows, exact_rejected) = read_both(header + garbage)
    except DownloadError:
        assert_closable(garbage)
        return
    ordinals = range(len(rows) + len(rejected))
    assert set(rows) <= set(ordinals)
    assert len(ordinals) == len(exact_rows) + len(exact_rejected)
    for row in rows.keys() & exact_rows.keys():
        assert rows[row] == exact_rows[row]
    if garbage.count(b'"') % 2 == 0 and b'"' not in garbage.replace(b'""', b""):
        assert (rows, rejected) == (exact_rows, exact_rejected)


@given(GARBAGE)
def test_every_byte_of_a_file_is_in_one_record(garbage: bytes) -> None:
    try:
        records = list(csv._read_exactly(io.BytesIO(garbage), 0, 1))
    except DownloadError:
        assert_closable(garbage)
        return
    assert b"".join(record.position.raw for record in records) == garbage
    offset, line = 0, 1
    for record in records:
        assert (record.position.offset, record.position.line) == (offset, line)
        offset += len(record.position.raw)
        line += record.position.raw.count(b"\n")
