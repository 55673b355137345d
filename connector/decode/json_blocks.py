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


def read_blocks(path: Path, start: Place) -> Iterator[Block]:
    """The lines of an array from `start` on, as far as each of them holds one record."""
    comma, closing = b",", b"},"
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
        pa.scalar(data, pa.binary()).cast(pa.string())  # raises where it is not UTF-8
    except ValueError:  # Arrow's and Unicode's errors are such, too
        return None
    columns = read_texts(data, len(records), tuple(first), keep_empty=keep_empty)
    if columns is None:
        return None
    names = tuple(escape_bytes(to_bytes(name)) for name in columns)
    return Records(names, tuple(columns.values()), pa.array(block.rows, pa.int64()))


def read_texts(
    data: bytes | pa.Buffer,
    count: int,
    names: Sequence[str],
    numbers: frozenset[str] = frozenset(),
    *,
    keep_empty: bool,
) -> dict[str, pa.Array] | None:
    """The columns of `count` records, as texts; None where a value is neither a text nor null, nor a
    number where the name is one of `numbers`.
    """
    kinds = [pa.float64() if name in numbers else pa.string() for name in names]
    try:
        schema = pa.schema(zip(names, kinds, strict=True))
    except UnicodeEncodeError:  # a lone surrogate
        return None
    table = read_json(data, count, schema, "error") if names else None
    if table is None:
        return None
    columns = {
        name: column.combine_chunks().cast(pa.string())
        for name, column in zip(names, table.columns, strict=True)
    }
    return columns if keep_empty else {name: _to_null(item) for name, item in columns.items()}


def read_json(
    data: bytes | pa.Buffer, count: int, schema: pa.Schema, unexpected: str
) -> pa.Table | None:
    """What Arrow reads, if that is `count` records; fields beside the schema are an "error", or one
    may "ignore" them.
    """
    try:
        table = pajson.read_json(
            pa.BufferReader(data),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pajson.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior=unexpected
            ),
        )
    except ValueError:
        return None
    return table if table.num_rows == count else None


def _to_null(column: pa.Array) -> pa.Array:
    """The texts with NULL for the empty ones; only the validity is new, no text is copied."""
    is_present = pc.fill_null(pc.not_equal(pc.binary_length(column), 0), fill_value=False)
    _, offsets, texts = column.buffers()
    validity = is_present.buffers()[1]
    return pa.Array.from_buffers(column.type, len(column), [validity, offsets, texts])
