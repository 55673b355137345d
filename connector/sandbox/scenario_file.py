"""Scenario files: TOML -> `Scenario`, naming the key when something is wrong."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import ConfigError
from connector.sandbox.scenario import (
    App,
    FileShape,
    Logs,
    MyTracker,
    Population,
    Scenario,
    ShortKit,
    Stream,
    StreamType,
    default_scenario,
)

T = TypeVar("T")


def read_scenario(path: Path) -> Scenario:
    """Parse a scenario file; raises ConfigError naming the file and the key."""
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"scenario file {path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"scenario file {path}: not valid TOML: {error}") from None
    try:
        return parse_scenario(declared)
    except ConfigError as error:
        raise ConfigError(f"scenario file {path}: {error}") from None


def parse_scenario(declared: Mapping[str, Any]) -> Scenario:
    """A parsed scenario file; keys left out keep the defaults, no apps means the demo's apps."""
    values = dict(declared)
    stream = dict(values.pop("stream", {}))
    shape = _build(FileShape, stream.pop("shape", {}), "stream.shape")
    types = {
        name: _build(StreamType, block, f"stream.types.{name}")
        for name, block in stream.pop("types", {}).items()
    }
    logs = dict(values.pop("logs", {}))
    logs_shape = _build(FileShape, {"json_layout": "spread", **logs.pop("shape", {})}, "logs.shape")
    tracker = dict(values.pop("mytracker", {}))
    tracker_shape = _build(FileShape, tracker.pop("shape", {}), "mytracker.shape")
    apps = tuple(_parse_app(block, n) for n, block in enumerate(values.pop("apps", ())))
    return _build(
        Scenario,
        values,
        "",
        apps=apps or default_scenario().apps,
        population=_build(Population, values.pop("population", {}), "population"),
        stream=_build(Stream, stream, "stream", shape=shape, types=types),
        logs=_build(Logs, logs, "logs", shape=logs_shape),
        mytracker=_build(MyTracker, tracker, "mytracker", shape=tracker_shape),
        shortkit=_build(ShortKit, values.pop("shortkit", {}), "shortkit"),
        faults=tuple(values.pop("faults", ())),
        start=_parse_moment(values.pop("start", None)),
    )


def _parse_app(block: Mapping[str, Any], number: int) -> App:
    app = _build(App, block, f"apps[{number}]")
    try:
        ZoneInfo(app.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"apps[{number}].zone = {app.zone!r} is not a known zone") from None
    return app


def _parse_moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"start = {value!r} is not an ISO 8601 moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _build(kind: Callable[..., T], block: Mapping[str, Any], where: str, **ready: object) -> T:
    """The dataclass `kind` from the keys of a TOML table, types checked; `ready` comes parsed."""
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)} - set(ready)  # type: ignore[arg-type]
    for key, value in block.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(known))}")
        _check_value(f"{where}.{key}".lstrip("."), value, hints[key])
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in block.items()}
    try:
        return kind(**values, **ready)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check_value(where: str, value: object, hint: object) -> None:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ConfigError(f"{where} = {value!r} is none of {get_args(hint)}")
        return
    wanted: tuple[type, ...] = (list, tuple)
    if isinstance(hint, type) and get_origin(hint) is None:
        wanted = (int, float) if hint is float else (hint,)
    is_flag = isinstance(value, bool) and hint is not bool
    if not isinstance(value, wanted) or is_flag:
        raise ConfigError(f"{where} = {value!r} does not fit {wanted[-1].__name__}")
