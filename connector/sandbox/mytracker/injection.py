"""Exports made up by a test or a benchmark: rows, a body as it is, or files on disk."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.mytracker.asks import Ask
from connector.sandbox.mytracker.building import Part, pack_made
from connector.sandbox.mytracker.device_cells import Cells
from connector.sandbox.mytracker.dictionary import events
from connector.sandbox.mytracker.selecting import passes

_BODIES = ("rows", "body", "body_base64", "path")
_KEYS = frozenset({"event", "since", "until", *_BODIES})


@dataclass(frozen=True, slots=True)
class MadeExport:
    """One made-up export, in place of the population within `[since, until)` of availability.

    Rows go to the requests whose bounds hold their `tsInsert` and `tsEvent` (those without one
    to all); `parts` go whole to the requests the middle of whose bounds lies within.
    """

    event: str
    since: float
    until: float
    rows: tuple[Cells, ...] | None
    parts: tuple[Part, ...]

    def meets(self, ask: Ask) -> bool:
        """True where a request gets it."""
        if ask.event != self.event:
            return False
        low, high = ask.span
        if self.rows is not None:
            return low < self.until and high >= self.since
        return self.since <= (low + high) / 2 < self.until

    def replaces(self, available_at: int) -> bool:
        """True where a row of the population gives way."""
        return self.since <= available_at < self.until

    def select(self, ask: Ask) -> Iterator[Cells]:
        """The rows a request gets."""
        for cells in self.rows or ():
            available_at, occurred_at = (
                read_moment(cells, "tsInsert"),
                read_moment(cells, "tsEvent"),
            )
            is_available = (
                available_at is None
                or ask.availability is None
                or ask.availability.holds(available_at)
            )
            is_within = occurred_at is None or all(t.holds(occurred_at) for t in ask.times)
            if is_available and is_within and self._is_asked(ask, cells) and passes(ask, cells):
                yield cells

    def _is_asked(self, ask: Ask, cells: Cells) -> bool:
        if not (ask.apps or ask.keys) or not cells.keys() & {"idApp", "SDKKey"}:
            return True
        return cells.get("idApp") in ask.apps or cells.get("SDKKey") in ask.keys


def read_moment(cells: Cells, name: str) -> int | None:
    """The unix seconds of a cell; None where it says none."""
    text = cells.get(name, "")
    return int(text) if text.isdecimal() else None


def make_export(declared: Mapping[str, Any]) -> MadeExport:
    """An export from the mapping `POST /_sandbox/raw_exports` takes; ConfigError names a key."""
    if unknown := sorted(set(declared) - _KEYS):
        raise ConfigError(f"raw export: unknown keys {unknown}; known are {sorted(_KEYS)}")
    sources = [key for key in _BODIES if declared.get(key) is not None]
    if len(sources) != 1:
        raise ConfigError(f"raw export: one of {', '.join(_BODIES)} is needed, not {sources}")
    event = str(declared["event"])
    if event not in events():
        raise ConfigError(f"raw export: event {event!r} is none of {', '.join(events())}")
    return MadeExport(
        event=event,
        since=_read_bound(declared.get("since"), float("-inf")),
        until=_read_bound(declared.get("until"), float("inf")),
        rows=_read_rows(declared["rows"]) if sources == ["rows"] else None,
        parts=() if sources == ["rows"] else _read_parts(sources[0], declared[sources[0]]),
    )


def _read_bound(value: object, default: float) -> float:
    return default if value in {None, "any"} else float(str(value))


def _read_rows(rows: object) -> tuple[Cells, ...]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ConfigError("raw export: rows is a list of objects, selector = text")
    return tuple({k: "" if v is None else str(v) for k, v in row.items()} for row in rows)


def _read_parts(source: str, value: Any) -> tuple[Part, ...]:
    """One part, or several where a list is given."""
    values = value if isinstance(value, list | tuple) else [value]
    if source == "path":
        paths = [Path(path) for path in values]
        if gone := [str(path) for path in paths if not path.is_file()]:
            raise ConfigError(f"raw export: path {', '.join(gone)} is no file")
        return tuple(_read_path(path) for path in paths)
    if source == "body":
        bodies = [body if isinstance(body, bytes) else str(body).encode() for body in values]
        return tuple(Part(pack_made(body)) for body in bodies)
    try:
        return tuple(Part(pack_made(base64.b64decode(text, validate=True))) for text in values)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"raw export: body_base64: {error}") from None


def _read_path(path: Path) -> Part:
    """A `.gz` is sent as it is, anything else packed."""
    return Part(path=path) if path.suffix == ".gz" else Part(pack_made(path.read_bytes()))
