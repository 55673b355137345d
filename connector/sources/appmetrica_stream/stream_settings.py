"""Export settings of AppMetrica Data Stream as code: TOML -> the vendor's object -> differences.

    [applications.1111]
    enabled = true                         # the master switch of the app's stream

    [applications.1111.data_types.event]
    format         = "csv"                 # or json
    fields         = ["profile_id", "event_name", "event_timestamp", "event_json"]
    include_events = ["level_complete"]    # empty: all
    exclude_events = ["noise"]             # include first, then exclude

Data types that are not named are switched off: a POST replaces everything. Changes touch new data
only; files that are written keep their columns. Source pages: datastream/ref/settings-get and
settings-post.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.errors import ConfigError
from connector.fields import load_tables

SOURCE = "appmetrica_stream"
FORMATS = ("csv", "json")
ATTRIBUTIONS = ("first_appmetrica", "last_appmetrica")
ATTRIBUTED = "attributed_event"
MOST_EVENT_NAMES = 10_000
ALL_FIELDS = "all"  # in TOML: every field the field table knows
LISTS = ("fields", "include_events", "exclude_events")
SHOWN_NAMES = 8
_APP_KEYS = frozenset({"enabled", "data_types"})
_TYPE_KEYS = frozenset({"enabled", "format", "event_attribution", *LISTS})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two settings objects.

    `kind` is added, removed or changed; `data_type` is "" for the master switch; `text` says the
    difference in words.
    """

    kind: str
    data_type: str
    what: str
    text: str


def read_desired(path: Path) -> dict[str, dict[str, Any]]:
    """The vendor's settings object by application id, as the TOML file wants it.

    Raises ConfigError that names the place of everything that is wrong.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    return parse_desired(declared, str(path))


def parse_desired(declared: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """`read_desired` of a TOML document that was read already; `where` names it in errors."""
    if set(declared) != {"applications"} or not declared["applications"]:
        raise ConfigError(
            f"{where}: needs a table [applications.<id>] for each app and nothing beside; it has"
            f" {', '.join(sorted(declared)) or 'nothing'}"
        )
    problems: list[str] = []
    desired = {}
    for application_id, block in declared["applications"].items():
        if not application_id.isascii() or not application_id.isdigit():
            problems.append(f"applications.{application_id}: is no numeric application id")
        problems += [
            f"applications.{application_id}: unknown key {key!r}"
            for key in sorted(set(block) - _APP_KEYS)
        ]
        types = block.get("data_types", {})
        for name, values in types.items():
            place = f"applications.{application_id}.data_types.{name}"
            problems += [f"{place}: {problem}" for problem in _check_type(name, values)]
        if not problems:
            desired[application_id] = _to_settings(block)
    if problems:
        raise ConfigError(f"{where}: " + "; ".join(problems))
    return desired


def _check_type(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the block of one data type."""
    tables = load_tables(SOURCE)
    if name not in tables:
        yield f"unknown data type; there is: {', '.join(tables)}"
        return
    for key in sorted(set(values) - _TYPE_KEYS):
        yield f"unknown key {key!r}"
    if not isinstance(values.get("enabled", True), bool):
        yield "enabled must be true or false"
    if values.get("format", "csv") not in FORMATS:
        yield f"format {values['format']!r} is none of {', '.join(FORMATS)}"
    if "event_attribution" in values:
        if name != ATTRIBUTED:
            yield f"event_attribution is for {ATTRIBUTED} only"
        elif values["event_attribution"] not in ATTRIBUTIONS:
            yield f"event_attribution is none of {', '.join(ATTRIBUTIONS)}"
    for key in LISTS:
        yield from _check_list(name, key, values.get(key, []))
    if not values.get("fields"):
        yield f'fields is missing: name them, or say fields = "{ALL_FIELDS}"'


def _check_list(name: str, key: str, value: Any) -> Iterator[str]:
    if key == "fields" and value == ALL_FIELDS:
        return
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        yield f"{key} must be a list of names"
        return
    if twice := [item for item, count in Counter(value).items() if count > 1]:
        yield f"{key} has names twice: {_name_some(twice)}"
    if key == "fields":
        unknown = [item for item in value if item not in load_tables(SOURCE)[name].by_name]
        if unknown:
            yield f"unknown fields: {_name_some(unknown)}"
    elif len(value) > MOST_EVENT_NAMES:
        yield f"{key} has {len(value):,} names; the vendor takes {MOST_EVENT_NAMES:,} at most"


def _to_settings(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ui_checkbox_enabled": bool(block.get("enabled", True)),
        "export_fields": [
            _to_export(name, values) for name, values in block.get("data_types", {}).items()
        ],
    }


def _to_export(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    fields = values["fields"]
    export = {
        "data_type": name,
        "enabled": values.get("enabled", True),
        "export_format": values.get("format", "csv"),
        "fields": list(load_tables(SOURCE)[name].by_name) if fields == ALL_FIELDS else fields,
        "include_events": values.get("include_events", []),
        "exclude_events": values.get("exclude_events", []),
    }
    if name == ATTRIBUTED:
        export["event_attribution"] = values.get("event_attribution", ATTRIBUTIONS[1])
    return export


def find_changes(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    """What would change if `desired` replaced `current`; both as the vendor spells them."""
    changes = []
    old, new = (bool(one.get("ui_checkbox_enabled", False)) for one in (current, desired))
    if old != new:
        changes.append(
            Change("changed", "", "enabled", f"the stream: {_onoff(old)} -> {_onoff(new)}")
        )
    before, after = _by_type(current), _by_type(desired)
    for name in sorted({*before, *after}):
        if name not in after:
            changes.append(Change("removed", name, "data_type", "no longer exported"))
        elif name not in before:
            count = len(after[name].get("fields", ()))
            text = f"exported as {after[name].get('export_format')} with {count} fields"
            changes.append(Change("added", name, "data_type", text))
        else:
            changes += _compare_types(name, before[name], after[name])
    return changes


def _by_type(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {export["data_type"]: export for export in settings.get("export_fields") or ()}


def _compare_types(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    was, wanted = (bool(one.get("enabled", True)) for one in (old, new))
    if was != wanted:
        yield Change("changed", name, "enabled", f"{_onoff(was)} -> {_onoff(wanted)}")
    for key in ("export_format", "event_attribution"):
        if key in new and old.get(key) != new[key]:
            yield Change("changed", name, key, f"{old.get(key)} -> {new[key]}")
    for key in LISTS:
        yield from _compare_lists(name, key, old.get(key) or [], new.get(key) or [])


def _compare_lists(name: str, key: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    known, wanted = set(old), set(new)
    if added := [item for item in new if item not in known]:
        yield Change("added", name, key, _name_some(added))
    if removed := [item for item in old if item not in wanted]:
        yield Change("removed", name, key, _name_some(removed))


def _onoff(value: bool) -> str:
    return "on" if value else "off"


def _name_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
