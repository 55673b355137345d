"""What a finished export is: its files, their declared rows, and the faults in their making."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connector.sandbox.faults import Fault
from connector.sandbox.scenario import ShortKit
from connector.sandbox.shortkit.asks import Ask
from connector.sandbox.shortkit.files import pack, write_csv, write_jsonl
from connector.sandbox.shortkit.naming import rename_row
from connector.sandbox.shortkit.rows import Values

_ROW_TEXT = "one\u2028two\u2029three\u0085four"
_RECORDS = frozenset({"broken", "scalar", "array", "blank", "utf8"})


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its bytes, sent `copies` times over after `head`, or a path on disk."""

    name: str
    body: bytes = b""
    path: Path | None = None
    head: bytes = b""
    copies: int = 1

    @property
    def size(self) -> int:
        """Its length in bytes as it is sent."""
        if self.path is not None:
            return self.path.stat().st_size
        return len(self.head) + len(self.body) * self.copies


@dataclass(frozen=True, slots=True)
class Build:
    """The files of one export. `declared` is the rowCount told; None: none is told."""

    parts: tuple[Part, ...]
    rows: int
    declared: int | None


def build_export(
    ask: Ask, rows: Sequence[Values], faults: Sequence[Fault], settings: ShortKit
) -> Build:
    """The files of the rows chosen for an export, with what its faults do to them."""
    kinds = {fault.kind: fault.params for fault in faults}
    rows = _drop_rows(rows, kinds)
    rows, broken = _spoil_rows(list(rows), faults)
    shape = _Shape(
        ask=ask,
        newline=settings.newline,
        header=str(kinds.get("video_csv_header", {}).get("form", settings.csv_header)),
        members=int(str(kinds.get("video_members", {}).get("members", 1))),
        is_plain="video_plain" in kinds,
        copies=max(1, int(str(kinds.get("video_copies", {}).get("copies", 1)))),
    )
    count = int(str(kinds.get("video_files", {}).get("files", 1)))
    step = max(1, -(-len(rows) // max(1, count)))
    pieces = [rows[at : at + step] for at in range(0, len(rows), step)] or [[]]
    parts = []
    for number, piece in enumerate(pieces):
        own = {n - number * step: how for n, how in broken.items() if n // step == number}
        name = f"data.{ask.suffix}" if count == 1 else f"data.{number}.{ask.suffix}"
        parts.append(shape.write(name, piece, own))
    total = len(rows) * shape.copies
    declared = kinds.get("video_row_count", {"off_by": 0, "absent": False})
    told = None if declared["absent"] else total + int(str(declared["off_by"]))
    return Build(tuple(parts), total, told)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the files of one export are spelled."""

    ask: Ask
    newline: str
    header: str
    members: int
    is_plain: bool
    copies: int

    def write(self, name: str, rows: Sequence[Values], broken: Mapping[int, str]) -> Part:
        """One file; a header is sent once, however often the rows are."""
        if self.ask.form == "jsonl":
            return self._pack(Part(name, write_jsonl(rows, broken, self.newline)))
        text = write_csv(rows, broken, self.newline, self.header)
        if self.copies == 1:
            return self._pack(Part(name, text))
        head, _, body = text.partition(b"\n")
        return self._pack(Part(name, body, head=head + b"\n"))

    def _pack(self, part: Part) -> Part:
        part = replace(part, copies=self.copies)
        if self.is_plain or self.ask.compression == "none":
            return part
        head = pack(part.head, 1) if part.head else b""
        return replace(part, body=pack(part.body, self.members), head=head)


def _drop_rows(
    rows: Sequence[Values], kinds: Mapping[str, Mapping[str, object]]
) -> Sequence[Values]:
    """A share of the rows is missing where the fault says so."""
    fewer = kinds.get("video_fewer")
    if fewer is None:
        return rows
    return rows[: int(len(rows) * (1 - float(str(fewer["share"]))))]


def _spoil_rows(rows: list[Values], faults: Sequence[Fault]) -> tuple[list[Values], dict[int, str]]:
    """The rows as faults leave them, and which records cannot be read."""
    broken: dict[int, str] = {}
    for fault in faults:
        if fault.kind == "video_names":
            every = max(1, int(fault.params["every"]))
            has_units = bool(fault.params["units"])
            for number in range(0, len(rows), every):
                rows[number] = rename_row(rows[number], has_units=has_units)
        elif fault.kind == "video_unknown":
            rows = [_add_unknown(row, fault.params) for row in rows]
        elif fault.kind == "video_line":
            _spoil_lines(rows, broken, fault.params)
    return rows, broken


def _spoil_lines(rows: list[Values], broken: dict[int, str], params: Mapping[str, object]) -> None:
    how, row = str(params["how"]), int(str(params["row"]))
    places = range(len(rows)) if params["all_rows"] else (row,)
    for place in places:
        if not -len(rows) <= place < len(rows):
            continue
        if how in _RECORDS:
            broken[place % len(rows)] = how
        else:
            size = int(str(params["size"]))
            text = _ROW_TEXT if how == "breaks" else "x" * size
            rows[place] = _with_data(rows[place], {"note": text})


def _add_unknown(row: Values, params: Mapping[str, object]) -> Values:
    changed = _with_data(row, {"sandboxNovelty": {"level": 1}})
    changed["sandboxColumn"] = "new"
    event = str(params["name"])
    return changed | ({"event": event} if event else {})


def _with_data(row: Values, more: Values) -> Values:
    changed = dict(row)
    data = changed.get("data")
    changed["data"] = (data if isinstance(data, dict) else {}) | more
    return changed
