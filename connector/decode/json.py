"""JSON -> `Records`, streaming: one object with `data`, a bare array, or one object per line.

Numbers are never read: their text goes to the typed cast as it came, so money is exact and ids
keep every digit. A value that is an object or array is kept as the text it was.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import pyarrow as pa

from connector.decode.records import Position, Records, Reject
from connector.decode.unpack import BLOCK_BYTES, open_unpacked, skip_bom
from connector.errors import DownloadError

Layout = Literal["lines", "array", "object"]

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False)
_PROBE_BYTES = 4096
_MOST_TEXT = 1 << 28  # characters one record may take before it counts as broken
_KEY = re.compile(r'[\s,]*"')
_COLON = re.compile(r"\s*:\s*")
_DATA_ARRAY = re.compile(r'"data"\s*:\s*\[')


def detect_layout(path: Path) -> Layout:
    """How the file's records are laid out, by its first bytes."""
    with open_unpacked(path) as stream:
        skip_bom(stream)
        head = stream.read(_PROBE_BYTES).lstrip()
    if head.startswith(b"["):
        return "array"
    for key, opening, _ in _members(head.decode("utf-8", "replace")):
        if key == "data" and opening == "[":
            return "object"
    return "lines"


def _members(text: str) -> Iterator[tuple[str, str, str]]:
    """(key, first character of the value, the value's text) of the object that `text` begins
    with, as far as the text goes; the last value's text is empty where it is cut off.
    """
    at = text.find("{") + 1
    while at > 0 and (opening := _KEY.match(text, at)):
        try:
            key, at = _DECODER.raw_decode(text, opening.end() - 1)
        except ValueError:
            return
        at = _COLON.match(text, at).end()  # type: ignore[union-attr]
        try:
            _, end = _DECODER.raw_decode(text, at)
        except ValueError:
            yield key, text[at : at + 1], ""
            return
        yield key, text[at : at + 1], text[at:end]
        at = end


@dataclass(slots=True)
class _Element:
    """One record's text and value. `place` gives its (line, byte offset); it is asked for where it
    is needed only, and before the next element is read, because it costs a pass over the text.
    """

    text: str
    place: Callable[[], tuple[int, int]]
    value: Any = None
    problem: str = ""

    def position(self) -> Position:
        """Where the record lies, and its bytes."""
        return Position(*self.place(), _to_bytes(self.text))

    def members(self) -> dict[str, Any] | Reject:
        """Cells by name, or why the record cannot be read."""
        if not self.problem and not isinstance(self.value, dict):
            self.problem = "is no JSON object"
        if self.problem:
            return Reject("row", self.problem, position=self.position())
        return cast("dict[str, Any]", self.value)


def read_json(
    path: Path, layout: Layout | Literal["auto"], *, keep_empty: bool
) -> Iterator[Records | Reject]:
    """The file's records in order, and its unreadable ones as rejects of kind `row`.

    Empty, missing and null cells are NULL (`keep_empty`: an empty text stays). Raises DownloadError
    when an array or object is not closed at the end of the file.
    """
    batch = _Batch(keep_empty)
    for row, element in enumerate(_read_elements(path, layout)):
        members = element.members()
        if isinstance(members, Reject):
            yield members
            continue
        batch.add(members, row, element.text)
        if batch.is_full:
            yield batch.take()
    if batch.rows:
        yield batch.take()


def locate_elements(
    path: Path, layout: Layout | Literal["auto"], wanted: set[int]
) -> dict[int, Position]:
    """Positions of the records with the ordinals `wanted`."""
    found: dict[int, Position] = {}
    for row, element in enumerate(_read_elements(path, layout)):
        if row in wanted:
            found[row] = element.position()
            if len(found) == len(wanted):
                break
    return found


def _read_elements(path: Path, layout: Layout | Literal["auto"]) -> Iterator[_Element]:
    layout = detect_layout(path) if layout == "auto" else layout
    with open_unpacked(path) as stream:
        start = skip_bom(stream)
        if layout == "lines":
            yield from _lines(stream, start)
        else:
            yield from _elements(_Text(stream, start), layout)


def _lines(stream: BinaryIO, offset: int) -> Iterator[_Element]:
    """One record a line; lines end at 0x0A only and blank ones are no records."""
    for number, line in enumerate(stream, start=1):
        text = line.decode("utf-8", "surrogateescape").strip(_SPACE)
        if text:
            place = partial(_place_line, number, offset)
            try:
                value, end = _DECODER.raw_decode(text)
            except ValueError as error:
                yield _Element(text, place, problem=f"is no JSON: {error}")
            else:
                problem = "has more text after its JSON value" if end != len(text) else ""
                yield _Element(text, place, value, problem)
        offset += len(line)


def _place_line(line: int, offset: int) -> tuple[int, int]:
    return line, offset


class _Text:
    """A window over a stream's text that grows at its end and is cut at its start."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self._stream = stream
        self._bytes_left = b""
        self.offset = offset
        self.line = 1
        self.text = ""
        self.at = 0
        self.is_ended = False

    def grow(self) -> bool:
        """Read another block; False at the end of the stream."""
        block = self._stream.read(BLOCK_BYTES)
        self.is_ended = not block
        self._cut()
        self.text += self._decode(block)
        return not self.is_ended

    def _cut(self) -> None:
        gone = self.text[: self.at]
        self.offset += len(_to_bytes(gone))
        self.line += gone.count("\n")
        self.text = self.text[self.at :]
        self.at = 0

    def _decode(self, block: bytes) -> str:
        """Text of whole characters; the bytes of a split one wait for the next block."""
        data = self._bytes_left + block
        keep = 0 if self.is_ended else _split_character(data)
        self._bytes_left = data[len(data) - keep :] if keep else b""
        return data[: len(data) - keep].decode("utf-8", "surrogateescape")

    def peek(self) -> str:
        """The next character that is no white space, "" at the end; `at` stands on it."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in _SPACE:
                    return self.text[self.at]
                self.at += 1
            if not self.grow():
                return ""

    def place(self, at: int) -> tuple[int, int]:
        """(line, byte offset) of the character at `at`."""
        before = self.text[:at]
        return self.line + before.count("\n"), self.offset + len(_to_bytes(before))


def _split_character(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 character whose rest has not come yet."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def _elements(text: _Text, layout: Layout) -> Iterator[_Element]:
    """The elements of the array, one at a time."""
    if layout == "object":
        text.peek()
        while not (opening := _DATA_ARRAY.search(text.text, text.at)):
            if not text.grow():
                raise DownloadError("the JSON document ends before its data")
        text.at = opening.end() - 1
    elif text.peek() != "[":
        raise DownloadError("the JSON document is no array")
    text.at += 1
    while (character := text.peek()) != "]":
        if character == ",":
            text.at += 1
        elif character == "":
            raise DownloadError("the JSON array is not closed: the file is not whole")
        else:
            yield _take_element(text)


def _take_element(text: _Text) -> _Element:
    """The element at the window's place, which may need more text to be whole."""
    while True:
        try:
            value, end = _DECODER.raw_decode(text.text, text.at)
        except json.JSONDecodeError as error:
            if _may_be_cut(error, text) and text.grow():
                continue
            return _skip_broken(text, error.msg)
        if end == len(text.text) and text.grow():
            continue  # a number could go on in the next block
        start, text.at = text.at, end
        return _Element(text.text[start:end], partial(text.place, start), value)


def _may_be_cut(error: json.JSONDecodeError, text: _Text) -> bool:
    """True where more text could make the element whole."""
    is_at_end = error.pos >= len(text.text) - len("\\ud800\\udc00")
    return len(text.text) - text.at < _MOST_TEXT and (is_at_end or "Unterminated" in error.msg)


def _skip_broken(text: _Text, problem: str) -> _Element:
    """Pass over an element that is no JSON: up to the next line that opens an object."""
    start = text.at
    cut = text.text.find("\n{", start + 1)
    end = cut if cut >= 0 else text.text.rfind("]")
    if end <= start:
        raise DownloadError(f"the JSON array cannot be read on: {problem}")
    text.at = end
    broken = text.text[start:end].rstrip(_SPACE).rstrip(",")
    return _Element(broken, partial(text.place, start), problem=f"is no JSON: {problem}")


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
        records = Records(tuple(self._columns), arrays, pa.array(self.rows, pa.int64()))
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
    return next((raw for key, _, raw in _members(text) if key == name), None)


def _to_array(column: list[str | None]) -> pa.Array:
    try:
        return pa.array(column, pa.string())
    except UnicodeEncodeError:
        values = [None if value is None else _to_bytes(value) for value in column]
        return pa.array(values, pa.binary())


def _to_bytes(text: str) -> bytes:
    """The bytes the text was read from; a lone surrogate spelled as an escape keeps its code."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
