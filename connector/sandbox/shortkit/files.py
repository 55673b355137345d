"""Rows -> the bytes of a JSONL or CSV file, broken records among them where faults ask for it.

Lone surrogates U+DC80..U+DCFF stand for bytes that are not UTF-8.
"""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.shortkit.rows import Values

_BASE = (
    *("event", "contentId", "userId", "timestamp", "sessionId", "deviceType", "deviceId"),
    *("country", "currentTime"),
)
_LATER_BASE = (*("type", "content_id", "user_id", "session_id", "device_type", "device_id"),)


def write_jsonl(rows: Sequence[Values], broken: Mapping[int, str], newline: str) -> bytes:
    """One object per line; `broken` says which records (by ordinal) are unreadable, and how."""
    end = "\r\n" if newline == "crlf" else "\n"
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
    for number, how in broken.items():
        lines[number] = _break_line(lines[number], how)
    text = end.join(lines) + end if lines else ""
    return text.encode("utf-8", "surrogateescape")


def write_csv(
    rows: Sequence[Values], broken: Mapping[int, str], newline: str, header: str
) -> bytes:
    """The header and a line per row; `header` is `bare` or `data`, which puts `data.` before."""
    prefix = "data." if header == "data" else ""
    flat = [_flatten(row, prefix) for row in rows]
    columns = _list_columns(flat)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n" if newline == "crlf" else "\n")
    writer.writerow(columns)
    for number, row in enumerate(flat):
        cells = [row.get(column, "") for column in columns]
        writer.writerow(_break_cells(cells, broken.get(number, "")))
    return out.getvalue().encode("utf-8", "surrogateescape")


def pack(body: bytes, members: int) -> bytes:
    """A gzip file of so many members."""
    step = max(1, -(-len(body) // max(1, members)))
    pieces = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
    return b"".join(gzip.compress(piece, 1, mtime=0) for piece in pieces)


def _flatten(row: Values, prefix: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in row.items():
        if name == "data" and isinstance(value, dict):
            cells |= {prefix + key: _write_cell(item) for key, item in value.items()}
        else:
            cells[name] = _write_cell(value)
    return cells


def _list_columns(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The base columns, then those of the data in the order they are met."""
    seen = dict.fromkeys(name for row in rows for name in row)
    later = [name for name in _LATER_BASE if name in seen]
    base = [name for name in _BASE if name in seen or name != "currentTime"]
    return [*base, *later, *(name for name in seen if name not in {*base, *later})]


def _write_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _break_line(line: str, how: str) -> str:
    if how == "broken":
        return line[: len(line) // 2]
    if how == "utf8":
        return line[:-1] + ',"bad":"\udcff\udcc3"}'
    return {"scalar": "42", "array": "[1,2]", "blank": ""}[how]


def _break_cells(cells: list[str], how: str) -> list[str]:
    if how == "utf8":
        return [cells[0] + "\udcff\udcc3", *cells[1:]]
    if how == "broken":
        return [*cells, "one", "two, too many"]
    return cells[:1] if how else cells
