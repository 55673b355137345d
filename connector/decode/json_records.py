"""JSON objects that were read one by one -> `Records`."""

import re
from typing import Any

import pyarrow as pa

from connector.decode.json_text import decode, to_bytes
from connector.decode.records import Records, escape_bytes

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20
_KEY = re.compile(r'[\s,]*(?=")')
_COLON = re.compile(r"\s*:\s*")


class Batch:
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
