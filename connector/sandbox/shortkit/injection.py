"""Exports made up by a test or a benchmark: rows, a body as it is, or a file on disk."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.shortkit.asks import Ask, read_day
from connector.sandbox.shortkit.rows import DATA_TYPES, Values, VideoRow

_BODIES = ("rows", "body", "body_base64", "path")
_KEYS = frozenset({"data_type", "since", "until", "row_count", *_BODIES})
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class MadeExport:
    """One made-up export, in place of the population from day `since` to `until`, both included.

    Rows go to the exports whose days hold their timestamp (those without one to all that share a
    day with it); a body or a file goes, whole, to those that begin within. Days from 1970-01-01.
    """

    data_type: str
    since: int
    until: int
    rows: tuple[VideoRow, ...] | None
    body: bytes = b""
    path: Path | None = None
    row_count: int | None = None

    def meets(self, ask: Ask) -> bool:
        """True where an export gets it, or some rows of it."""
        if self.data_type not in ask.data_types:
            return False
        if self.rows is None:
            return self.since <= ask.first <= self.until
        return True

    def replaces(self, data_type: str, day: int) -> bool:
        """True where the population gives way."""
        return self.data_type == data_type and self.since <= day <= self.until

    def rows_within(self, first: int, last: int) -> Iterator[VideoRow]:
        """Its rows of these days."""
        for row in self.rows or ():
            day = row.day
            if day is None:
                if self.since <= last and first <= self.until:
                    yield row
            elif first <= day <= last:
                yield row


def make_export(declared: Mapping[str, Any]) -> MadeExport:
    """An export from the mapping `POST /_sandbox/video_exports` takes; ConfigError names a key."""
    if unknown := sorted(set(declared) - _KEYS):
        raise ConfigError(f"video export: unknown keys {unknown}; known are {sorted(_KEYS)}")
    sources = [key for key in _BODIES if declared.get(key) is not None]
    if len(sources) != 1:
        raise ConfigError(f"video export: one of {', '.join(_BODIES)} is needed, not {sources}")
    data_type, count = str(declared["data_type"]), declared.get("row_count")
    if data_type not in DATA_TYPES:
        raise ConfigError(f"video export: {data_type!r} is none of {', '.join(DATA_TYPES)}")
    body, path = _read_body(sources[0], declared[sources[0]])
    return MadeExport(
        data_type=data_type,
        since=_read_bound(declared.get("since"), -_NEVER),
        until=_read_bound(declared.get("until"), _NEVER),
        rows=_read_rows(data_type, declared["rows"]) if sources == ["rows"] else None,
        body=body,
        path=path,
        row_count=None if count is None else int(count),
    )


def read_made_stamp(values: Values) -> int | None:
    """The unix seconds of a made-up row's timestamp; None where it says none."""
    try:
        moment = datetime.fromisoformat(str(values.get("timestamp", "")))
        return int(moment.timestamp()) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _read_bound(value: object, default: int) -> int:
    if value in {None, "any"}:
        return default
    try:
        return read_day(str(value)[:10])
    except ValueError as error:
        raise ConfigError(f"video export: {error}") from None


def _read_rows(data_type: str, rows: object) -> tuple[VideoRow, ...]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ConfigError("video export: rows is a list of JSON objects")
    return tuple(
        VideoRow(
            data_type=data_type,  # type: ignore[arg-type]
            user_id=str(row.get("userId", row.get("user_id", ""))),
            stamp=read_made_stamp(dict(row)),
            received_at=0.0,
            rank=(0, number),
            values=dict(row),
            is_made=True,
        )
        for number, row in enumerate(rows)
    )


def _read_body(source: str, value: Any) -> tuple[bytes, Path | None]:
    if source == "path":
        if not Path(value).is_file():
            raise ConfigError(f"video export: path {value} is no file")
        return b"", Path(value)
    if source == "body":
        return value if isinstance(value, bytes) else str(value).encode(), None
    if source == "rows":
        return b"", None
    try:
        return base64.b64decode(value, validate=True), None
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"video export: body_base64: {error}") from None
