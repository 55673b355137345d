"""JSON with one object a line -> `Records`, streaming: a fast reader, and an exact one where it must.

Lines end at 0x0A only, and each stands for itself: a block of lines that the fast reader (Arrow's)
might read otherwise is read line by line, and the next block is fast again.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from connector import unpack
from connector.decode.ahead import work_ahead
from connector.decode.json_blocks import read_texts
from connector.decode.json_elements import read_lines
from connector.decode.json_nested import parse_nested
from connector.decode.json_records import Batch
from connector.decode.json_text import decode, to_bytes
from connector.decode.nested import Nested
from connector.decode.records import Position, Records, Reject, escape_bytes
from connector.unpack import open_unpacked, skip_bom


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines: their bytes, the line number and offset of the first."""

    data: bytes
    line: int
    offset: int


class JsonLines:
    """A file of lines that is read once; its records can be found after that."""

    def __init__(self, path: Path, nested: Nested | None = None) -> None:
        self._path, self._nested = path, nested
        self._starts: list[int] = []  # the ordinal of the first record of each block

    def read(self, *, keep_empty: bool) -> Iterator[Records | Reject]:
        """The file's records in order, and its unreadable ones as rejects of kind `row`.

        Empty, missing and null cells are NULL (`keep_empty`: an empty text stays).
        """
        parse = partial(parse_lines, nested=self._nested, keep_empty=keep_empty)
        row = 0
        for block, columns in work_ahead(self._blocks(), parse):
            self._starts.append(row)
            if columns is None:
                for found in _read_exactly(block, row, keep_empty=keep_empty):
                    row += 1 if isinstance(found, Reject) else len(found.rows)
                    yield found
                continue
            names = tuple(escape_bytes(to_bytes(name)) for name in columns)
            count = len(next(iter(columns.values())))
            rows = pa.array(range(row, row + count), pa.int64())
            row += count
            yield Records(names, tuple(columns.values()), rows)

    def _blocks(self) -> Iterator[LineBlock]:
        line = 1
        with open_unpacked(self._path) as stream:
            offset = skip_bom(stream)
            parts: list[bytes] = []  # of a line, or lines, whose end has not come
            while data := stream.read(unpack.BLOCK_BYTES):
                whole, end, rest = data.rpartition(b"\n")
                if not end:
                    parts.append(data)
                    continue
                block = LineBlock(b"".join([*parts, whole, end]), line, offset)
                parts = [rest] if rest else []
                line += block.data.count(b"\n")
                offset += len(block.data)
                yield block
            if parts:
                yield LineBlock(b"".join(parts), line, offset)

    def locate(self, wanted: set[int]) -> dict[int, Position]:
        """Positions of the records with the ordinals `wanted`."""
        found: dict[int, Position] = {}
        ends = [*self._starts[1:], max(wanted, default=0) + 1]
        for block, start, end in zip(self._blocks(), self._starts, ends, strict=False):
            if len(found) == len(wanted):
                break
            if any(start <= row < end for row in wanted):
                lines = read_lines(io.BytesIO(block.data), block.line, block.offset)
                for row, element in enumerate(lines, start=start):
                    if row in wanted:
                        found[row] = element.position()
        return found


def parse_lines(
    block: LineBlock, *, nested: Nested | None, keep_empty: bool
) -> dict[str, pa.Array] | None:
    """The columns of a block as texts, or None where the exact reader might read it otherwise."""
    data = block.data.removesuffix(b"\n")
    if b"}\r" in data:  # the exact reader passes over white space at the end of a line
        data = data.replace(b"}\r\n", b"}\n").removesuffix(b"\r")
    try:
        text = pa.scalar(data, pa.binary()).cast(pa.string())  # raises where it is not UTF-8
    except pa.ArrowInvalid:
        return None
    if nested:
        return parse_nested(pc.split_pattern(text, "\n").values, nested, keep_empty=keep_empty)
    count = data.count(b"\n") + 1
    if data[:1] != b"{" or data.count(b"\n{") + 1 != count:
        return None  # as many records as lines are one each only where each line opens one
    try:
        first, end = decode(data[: data.find(b"\n")].decode() if count > 1 else data.decode())
    except ValueError:
        return None
    return read_texts(data, count, tuple(first), keep_empty=keep_empty) if end else None


def _read_exactly(block: LineBlock, row: int, *, keep_empty: bool) -> Iterator[Records | Reject]:
    """The records of a block, each line read by itself; the first has the ordinal `row`."""
    batch = Batch(keep_empty)
    lines = read_lines(io.BytesIO(block.data), block.line, block.offset)
    for at, element in enumerate(lines, start=row):
        members = element.members()
        if isinstance(members, Reject):
            if batch.rows:
                yield batch.take()
            yield members
            continue
        batch.add(members, at, element.text)
        if batch.is_full:
            yield batch.take()
    if batch.rows:
        yield batch.take()
