"""The status document: which windows there are, and the faults that act on what it says.

Form: appmetrica.yandex.com/docs/en/mobile-api/datastream/ref/status.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from connector.sandbox.appmetrica_stream.timeline import DATA_TYPES
from connector.sandbox.appmetrica_stream.windows import AppWindows, WindowFile
from connector.sandbox.faults import Fault, Request


class StatusWriter:
    """Writes status documents of one app. A call of `write` is what `heals_after` counts."""

    def __init__(
        self, windows: AppWindows, listing_faults: Callable[[], tuple[Fault, ...]]
    ) -> None:
        self._windows = windows
        self._faults = listing_faults

    def files(self, data_type: str, now: int) -> list[WindowFile]:
        """The files listed at `now` (unix seconds), oldest first."""
        has_empty = self._lists_empty(data_type, now)
        files = self._windows.list_files(data_type, now, has_empty=has_empty)
        return [file for file in files if not self._is_gone(file, now)]

    def files_of(self, data_type: str, slot: int, now: int) -> list[WindowFile]:
        """The files listed under one window key; [] is what a download answers 404 to."""
        has_empty = self._lists_empty(data_type, now)
        return [
            file
            for file in self._windows.files(data_type, slot, now)
            if (file.event_count or file.path or has_empty) and not self._is_gone(file, now)
        ]

    def _lists_empty(self, data_type: str, now: int) -> bool:
        has_empty = self._windows.stream.empty_windows == "listed"
        request = Request("status", self._windows.app.id, data_type)
        for fault in self._faults():
            if fault.kind == "empty_windows" and fault.fits(request, now, any_window=True):
                has_empty = fault.params["mode"] == "listed"
        return has_empty

    def _is_gone(self, file: WindowFile, now: int) -> bool:
        request = Request("status", self._windows.app.id, file.schema.data_type, file.timestamp)
        return any(f.kind == "vanish" and f.fits(request, now) for f in self._faults())

    def write(self, now: int) -> dict[str, Any]:
        """The document at `now` (unix seconds)."""
        listed = {data_type: self.files(data_type, now) for data_type in DATA_TYPES}
        current = {s.id: s for _, s in self._windows.exports.current().values()}
        schemas = {f.schema.id: f.schema for files in listed.values() for f in files} | current
        streams = [
            {"data_type": data_type, "stream_windows": [self._describe(f, now) for f in files]}
            for data_type, files in listed.items()
            if files
        ]
        has_format = self._windows.stream.list_export_format
        fields = [
            {
                "export_schema_id": schema.id,
                **({"export_format": schema.export_format} if has_format else {}),
                "field_names": list(schema.field_names),
            }
            for _, schema in sorted(schemas.items())
        ]
        return self._distort({"status": {"streams": streams, "export_fields": fields}}, now)

    def _describe(self, file: WindowFile, now: int) -> dict[str, int]:
        request = Request("status", self._windows.app.id, file.schema.data_type, file.timestamp)
        count = file.event_count
        for fault in self._faults():
            if fault.kind == "event_count" and fault.fits(request, now):
                key = (self._windows.app.id, file.schema.data_type, file.timestamp, file.schema.id)
                calls = fault.notes[key] = fault.notes.get(key, 0) + 1
                if fault.params["heals_after"] < 0 or calls <= fault.params["heals_after"]:
                    count += int(fault.params["off_by"])
        return {
            "stream_window_timestamp": file.timestamp,
            "export_schema_id": file.schema.id,
            "payload_bytes": file.payload_bytes,
            "event_count": count,
            "update_timestamp": file.updated_at,
        }

    def _distort(self, document: dict[str, Any], now: int) -> dict[str, Any]:
        request = Request("status", self._windows.app.id)
        status = document["status"]
        for fault in self._faults():
            if fault.kind == "unordered" and fault.fits(request, now):
                rng = Random(fault.id)
                rng.shuffle(status["streams"])
                rng.shuffle(status["export_fields"])
                for stream in status["streams"]:
                    rng.shuffle(stream["stream_windows"])
            if fault.kind == "unknown_keys" and fault.fits(request, now):
                document["request_id"] = "invented-1"
                status["generation"] = {"node": 7}
                for block in (*status["streams"], *status["export_fields"]):
                    block["note"] = None
                for stream in status["streams"]:
                    for window in stream["stream_windows"]:
                        window["checksum"] = "00ff"
        return document
