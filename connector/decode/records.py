"""What the readers of all file formats give: records as columns of bytes, and rejects.

`_row` is the 0-based ordinal of a record in its file; a record that cannot be read keeps its
ordinal, so the ordinals of the rows around it do not move.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record lies in the unpacked file: 1-based line, 0-based byte offset, its bytes."""

    line: int
    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader goes on: the record's ordinal in the file, its line and byte offset."""

    row: int
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that could not be loaded as it came.

    kind `row`: a whole record (`row` is None, or its ordinal where its position is not known yet);
    kind `cell`: one cell of the loaded row `row`. `home` is the unit, table and ordinal there, where
    those are not the file's own.
    """

    kind: Literal["cell", "row"]
    reason: str
    row: int | None = None
    position: Position | None = None
    field: str = ""
    value: bytes = b""
    home: tuple[str, str, int | None] | None = None

    def move(self, unit: str, table: str, row: int | None) -> "Reject":
        """The reject as one of this unit and table, with its ordinal there."""
        return replace(self, home=(unit, table, row))


Locate = Callable[[int], Position | None]
"""Finds a record by its ordinal in the file."""


@dataclass(frozen=True, slots=True)
class Records:
    """A run of readable records: columns of bytes under the vendor's names, and their ordinals.

    `columns` are binary or string arrays of equal length, NULL where the cell is empty. `rows`
    are the records' ordinals (int64).
    """

    names: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    rows: pa.Array


def escape_bytes(value: bytes) -> str:
    """Bytes as text that can be stored anywhere: bad UTF-8 and NUL become escapes."""
    return value.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
