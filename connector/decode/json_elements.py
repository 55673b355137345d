"""The records of a JSON file in any of its layouts, the broken ones among them.

A broken line ends where it ends. Where a broken element of an array ends is found out from what
follows it, so that it costs no other record.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from connector.decode.json_text import LOOKAHEAD, SPACE, Window, decode, explain, to_bytes
from connector.decode.records import Place, Position, Reject
from connector.errors import DownloadError
from connector.unpack import open_unpacked, skip_bom, skip_bytes

Layout = Literal["lines", "array", "object"]

_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|["{}\[\],]', re.DOTALL)
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]|\\.)*")\s*:')
_INDENT = re.compile(r"\n[ \t]*\Z")


@dataclass(slots=True)
class Element:
    """One record's text and value. `place` gives its (line, byte offset); it is asked for where it
    is needed only, and before the next element is read, because it costs a pass over the text.
    """

    text: str
    place: Callable[[], tuple[int, int]]
    value: Any = None
    problem: str = ""

    def position(self) -> Position:
        """Where the record lies, and its bytes."""
        return Position(*self.place(), to_bytes(self.text))

    def members(self) -> dict[str, Any] | Reject:
        """Cells by name, or why the record cannot be read."""
        if not self.problem and not isinstance(self.value, dict):
            self.problem = "is no JSON object"
        if self.problem:
            return Reject("row", self.problem, position=self.position())
        return cast("dict[str, Any]", self.value)


def read_elements(path: Path, layout: Layout, start: Place | None = None) -> Iterator[Element]:
    """The records in order, from `start` on. Raises DownloadError when an array or object is not
    closed at the end of the file, or when the file goes on after it.
    """
    with open_unpacked(path) as stream:
        if start:
            skip_bytes(stream, start.offset)
        line, offset = (start.line, start.offset) if start else (1, skip_bom(stream))
        if layout == "lines":
            yield from read_lines(stream, line, offset)
            return
        window = Window(stream, line, offset)
        if not start:
            _open_array(window, layout)
        yield from _elements(window, layout)


def find_first(path: Path, layout: Layout) -> Place:
    """Where the first record is to be. Raises DownloadError where there is no array."""
    with open_unpacked(path) as stream:
        offset = skip_bom(stream)
        if layout == "lines":
            return Place(0, 1, offset)
        window = Window(stream, 1, offset)
        _open_array(window, layout)
        window.peek()
        return Place(0, *window.place(window.at))


def detect_layout(path: Path) -> Layout:
    """How the file's records are laid out: an array, an object with an array under `data`, or
    anything else a line.
    """
    with open_unpacked(path) as stream:
        window = Window(stream, 1, skip_bom(stream))
        if window.peek() == "[":
            return "array"
        return "object" if _find_data(window) else "lines"


def _find_data(window: Window) -> bool:
    """Go to the array under the key `data` of the object at hand; False where there is none."""
    if window.peek() != "{":
        return False
    window.at += 1
    try:
        return any(key == "data" and window.peek() == "[" for key in _keys(window))
    except ValueError:
        return False


def _keys(window: Window) -> Iterator[str]:
    """The keys of the object the window stands in, its place at the value of each; goes to the
    object's end. Raises ValueError where it cannot be read.
    """
    while (character := window.peek()) != "}":
        if character == ",":
            window.at += 1
            continue
        key = window.take()
        if window.peek() != ":":
            raise ValueError("a key has no value")
        window.at += 1
        window.peek()
        yield key
        window.take()


def read_lines(stream: BinaryIO, line: int, offset: int) -> Iterator[Element]:
    """One record a line; lines end at 0x0A only and blank ones are no records."""
    for number, raw in enumerate(stream, start=line):
        text = raw.decode("utf-8", "surrogateescape").strip(SPACE)
        if text:
            place = partial(_place_line, number, offset)
            try:
                value, end = decode(text)
            except ValueError as error:
                yield Element(text, place, problem=explain(error, 0))
            else:
                problem = "has more text after its JSON value" if end != len(text) else ""
                yield Element(text, place, value, problem)
        offset += len(raw)


def _place_line(line: int, offset: int) -> tuple[int, int]:
    return line, offset


def _open_array(window: Window, layout: Layout) -> None:
    """Go to the first element of the array."""
    if layout == "object" and not _find_data(window):
        raise DownloadError("the JSON document has no array under the key `data`")
    if window.peek() != "[":
        raise DownloadError("the JSON document is no array")
    window.at += 1


def _elements(window: Window, layout: Layout) -> Iterator[Element]:
    """The elements of the array from the window's place on, one at a time."""
    indent = ""
    while (character := window.peek()) != "]":
        if character == "":
            raise DownloadError("the JSON array is not closed: the file is not whole")
        if character == ",":
            window.at += 1
            continue
        if not indent and (found := _INDENT.search(window.text, max(0, window.at - 80), window.at)):
            indent = found.group()
        yield _take_element(window, layout, indent)
    window.at += 1
    _check_end(window, layout)


def _check_end(window: Window, layout: Layout) -> None:
    """Raise DownloadError unless the document ends as it should after its array."""
    try:
        if layout == "object":
            for _ in _keys(window):
                continue
            window.at += 1
    except ValueError as error:
        line, _ = window.place(window.at)
        reason = getattr(error, "msg", error)
        raise DownloadError(f"the JSON document is not closed, line {line}: {reason}") from None
    if window.peek():
        raise DownloadError("the file goes on after its JSON document")


def _take_element(window: Window, layout: Layout, indent: str) -> Element:
    """The element at the window's place."""
    try:
        value, end = window.read()
    except ValueError as error:
        return _skip_broken(window, layout, indent, explain(error, window.at))
    start = window.at
    after = window.text[end : end + LOOKAHEAD].lstrip(SPACE)
    if after and after[0] not in ",]{":
        return _skip_broken(window, layout, indent, "has more text after its JSON value")
    window.at = end
    return Element(window.text[start:end], partial(window.place, start), value)


def _skip_broken(window: Window, layout: Layout, indent: str, problem: str) -> Element:
    """Pass over an element that is no JSON, however much text that takes."""
    while (end := _find_end(window.text, window.at, indent)) is None and window.grow():
        pass
    start = window.at
    if end is None:
        end = window.text.rfind("]", start)
        if end <= start or not _is_closed(window.text[end + 1 :], layout):
            raise DownloadError(
                f"the JSON array is broken and cannot be read on after line"
                f" {window.place(start)[0]}: its record {problem}"
            )
    window.at = end
    broken = window.text[start:end].rstrip(SPACE + ",")
    return Element(broken, partial(window.place, start), problem=problem)


def _is_closed(rest: str, layout: Layout) -> bool:
    """True when `rest` is what may follow the array at the end of the document."""
    rest = rest.strip(SPACE)
    if layout == "array":
        return not rest
    try:
        _, end = decode(opened := "{" + rest.removeprefix(","))
    except ValueError:
        return False
    return end == len(opened)


def _find_end(text: str, start: int, indent: str) -> int | None:
    """Where the broken element at `start` ends, or None when the text does not tell.

    It ends before a line that begins as elements do; where its brackets close before a comma or the
    array's end; where an object follows a comma in an object. Where its quotes do not pair it ends
    before an object that begins with the same key.
    """
    line = text.find(f"{indent or chr(10)}{{", start + 1)
    most = line if line >= 0 else len(text)
    opened: list[str] = []
    comma = -1
    for found in _MARK.finditer(text, start, most):
        mark, end = found.group(), found.end()
        follower = text[end : end + 1]
        if len(mark) > 1 and follower and follower not in SPACE + ",:]}":
            same = _find_same(text, start, found.start(), most)
            return line if same is None and line >= 0 else same
        if mark == '"':
            break
        if not opened and mark in ",]":
            return found.start()
        if mark == "{" and opened[-1:] == ["{"] and comma >= 0:
            return comma
        if mark in "{[":
            opened.append(mark)
        elif mark in "}]":
            opened = opened[:-1]
            if not opened and text[end:most].lstrip(SPACE)[:1] in {",", "]"}:
                return end
        comma = found.start() if mark == "," else -1
    return line if line >= 0 else None


def _find_same(text: str, start: int, at: int, most: int) -> int | None:
    """The comma before the next object that begins with the key the one at `start` begins with."""
    if not (first := _FIRST_KEY.match(text, start)):
        return None
    found = re.compile(r",\s*\{\s*" + re.escape(first[1]) + r"\s*:").search(text, at, most)
    return found.start() if found else None
