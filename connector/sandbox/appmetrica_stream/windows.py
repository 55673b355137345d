"""The windows of one app: which there are at a moment, and the files they hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.sandbox.appmetrica_stream.cells import CellMaker
from connector.sandbox.appmetrica_stream.content import Change, Content
from connector.sandbox.appmetrica_stream.exports import ExportBook, Schema
from connector.sandbox.appmetrica_stream.files import encode_file, measure_payload
from connector.sandbox.appmetrica_stream.making import ContentMaker
from connector.sandbox.appmetrica_stream.timeline import WINDOW_S, Timeline
from connector.sandbox.faults import Fault, FaultBook, Request
from connector.sandbox.scenario import App, Stream

_Shown = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WindowFile:
    """One file as the status document declares it. Bytes are in `body`, or on disk at `path`.

    Times are unix seconds; `payload_bytes` is the uncompressed size without the header line.
    """

    timestamp: int
    schema: Schema
    event_count: int
    payload_bytes: int
    updated_at: int
    body: bytes = b""
    path: Path | None = None
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a window is made of at a moment; equal parts make equal files.

    `shown` has (window, visible rows) of each window whose rows are in this one.
    """

    shown: _Shown
    updated_at: int
    changes: tuple[Change, ...]
    fault_ids: tuple[int, ...]


class AppWindows:
    """Windows of one app. Files are made when first asked for and kept until their parts change.

    History runs from `since` to `start`, when the clock started (both unix seconds);
    `lost` are half-open ranges of unix seconds in which nothing was prepared (monthly limit).
    """

    def __init__(
        self, app: App, stream: Stream, faults: FaultBook, since: int, start: float
    ) -> None:
        self.app = app
        self.stream = stream
        self.exports = ExportBook(stream)
        self.timeline = Timeline(stream.window_offset_s)
        self.first_slot = self.timeline.slot_of(since - 1) + WINDOW_S
        self._last_slot = self.timeline.slot_of(start) - 2 * WINDOW_S
        self.lost: tuple[tuple[int, int], ...] = ()
        self._faults = faults
        self._maker = ContentMaker(CellMaker(app), self.exports, stream.shape)
        self._changes: dict[tuple[str, int], list[Change]] = {}
        self._injected: dict[tuple[str, int], dict[int, WindowFile]] = {}
        self._made: dict[tuple[str, int], tuple[_Parts, list[WindowFile]]] = {}

    def history(self, data_type: str | None) -> list[int]:
        """Windows from the oldest to the newest that was settled when the clock started.

        Only those with rows of `data_type`, if one is given.
        """
        slots = range(self.first_slot, self._last_slot + 1, WINDOW_S)
        if data_type is None:
            return list(slots)
        return [slot for slot in slots if self.timeline.entries(data_type, slot)]

    def change(self, data_type: str, slot: int, change: Change) -> None:
        """Change a window's content now; its `update_timestamp` becomes `change.at`."""
        self._changes.setdefault((data_type, slot), []).append(change)

    def inject(self, file: WindowFile) -> None:
        """Put a made-up file in place of whatever the population gives that window."""
        key = (file.schema.data_type, file.timestamp)
        self._injected.setdefault(key, {})[file.schema.id] = file

    def list_files(self, data_type: str, now: int, *, has_empty: bool) -> Iterator[WindowFile]:
        """The files of all live windows of a data type, oldest first."""
        slots = set(self.timeline.slots(data_type))
        for kind, slot in (*self._injected, *self._changes):
            if kind == data_type:
                slots.add(slot)
        for fault in self._faults.of_stage("window"):
            if fault.kind == "skip_windows" and fault.window is not None:
                slots.add(fault.window + int(fault.params["count"]) * WINDOW_S)
        if has_empty:
            slots.update(range(self.first_slot, now + 1, WINDOW_S))
        for slot in sorted(slots):
            for file in self.files(data_type, slot, now):
                if file.event_count or has_empty or file.path:
                    yield file

    def files(self, data_type: str, slot: int, now: int) -> list[WindowFile]:
        """The files under one window key at `now`: none, one, or two where schemas differ."""
        if not slot <= now < slot + self.stream.expire_days * 86_400:
            return []
        if (data_type, slot) in self._injected:
            return list(self._injected[data_type, slot].values())
        made = self._window_parts(data_type, slot, now)
        if made is None:
            return []
        parts, faults = made
        known = self._made.get((data_type, slot))
        if known is None or known[0] != parts:
            files = [
                make_file(content, slot, parts.updated_at)
                for content in self._contents(data_type, slot, parts, faults)
            ]
            known = self._made[data_type, slot] = (parts, files)
        return known[1]

    def contents(self, data_type: str, slot: int, now: int) -> list[Content]:
        """The rows behind `files`, in the same order; none for raw injected bodies."""
        if (data_type, slot) in self._injected:
            files = self._injected[data_type, slot].values()
            return [file.content for file in files if file.content is not None]
        made = self._window_parts(data_type, slot, now)
        return [] if made is None else self._contents(data_type, slot, *made)

    def _contents(
        self, data_type: str, slot: int, parts: _Parts, faults: Sequence[Fault]
    ) -> list[Content]:
        found = self.exports.export_at(data_type, slot)
        assert found is not None
        entries = [
            entry
            for source, count in parts.shown
            for entry in self.timeline.entries(data_type, source)[:count]
        ]
        return self._maker.make(found, entries, parts.changes, faults)

    def _window_parts(
        self, data_type: str, slot: int, now: int
    ) -> tuple[_Parts, list[Fault]] | None:
        """What the window is made of; None where the stream never had that window."""
        is_off_grid = (slot - self.timeline.offset_s) % WINDOW_S != 0
        is_lost = any(low <= slot < high for low, high in self.lost)
        if is_off_grid or is_lost or slot < self.first_slot:
            return None
        if self.exports.export_at(data_type, slot) is None:
            return None
        faults = self._window_faults(data_type, slot, now)
        shown = self._shown(data_type, slot, now, faults)
        if shown is None:
            return None
        due = self._due_changes(data_type, slot, now, faults)
        moments = [slot + 1, *(change.at for change in due)]
        for source, count in shown:
            if count:
                moments.append(self.timeline.entries(data_type, source)[count - 1].shown_at)
        return _Parts(shown, max(moments), due, tuple(f.id for f in faults)), faults

    def _window_faults(self, data_type: str, slot: int, now: int) -> list[Fault]:
        request = Request("any", self.app.id, data_type, slot)
        faults = []
        for fault in self._faults.of_stage("window"):
            is_range = fault.kind in {"skip_windows", "schema_change"}
            if fault.fits(request, now, any_window=is_range) and (
                not is_range or (fault.window or 0) <= slot
            ):
                faults.append(fault)
        return faults

    def _shown(self, data_type: str, slot: int, now: int, faults: Sequence[Fault]) -> _Shown | None:
        sources = [slot]
        for fault in faults:
            if fault.kind == "skip_windows" and fault.window is not None:
                after = fault.window + int(fault.params["count"]) * WINDOW_S
                if slot < after:
                    return None
                if slot == after:
                    sources[:0] = range(fault.window, slot, WINDOW_S)
        return tuple((s, self.timeline.count_shown(data_type, s, now)) for s in sources)

    def _due_changes(
        self, data_type: str, slot: int, now: int, faults: Sequence[Fault]
    ) -> tuple[Change, ...]:
        changes = list(self._changes.get((data_type, slot), ()))
        for fault in faults:
            at = slot + WINDOW_S + int(float(fault.params.get("hours", 0)) * 3600)
            if fault.kind == "window_change" and at <= now:
                counts = {key: int(fault.params[key]) for key in ("add", "remove", "edit")}
                changes.append(Change(at, **counts))
        return tuple(changes)


def make_file(content: Content, slot: int, updated_at: int) -> WindowFile:
    """Write the content of a window; `slot` and `updated_at` are unix seconds."""
    body = encode_file(content.rows, content.schema, content.shape, content.broken)
    return WindowFile(
        timestamp=slot,
        schema=content.schema,
        event_count=len(content.rows),
        payload_bytes=measure_payload(body, content.schema, content.shape),
        updated_at=updated_at,
        body=body,
    )
