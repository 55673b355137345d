"""Exports made up by a test or a benchmark: rows, a body as it is, or a file on disk."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.errors import ConfigError
from connector.fields import load_tables
from connector.sandbox.appmetrica_logs.resources import RESOURCES, SOURCE, Resource
from connector.sandbox.appmetrica_stream.cells import Cells

_KEYS = frozenset(
    {"app", "resource", "since", "until", "rows", "body", "body_base64", "path", "rows_number"}
)
_BODIES = ("rows", "body", "body_base64", "path")


@dataclass(frozen=True, slots=True)
class MadeExport:
    """One made-up export, in place of the population within `[since, until)` (unix seconds).

    Rows are served to the requests whose range holds their receipt, or to all that meet the
    range if they have none; bytes and files to the requests that begin within the range.
    """

    app: int
    resource: Resource
    since: float
    until: float
    rows: tuple[Cells, ...] | None
    body: bytes
    path: Path | None
    rows_number: int | None

    def meets(self, span: tuple[int, int] | None) -> bool:
        """True where a request of this span (None: a snapshot) gets it."""
        if span is None:
            return True
        if self.rows is not None:
            return span[0] < self.until and span[1] >= self.since
        return self.since <= span[0] < self.until

    def replaces(self, received_at: float) -> bool:
        """True where a row of the population gives way to the made-up ones."""
        return self.since <= received_at < self.until

    def rows_within(self, span: tuple[int, int] | None, *, is_by_receipt: bool) -> Iterator[Cells]:
        """The rows a request of this span gets."""
        read = self.received_at if is_by_receipt else self.occurred_at
        for cells in self.rows or ():
            at = read(cells)
            if span is None or at is None or span[0] <= at <= span[1]:
                yield cells

    def received_at(self, cells: Cells) -> int | None:
        """When a row was received (unix seconds), as its cells say; None if they do not."""
        table = load_tables(SOURCE)[self.resource.name]
        return _read_moment(cells, table.receive_time or table.event_time)

    def occurred_at(self, cells: Cells) -> int | None:
        """The same on the device's clock."""
        return _read_moment(cells, load_tables(SOURCE)[self.resource.name].event_time)


def make_export(declared: Mapping[str, Any]) -> MadeExport:
    """An export from the mapping `POST /_sandbox/exports` takes; ConfigError names a wrong key."""
    if unknown := sorted(set(declared) - _KEYS):
        raise ConfigError(f"export: unknown keys {unknown}; known are {sorted(_KEYS)}")
    sources = [key for key in _BODIES if declared.get(key) is not None]
    if len(sources) != 1:
        raise ConfigError(f"export: one of {', '.join(_BODIES)} is needed, not {sources}")
    resource = RESOURCES.get(str(declared["resource"]))
    if resource is None:
        raise ConfigError(f"export: resource {declared['resource']!r} is none of {[*RESOURCES]}")
    path = Path(declared["path"]) if sources == ["path"] else None
    if path is not None and not path.is_file():
        raise ConfigError(f"export: path {path} is no file")
    rows_number = declared.get("rows_number")
    return MadeExport(
        app=int(declared["app"]),
        resource=resource,
        since=_read_bound(declared.get("since"), float("-inf")),
        until=_read_bound(declared.get("until"), float("inf")),
        rows=_read_rows(declared["rows"]) if sources == ["rows"] else None,
        body=_read_body(declared),
        path=path,
        rows_number=None if rows_number is None else int(rows_number),
    )


def _read_moment(cells: Cells, name: str) -> int | None:
    text = cells.get(name, "")
    return int(text) if text.isdecimal() else None


def _read_bound(value: object, default: float) -> float:
    return default if value in {None, "any"} else float(str(value))


def _read_rows(rows: object) -> tuple[Cells, ...]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ConfigError("export: rows is a list of objects, field = text")
    return tuple({k: "" if v is None else str(v) for k, v in row.items()} for row in rows)


def _read_body(declared: Mapping[str, Any]) -> bytes:
    if (body := declared.get("body")) is not None:
        return body if isinstance(body, bytes) else str(body).encode()
    try:
        return base64.b64decode(declared.get("body_base64") or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"export: body_base64: {error}") from None
