"""JSON with one record a line -> columns, by Arrow's reader, in blocks of whole lines.

This is the fast path for what vendors send. A block is given only where the exact reader would give
the same: each line opens an object and ends with what closes it, Arrow finds as many records as
there are lines, and all their values are texts or null. (Arrow refuses other types, keys that are
not in the first record, keys that occur twice, lone surrogates and control characters in texts; it
does not look whether bytes are UTF-8, so that is done here.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from connector import unpack
from connector.decode.json_text import decode, to_bytes
from connector.decode.records import Place, Position, Records, escape_bytes
from connector.unpack import open_unpacked, skip_bytes

MOST_BLOCKS = 4  # a record that is longer than so many blocks is left to the exact reader


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each of them one record with nothing but `comma` after it."""

    start: Place
    lines: Sequence[bytes]
    comma: bytes

    @property
    def end(self) -> Place:
        """Where the next record begins."""
        start, count = self.start, len(self.lines)
        size = sum(map(len, self.lines)) + count
        return Place(start.row + count, start.line + count, start.offset + size)

    @property
    def rows(self) -> range:
        """The ordinals of the records."""
        return range(self.start.row, self.start.row + len(self.lines))

    def records(self) -> list[bytes]:
        """The bytes of each record."""
        return [line.removesuffix(self.comma) for line in self.lines]

    def locate(self, wanted: set[int]) -> dict[int, Position]:
        """Positions of the records with the ordinals `wanted`."""
        if wanted.isdisjoint(self.rows):
            return {}
        offsets = accumulate((len(line) + 1 for line in self.lines), initial=self.start.offset)
        lines = range(self.start.line, self.start.line + len(self.lines))
        places = map(Position, lines, offsets, self.records())
        return {row: place for row, place in zip(self.rows, places, strict=True) if row in wanted}


def read_blocks(path: Path, start: Place, *, is_array: bool) -> Iterator[Block]:
    """The lines from `start` on, as far as each of them holds one record."""
    comma = b"," if is_array else b""
    closing = b"}" + comma
    rest = b""
    with open_unpacked(path) as stream:
        skip_bytes(stream, start.offset)
        while data := stream.read(unpack.BLOCK_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            whole = list(takewhile(lambda line: line[:1] == b"{" and line.endswith(closing), lines))
            if whole:
                block = Block(start, whole, comma)
                yield block
                start = block.end
            if len(whole) < len(lines) or len(rest) > MOST_BLOCKS * unpack.BLOCK_BYTES:
                return


def parse_block(block: Block, *, keep_empty: bool) -> Records | None:
    """The records of a block, or None where the exact reader might read them otherwise."""
    records = block.records()
    data = b"\n".join(records)
    try:
        first, _ = decode(records[0].decode())
        schema = pa.schema([(name, pa.string()) for name in first])
        pa.scalar(data, pa.binary()).cast(pa.string())  # raises where it is not UTF-8
        table = pajson.read_json(
            pa.BufferReader(data),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pajson.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error"
            ),
        )
    except ValueError:  # Arrow's and Unicode's errors are such, too
        return None
    if table.num_rows != len(records) or not first:
        return None
    columns = [column.combine_chunks() for column in table.columns]
    if not keep_empty:
        columns = [_to_null(column) for column in columns]
    names = tuple(escape_bytes(to_bytes(name)) for name in first)
    return Records(names, tuple(columns), pa.array(block.rows, pa.int64()))


def _to_null(column: pa.Array) -> pa.Array:
    """The texts with NULL for the empty ones; only the validity is new, no text is copied."""
    is_present = pc.fill_null(pc.not_equal(pc.binary_length(column), 0), fill_value=False)
    _, offsets, texts = column.buffers()
    validity = is_present.buffers()[1]
    return pa.Array.from_buffers(column.type, len(column), [validity, offsets, texts])
