"""JSON -> `Records`, streaming: one object with `data`, a bare array, or one object per line.

A fast reader takes blocks of lines with one record each. From the first line on that it cannot tell
the end of, the exact reader takes over, with the same ordinals and places.

Numbers are never read: their text goes to the typed cast as it came, so money is exact and ids
keep every digit. A value that is an object or array is kept as the text it was.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from connector.decode.ahead import work_ahead
from connector.decode.json_blocks import Block, parse_block, read_blocks
from connector.decode.json_elements import (
    Element,
    Layout,
    detect_layout,
    find_first,
    read_elements,
)
from connector.decode.json_text import decode, to_bytes
from connector.decode.records import Place, Position, Records, Reject, escape_bytes

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20
_KEY = re.compile(r'[\s,]*(?=")')
_COLON = re.compile(r"\s*:\s*")


class JsonFile:
    """A JSON file that is read once; its records can be found after that."""

    def __init__(self, path: Path, layout: Layout | Literal["auto"]) -> None:
        self._path = path
        self._layout = detect_layout(path) if layout == "auto" else layout
        self._exact_from: Place | None = None

    def read(self, *, keep_empty: bool) -> Iterator[Records | Reject]:
        """The file's records in order, and its unreadable ones as rejects of kind `row`.

        Empty, missing and null cells are NULL (`keep_empty`: an empty text stays). Raises
        DownloadError when an array or object is not closed at the end of the file.
        """
        parse = partial(parse_block, keep_empty=keep_empty)
        for block, parsed in work_ahead(self._blocks(), parse):
            records = parsed or read_lines(block, keep_empty=keep_empty)
            if records is None:
                break
            self._exact_from = block.end
            yield records
        yield from self._read_exactly(keep_empty=keep_empty)

    def _blocks(self) -> Iterator[Block]:
        is_array = self._layout != "lines"
        return read_blocks(self._path, find_first(self._path, self._layout), is_array=is_array)

    def _read_exactly(self, *, keep_empty: bool) -> Iterator[Records | Reject]:
        batch = _Batch(keep_empty)
        for row, element in self._elements():
            members = element.members()
            if isinstance(members, Reject):
                yield members
                continue
            batch.add(members, row, element.text)
            if batch.is_full:
                yield batch.take()
        if batch.rows:
            yield batch.take()

    def _elements(self) -> Iterator[tuple[int, Element]]:
        """The records the fast reader did not take, with their ordinals."""
        first = self._exact_from.row if self._exact_from else 0
        return enumerate(read_elements(self._path, self._layout, self._exact_from), start=first)

    def locate(self, wanted: set[int]) -> dict[int, Position]:
        """Positions of the records with the ordinals `wanted`."""
        found: dict[int, Position] = {}
        end = self._exact_from.row if self._exact_from else 0
        for block in self._blocks():
            if block.start.row >= end or len(found) == len(wanted):
                break
            found |= block.locate(wanted)
        for row, element in self._elements() if len(found) < len(wanted) else ():
            if row in wanted:
                found[row] = element.position()
                if len(found) == len(wanted):
                    break
        return found


def read_lines(block: Block, *, keep_empty: bool) -> Records | None:
    """The records of a block by the exact reader's own decoder, or None where a line is no record
    of its own, so that nobody but that reader can tell where the next one begins.
    """
    batch = _Batch(keep_empty)
    for row, line in zip(block.rows, block.records(), strict=True):
        text = line.decode("utf-8", "surrogateescape")
        try:
            value, end = decode(text)
        except ValueError:
            return None
        if end != len(text) or not isinstance(value, dict):
            return None
        batch.add(value, row, text)
    return batch.take()


class _Batch:
    """Records gathered into columns; columns a record does not have are NULL in its row."""

    def __init__(self, keep_empty: bool) -> None:
        self._absent = (None,) if keep_empty else (None, "")
        self._columns: dict[str, list[str | None]] = {}
        self.rows: list[int] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= BATCH_ROWS or self._size >= BATCH_BYTES

    def add(self, members: dict[str, Any], row: int, text: str) -> None:
        count = len(self.rows)
        for name, value in members.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = []
            if len(column) < count:
                column.extend([None] * (count - len(column)))
            cell = value if value.__class__ is str else _spell(value, name, text)
            column.append(None if cell in self._absent else cell)
        self.rows.append(row)
        self._size += len(text)

    def take(self) -> Records:
        """The records so far; the batch is empty after."""
        count = len(self.rows)
        for column in self._columns.values():
            column.extend([None] * (count - len(column)))
        arrays = tuple(_to_array(column) for column in self._columns.values())
        names = tuple(escape_bytes(to_bytes(name)) for name in self._columns)
        records = Records(names, arrays, pa.array(self.rows, pa.int64()))
        self._columns, self.rows, self._size = {}, [], 0
        return records


def _spell(value: Any, name: str, text: str) -> str | None:
    """A native JSON value as the text a CSV cell would have: an object or array exactly as it
    stands in the record.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _texts(text).get(name)


def _texts(record: str) -> dict[str, str]:
    """The text of each value of the object `record`, by key."""
    texts: dict[str, str] = {}
    at = record.index("{") + 1
    while opening := _KEY.match(record, at):
        key, at = decode(record, opening.end())
        at = _COLON.match(record, at).end()  # type: ignore[union-attr] # the record was read before
        _, end = decode(record, at)
        texts.setdefault(key, record[at:end])
        at = end
    return texts


def _to_array(column: list[str | None]) -> pa.Array:
    try:
        return pa.array(column, pa.string())
    except UnicodeEncodeError:
        values = [None if value is None else to_bytes(value) for value in column]
        return pa.array(values, pa.binary())
