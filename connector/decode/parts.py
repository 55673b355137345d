"""The files of one unit, read as one: a file, or a folder whose files are its parts in name order.

Each part is a file with its own CSV header, or its own JSON document: its columns are found by its own
names. Ordinals go on from one part to the next.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import pyarrow.compute as pc

from connector.decode import csv, json
from connector.decode.day_rows import DayRows
from connector.decode.json_elements import detect_layout
from connector.decode.json_lines import JsonLines
from connector.decode.nested import Nested
from connector.decode.records import Position, Records, Reject
from connector.errors import DownloadError
from connector.unpack import list_parts, open_unpacked, read_opening

FileFormat = Literal["csv", "json"]
_TOLD_NAMES = 6  # of the columns in which two parts differ


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a source that change how its files are read.

    `json_layout` forces a JSON layout; `keep_empty` keeps empty texts apart from NULL;
    `exact_header` refuses CSV whose header is not the unit's `field_names`, in their order. Where it
    is off, the columns of parts may differ in their order, and an empty file is a part without rows.
    `guards_header` refuses CSV most of whose columns nobody asked for: it has no header. `nested` is
    the object that a row may hold: a file is CSV where its header names fields of such a row, JSON
    otherwise. `day_rows` says how rows find their units where a file is loaded by days.
    """

    json_layout: Literal["auto", "lines", "object", "array"] = "auto"
    keep_empty: bool = False
    exact_header: bool = False
    guards_header: bool = False
    nested: Nested | None = None
    day_rows: DayRows | None = None


@dataclass(slots=True)
class Part:
    """One file of a unit; `label` is its place among several (`2/4`), "" where it is the only one.

    `header` is None for JSON, and for an empty file. `first_row` is the ordinal its first record
    has in the unit, `rows` how many records were read.
    """

    path: Path
    label: str
    format: FileFormat
    header: csv.Header | None
    options: Options
    json_file: json.JsonFile | JsonLines | None = None
    first_row: int = 0
    rows: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the CSV header."""
        return self.header.names if self.header else ()

    @property
    def is_empty(self) -> bool:
        """True for a file without a byte, or with white space only."""
        return self.format == "csv" and self.header is None

    @property
    def received_from(self) -> str:
        """Format and part, as `_received_from` has it."""
        return f"{self.format} {self.label}".rstrip()

    def read(self, first_row: int) -> Iterator[Records | Reject]:
        """Its records, the first of them with the ordinal `first_row`, and its unreadable ones."""
        self.first_row, self.rows = first_row, 0
        for item in self._read():
            if isinstance(item, Reject):
                self.rows += 1
                yield self.name_in(item)
            else:
                self.rows += len(item.rows)
                yield replace(item, rows=pc.add(item.rows, first_row)) if first_row else item

    def _read(self) -> Iterator[Records | Reject]:
        keep_empty, nested = self.options.keep_empty, self.options.nested
        if self.format == "json":
            layout = self.options.json_layout
            layout = detect_layout(self.path) if layout == "auto" else layout
            is_lines = layout == "lines"
            file = JsonLines(self.path, nested) if is_lines else json.JsonFile(self.path, layout)
            self.json_file = file
            return file.read(keep_empty=keep_empty)
        if self.header is None:
            return iter(())
        found = csv.read_csv(self.path, self.header, keep_empty=keep_empty)
        return _fold(found, nested) if nested else found

    def locate(self, wanted: set[int]) -> dict[int, Position]:
        """Positions within this file of its records among the ordinals `wanted`."""
        own = {row - self.first_row for row in wanted if 0 <= row - self.first_row < self.rows}
        found: dict[int, Position] = {}
        if own and self.json_file:
            found = self.json_file.locate(own)
        elif own and self.header:
            found = csv.locate_records(self.path, self.header, own)
        return {row + self.first_row: position for row, position in found.items()}

    def name_in(self, reject: Reject) -> Reject:
        """The reject, with this part in its reason: lines and offsets begin anew in each part."""
        return (
            replace(reject, reason=f"{reject.reason} (part {self.label})") if self.label else reject
        )


def open_parts(path: Path, options: Options) -> list[Part]:
    """The parts of a unit in order. Raises DownloadError where there are none, and where one is
    not of the same format and columns as the first.
    """
    paths = list_parts(path)
    if not paths:
        raise DownloadError(f"{path.name} is a folder without files: no part of the unit is there")
    labels = [f"{number}/{len(paths)}" for number in range(1, len(paths) + 1)]
    parts = [
        _open_part(path, label if len(paths) > 1 else "", options)
        for path, label in zip(paths, labels, strict=True)
    ]
    first = first_with_names(parts)
    for part in parts:
        if part is not first:
            _check_alike(first, part)
    return parts


def first_with_names(parts: Sequence[Part]) -> Part:
    """The part the others must be like: the first one that has columns, where empty ones may be."""
    filled = (part for part in parts if part.options.exact_header or not part.is_empty)
    return next(filled, parts[0])


def _open_part(path: Path, label: str, options: Options) -> Part:
    """CSV unless the first byte opens a JSON value; an empty file is an empty CSV."""
    opening = read_opening(path)
    if opening in (b"{", b"["):
        return Part(path, label, "json", None, options)
    header = csv.read_header(path) if opening else None
    if header and options.nested and options.nested.own.isdisjoint(header.names):
        _check_has_object(path)
        return Part(path, label, "json", None, options)  # its first line is broken
    return Part(path, label, "csv", header, options)


def _check_has_object(path: Path) -> None:
    """Raise DownloadError where no line opens an object: an error text is no data."""
    with open_unpacked(path) as stream:
        if not any(line.lstrip()[:1] == b"{" for line in stream):
            raise DownloadError(
                f"{path.name}: its first line names no field of a row, and no line of it is an object:"
                " what came is not the unit's file"
            )


def _fold(found: Iterator[Records | Reject], nested: Nested) -> Iterator[Records | Reject]:
    """The records with the object that CSV has flattened."""
    for item in found:
        yield item if isinstance(item, Reject) else nested.fold(item)


def _check_alike(first: Part, part: Part) -> None:
    is_exact = part.options.exact_header
    if part.is_empty and not is_exact:
        return
    if part.format != first.format:
        raise DownloadError(
            f"part {part.label} is {part.format}, part {first.label} {first.format}"
        )
    compare = compare_names if is_exact else _compare_sets
    if difference := compare(first.names, part.names):
        raise DownloadError(
            f"part {part.label} has other columns than part {first.label}: {difference};"
            " parts of two files do not make one"
        )


def _compare_sets(expected: Sequence[str], names: Sequence[str]) -> str:
    """What `names` lack of `expected` and have beside them, in words; "" where only the order differs."""
    lacking, added = Counter(expected) - Counter(names), Counter(names) - Counter(expected)
    told = [f"{name!r} is missing" for name in lacking] + [f"{name!r} is new" for name in added]
    more = len(told) - _TOLD_NAMES
    return ", ".join(told[:_TOLD_NAMES] + ([f"and {more} more"] if more > 0 else []))


def compare_names(expected: Sequence[str], names: Sequence[str]) -> str:
    """The first column in which `names` are not `expected`, in words; "" where they are equal."""
    for number, (name, found) in enumerate(zip_longest(expected, names), start=1):
        if name is None:
            return f"column {number} is {found!r}, which should not be there"
        if found is None:
            return f"column {number} is missing, it should be {name!r}"
        if name != found:
            return f"column {number} is {found!r}, it should be {name!r}"
    return ""
