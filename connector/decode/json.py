"""JSON -> `Records`, streaming: one object with `data`, or a bare array.

A fast reader takes blocks of lines with one record each. From the first line on that it cannot tell
the end of, the exact reader takes over, with the same ordinals and places.

Numbers are never read: their text goes to the typed cast as it came, so money is exact and ids
keep every digit. A value that is an object or array is kept as the text it was.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from connector.decode.ahead import work_ahead
from connector.decode.json_blocks import Block, parse_block, read_blocks
from connector.decode.json_elements import (
    Element,
    Layout,
    find_first,
    read_elements,
)
from connector.decode.json_records import Batch
from connector.decode.json_text import decode
from connector.decode.records import Place, Position, Records, Reject


class JsonFile:
    """A JSON file that is read once; its records can be found after that."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
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
        return read_blocks(self._path, find_first(self._path, self._layout))

    def _read_exactly(self, *, keep_empty: bool) -> Iterator[Records | Reject]:
        batch = Batch(keep_empty)
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
    batch = Batch(keep_empty)
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
