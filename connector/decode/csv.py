"""CSV (RFC 4180) -> `Records`: a fast reader, and an exact one that takes over where it must.

The fast reader is Arrow's, in 4 MB blocks. It gives up at a record with a wrong number of cells,
at one that is larger than a block, and at bytes it would read otherwise than the exact reader (the
standard library's, fed with bytes). That one then starts again and passes over the records already
given, so both must agree on what a record is.
"""

import csv
import re
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pacsv

from connector.decode.records import Position, Records, Reject, escape_bytes
from connector.errors import DownloadError
from connector.unpack import BLOCK_BYTES, SMALL_BYTES, open_unpacked, skip_bom

AHEAD = 3
EXACT_BATCH_BYTES = 8 << 20
_LATIN = "latin-1"  # one character a byte: the csv module splits bytes without reading them
_RETURN = "\u0100"  # stands for a carriage return that is data, which the csv module would refuse
_LONE_RETURN = re.compile(r"\r(?=[^\n])")

csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True, slots=True)
class Header:
    """The first record: `names` as they came (a name may occur twice) and its size in bytes."""

    names: tuple[str, ...]
    size: int
    lines: int


@dataclass(slots=True)
class ExactRecord:
    """One record as the exact reader sees it."""

    cells: list[str]
    position: Position

    @property
    def is_blank(self) -> bool:
        """True for an empty line, which is no record unless there is one column only."""
        return not self.cells


def read_header(path: Path) -> Header | None:
    """The header record, or None when the file holds nothing at all."""
    with open_unpacked(path) as stream:
        bom = skip_bom(stream)
        for record in _read_exactly(stream, bom, 1):
            names = tuple(escape_bytes(_to_bytes(cell)) for cell in record.cells)
            raw = record.position.raw
            return Header(names, bom + len(raw), raw.count(b"\n"))
    return None


def read_csv(path: Path, header: Header, *, keep_empty: bool) -> Iterator[Records | Reject]:
    """The file's records in order, and its unreadable ones as rejects of kind `row`.

    Empty cells are NULL, unless `keep_empty`. Of a name that occurs twice the first column is
    taken.
    """
    given = 0
    for kind in (pa.string(), pa.binary()):
        try:
            for records in _read_fast(path, header, kind, given, keep_empty=keep_empty):
                given += len(records.rows)
                yield records
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                break
        else:
            return
    yield from _read_from(path, header, given, keep_empty=keep_empty)


def _taken(names: tuple[str, ...]) -> dict[str, int]:
    """Column positions by name, the first one where a name occurs twice."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        positions.setdefault(name, position)
    return positions


def _read_fast(
    path: Path, header: Header, kind: pa.DataType, given: int, *, keep_empty: bool
) -> Iterator[Records]:
    """Arrow's reader, from the record with ordinal `given` on; raises ArrowInvalid at the first
    block it cannot take: as text (`kind`) one with bytes that are no UTF-8, too.
    """
    taken = _taken(header.names)
    unique = [str(position) for position in range(len(header.names))]
    is_small = path.stat().st_size <= SMALL_BYTES
    open_csv = _read_whole if is_small else _read_ahead
    start = 0
    with open_unpacked(path) as unpacked:
        unpacked.read(header.size)
        for batch in open_csv(
            _Watched(unpacked),
            read_options=pacsv.ReadOptions(
                block_size=BLOCK_BYTES, column_names=unique, use_threads=not is_small
            ),
            parse_options=pacsv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=len(unique) > 1
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=True,
                column_types=dict.fromkeys(unique, kind),
                include_columns=[str(position) for position in taken.values()],
                null_values=[""],
                strings_can_be_null=not keep_empty,
                quoted_strings_can_be_null=not keep_empty,
            ),
        ):
            first = max(0, given - start)
            rows = pa.array(range(start + first, start + batch.num_rows), pa.int64())
            start += batch.num_rows
            if len(rows):
                yield Records(tuple(taken), tuple(batch.slice(first).columns), rows)


def _read_whole(stream: "_Watched", **options: Any) -> list[pa.RecordBatch]:
    """A small file at once, which spares the reader's threads."""
    return list(pacsv.read_csv(stream, **options).to_batches())


def _read_ahead(stream: "_Watched", **options: Any) -> Iterator[pa.RecordBatch]:
    """Batches of a large file; the next ones are read while one is worked on."""
    reader = pacsv.open_csv(stream, **options)
    with ThreadPoolExecutor(1, thread_name_prefix="csv") as pool:
        coming = deque(pool.submit(next, reader, None) for _ in range(AHEAD))
        while (batch := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, reader, None))
            yield batch


class _Watched:
    """A stream that Arrow reads like the exact reader, or that ends with ArrowInvalid.

    The two differ where a carriage return stands alone outside quotes, which is a record's end to
    Arrow and data to us, and where the file ends inside quotes, which an odd number of quotes tells
    of (one more stray quote hides it: the last cell is then loaded as far as it goes).
    """

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._quotes = 0
        self._ends_in_return = False

    def read(self, size: int = -1) -> bytes:
        """The next block."""
        block = self._stream.read(size)
        self._quotes += block.count(b'"')
        if (b"\r" in block or self._ends_in_return) and self._has_lone_return(block):
            raise pa.ArrowInvalid("a carriage return stands alone")
        if not block and self._quotes % 2:
            raise pa.ArrowInvalid("the file may end inside quotes")
        return block

    def _has_lone_return(self, block: bytes) -> bool:
        returns = block.count(b"\r") + self._ends_in_return
        pairs = block.count(b"\r\n") + (self._ends_in_return and block.startswith(b"\n"))
        self._ends_in_return = block.endswith(b"\r")
        return bool(block) and returns > pairs + self._ends_in_return

    def close(self) -> None:
        """Close the stream."""
        self.closed = True
        self._stream.close()


def _read_from(
    path: Path, header: Header, start: int, *, keep_empty: bool
) -> Iterator[Records | Reject]:
    """The exact reader, from the record with ordinal `start` on."""
    taken = _taken(header.names)
    width = len(header.names)
    batch: list[list[str]] = []
    rows: list[int] = []
    size = 0
    with open_unpacked(path) as stream:
        stream.read(header.size)
        row = -1
        for record in _read_exactly(stream, header.size, header.lines + 1):
            if record.is_blank and width > 1:
                continue
            row += 1
            if row < start:
                continue
            cells = record.cells or [""]
            if len(cells) != width:
                reason = f"has {len(cells)} cells where the header has {width}"
                yield Reject("row", reason, position=record.position)
                continue
            batch.append(cells)
            rows.append(row)
            size += len(record.position.raw)
            if size >= EXACT_BATCH_BYTES:
                yield _to_records(batch, rows, taken, keep_empty=keep_empty)
                batch, rows, size = [], [], 0
    if rows:
        yield _to_records(batch, rows, taken, keep_empty=keep_empty)


def _to_records(
    batch: list[list[str]], rows: list[int], taken: dict[str, int], *, keep_empty: bool
) -> Records:
    columns = [
        pa.array(
            [_to_bytes(cells[at]) if cells[at] or keep_empty else None for cells in batch],
            pa.binary(),
        )
        for at in taken.values()
    ]
    return Records(tuple(taken), tuple(columns), pa.array(rows, pa.int64()))


def _to_bytes(cell: str) -> bytes:
    """The bytes of a cell of the exact reader."""
    try:
        return cell.encode(_LATIN)
    except UnicodeEncodeError:
        return cell.replace(_RETURN, "\r").encode(_LATIN)


def _read_exactly(stream: BinaryIO, offset: int, line: int) -> Iterator[ExactRecord]:
    """Records with their positions; `offset` and `line` are those of the stream's next byte."""
    consumed: list[bytes] = []
    is_ended = False

    def feed() -> Iterator[str]:
        nonlocal is_ended
        for chunk in stream:
            consumed.append(chunk)
            text = chunk.decode(_LATIN)
            has_return = b"\r" in chunk.removesuffix(b"\r\n")
            yield _LONE_RETURN.sub(_RETURN, text) if has_return else text
        is_ended = True

    for cells in csv.reader(feed()):
        if is_ended:  # the record was not over when the last line was
            raise DownloadError(
                f"the file ends inside a quoted cell of the record in line {line}: it is not whole"
            )
        raw = b"".join(consumed)
        consumed.clear()
        yield ExactRecord(cells, Position(line, offset, raw))
        offset += len(raw)
        line += raw.count(b"\n")


def locate_records(path: Path, header: Header, wanted: set[int]) -> dict[int, Position]:
    """Positions of the records with the ordinals `wanted`."""
    found: dict[int, Position] = {}
    with open_unpacked(path) as stream:
        stream.read(header.size)
        row = -1
        for record in _read_exactly(stream, header.size, header.lines + 1):
            if record.is_blank and len(header.names) > 1:
                continue
            row += 1
            if row in wanted:
                found[row] = record.position
                if len(found) == len(wanted):
                    break
    return found
