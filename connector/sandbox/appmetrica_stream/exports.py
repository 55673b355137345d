"""Export settings of one app over time, and the schemas they gave rise to.

Settings object and rules: appmetrica.yandex.com/docs/en/mobile-api/datastream/ref/settings-post.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.fields import load_tables
from connector.sandbox.appmetrica_stream.timeline import DATA_TYPES
from connector.sandbox.scenario import Stream

_MAX_NAMES = 10_000


class SettingsError(ValueError):
    """A settings body the vendor would refuse; `error_type` is the vendor's word for why."""

    def __init__(self, error_type: str, text: str) -> None:
        super().__init__(text)
        self.error_type = error_type


@dataclass(frozen=True, slots=True)
class Export:
    """What one data type exports, as one object of `export_fields`."""

    data_type: str
    enabled: bool
    export_format: str
    fields: tuple[str, ...]
    include_events: tuple[str, ...] = ()
    exclude_events: tuple[str, ...] = ()
    attribution: str = ""

    def describe(self) -> dict[str, Any]:
        """The object as the API shows it."""
        own = {"event_attribution": self.attribution} if self.attribution else {}
        return {
            "data_type": self.data_type,
            "enabled": self.enabled,
            "export_format": self.export_format,
            "fields": list(self.fields),
            **own,
            "include_events": list(self.include_events),
            "exclude_events": list(self.exclude_events),
        }

    def keeps(self, event_name: str) -> bool:
        """The include list first, then the exclude list; empty include = all."""
        if self.include_events and event_name not in self.include_events:
            return False
        return event_name not in self.exclude_events


@dataclass(frozen=True, slots=True)
class Schema:
    """A field set files are written with. `field_names` in the order of the header.

    `source` is whose field table knows `data_type`: other emulated APIs write files as well.
    """

    id: int
    data_type: str
    export_format: str
    field_names: tuple[str, ...]
    source: str = "appmetrica_stream"

    def field_types(self) -> dict[str, str]:
        """Type of each field the table knows, by the vendor's name."""
        return {f.name: f.type for f in load_tables(self.source)[self.data_type].fields}


Exports = Mapping[str, tuple[Export, Schema]]


class ExportBook:
    """The settings of one app: which hold for which window, by the window's timestamp."""

    def __init__(self, stream: Stream) -> None:
        self._next_id = 1
        self._derived: dict[tuple[Any, ...], Schema] = {}
        self.is_on = True
        first = {e.data_type: (e, self._new_schema(e)) for e in initial_exports(stream)}
        self._history: list[tuple[int, bool, Exports]] = [(0, True, first)]

    def current(self) -> Exports:
        """What the settings say now, for windows to come."""
        return self._history[-1][2]

    def replace(self, exports: Sequence[Export], *, is_on: bool, since_slot: int) -> None:
        """New settings for windows from `since_slot` on; a changed export gets a new schema id."""
        old = self.current()
        new = {
            e.data_type: old[e.data_type]
            if e.data_type in old and old[e.data_type][0] == e
            else (e, self._new_schema(e))
            for e in exports
        }
        self.is_on = is_on
        if self._history[-1][0] == since_slot:
            self._history.pop()
        self._history.append((since_slot, is_on, new))

    def export_at(self, data_type: str, slot: int) -> tuple[Export, Schema] | None:
        """Export and schema a window was written with; None where nothing was exported."""
        for since_slot, is_on, exports in reversed(self._history):
            if since_slot <= slot:
                found = exports.get(data_type)
                return found if is_on and found is not None and found[0].enabled else None
        return None

    def derive(self, schema: Schema, field_names: Sequence[str], export_format: str) -> Schema:
        """The schema with these fields that a fault made of `schema`; the same one every time."""
        key = (schema.id, export_format, tuple(field_names))
        if key not in self._derived:
            new = Schema(self._next_id, schema.data_type, export_format, tuple(field_names))
            self._next_id += 1
            self._derived[key] = new
        return self._derived[key]

    def _new_schema(self, export: Export) -> Schema:
        schema = Schema(self._next_id, export.data_type, export.export_format, export.fields)
        self._next_id += 1
        return schema


def known_fields(data_type: str) -> tuple[str, ...]:
    """The vendor's field names of a data type, from the product's field table."""
    return tuple(f.name for f in load_tables("appmetrica_stream")[data_type].fields)


def initial_exports(stream: Stream) -> list[Export]:
    """The exports a scenario starts with: every data type, all fields, unless it says less."""
    exports = []
    for data_type in stream.data_types or DATA_TYPES:
        fields = known_fields(data_type)
        declared = stream.types.get(data_type)
        is_attributed = data_type == "attributed_event"
        exports.append(
            Export(
                data_type=data_type,
                enabled=declared.enabled if declared else True,
                export_format=declared.export_format if declared else "csv",
                fields=(declared.fields if declared else ()) or fields,
                include_events=declared.include_events if declared else (),
                exclude_events=declared.exclude_events if declared else (),
                attribution="last_appmetrica" if is_attributed else "",
            )
        )
    return exports


def parse_settings(body: object) -> tuple[list[Export], bool]:
    """Exports and the master switch of a POSTed body; raises SettingsError."""
    settings = body.get("settings") if isinstance(body, dict) else None
    if not isinstance(settings, dict) or not isinstance(settings.get("export_fields"), list):
        raise SettingsError("missing_parameter", "settings.export_fields is missing")
    exports = [_parse_export(block) for block in settings["export_fields"]]
    if len({export.data_type for export in exports}) < len(exports):
        raise SettingsError("invalid_parameter", "a data_type occurs twice")
    return exports, bool(settings.get("ui_checkbox_enabled", True))


def _parse_export(block: object) -> Export:
    if not isinstance(block, dict) or block.get("data_type") not in DATA_TYPES:
        raise SettingsError("invalid_parameter", f"data_type must be one of {DATA_TYPES}")
    data_type = block["data_type"]
    if block.get("export_format", "csv") not in {"csv", "json"}:
        raise SettingsError("invalid_parameter", f"{data_type}: export_format is csv or json")
    names = {key: block.get(key) or [] for key in ("fields", "include_events", "exclude_events")}
    for key, values in names.items():
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise SettingsError("invalid_parameter", f"{data_type}: {key} is a list of strings")
    if max(len(names["include_events"]), len(names["exclude_events"])) > _MAX_NAMES:
        raise SettingsError("invalid_parameter", f"{data_type}: at most {_MAX_NAMES} event names")
    if unknown := [f for f in names["fields"] if f not in known_fields(data_type)]:
        raise SettingsError("invalid_parameter", f"{data_type}: unknown fields {unknown}")
    attribution = "last_appmetrica" if data_type == "attributed_event" else ""
    return Export(
        data_type=data_type,
        enabled=bool(block.get("enabled", True)),
        export_format=block.get("export_format", "csv"),
        fields=tuple(names["fields"]),
        include_events=tuple(names["include_events"]),
        exclude_events=tuple(names["exclude_events"]),
        attribution=block.get("event_attribution", attribution) if attribution else "",
    )
