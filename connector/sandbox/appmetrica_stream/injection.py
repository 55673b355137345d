"""Windows made up by a test or a benchmark: rows, a body as is, or a file on disk."""

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.appmetrica_stream.content import Content
from connector.sandbox.appmetrica_stream.exports import Schema, known_fields
from connector.sandbox.appmetrica_stream.files import encode_file, measure_payload
from connector.sandbox.appmetrica_stream.windows import AppWindows, WindowFile
from connector.sandbox.scenario import FileShape

INJECTED_SCHEMA_ID = 900_001
"""Schema id of injected windows that name none."""

_KEYS = frozenset(
    {
        "app",
        "data_type",
        "window",
        "schema_id",
        "field_names",
        "export_format",
        "rows",
        "body",
        "body_base64",
        "path",
        "event_count",
        "payload_bytes",
        "update_timestamp",
    }
)


def make_injected(declared: Mapping[str, Any], windows: AppWindows, now: int) -> WindowFile:
    """A file from the mapping `POST /_sandbox/windows` takes; ConfigError names a wrong key."""
    if unknown := sorted(set(declared) - _KEYS):
        raise ConfigError(f"window: unknown keys {unknown}; known are {sorted(_KEYS)}")
    if "window" not in declared:
        raise ConfigError("window: `window` (unix seconds) is missing")
    slot = int(declared["window"])
    schema = _make_schema(declared, windows)
    updated_at = int(declared.get("update_timestamp") or min(now, slot + 360))
    sources = [key for key in ("rows", "body", "body_base64", "path") if key in declared]
    if len(sources) != 1:
        raise ConfigError(f"window: one of rows, body, body_base64, path is needed, not {sources}")
    if sources[0] == "path":
        return _from_path(declared, schema, slot, updated_at)
    if sources[0] == "rows":
        return _from_rows(declared, schema, slot, updated_at, windows.stream.shape)
    if "event_count" not in declared:
        raise ConfigError("window: a raw body needs `event_count`")
    body = _read_body(declared)
    size = measure_payload(body, schema, windows.stream.shape)
    return WindowFile(slot, schema, *_declared_sizes(declared, -1, size), updated_at, body)


def _make_schema(declared: Mapping[str, Any], windows: AppWindows) -> Schema:
    data_type = str(declared["data_type"])
    names = tuple(declared.get("field_names") or known_fields(data_type))
    current = windows.exports.current().get(data_type)
    default = current[1].export_format if current and "field_names" not in declared else "csv"
    export_format = str(declared.get("export_format", default))
    if export_format not in {"csv", "json"}:
        raise ConfigError(f"window: export_format {export_format!r} is neither csv nor json")
    schema_id = int(declared.get("schema_id", INJECTED_SCHEMA_ID))
    return Schema(schema_id, data_type, export_format, names)


def _declared_sizes(declared: Mapping[str, Any], count: int, size: int) -> tuple[int, int]:
    return int(declared.get("event_count", count)), int(declared.get("payload_bytes", size))


def _from_rows(
    declared: Mapping[str, Any], schema: Schema, slot: int, updated_at: int, shape: FileShape
) -> WindowFile:
    rows = [_make_row(row, schema) for row in declared["rows"]]
    content = Content(schema, shape, rows)
    body = encode_file(rows, schema, shape, {})
    size = measure_payload(body, schema, shape)
    sizes = _declared_sizes(declared, len(rows), size)
    return WindowFile(slot, schema, *sizes, updated_at, body, content=content)


def _make_row(row: Mapping[str, Any] | Sequence[Any], schema: Schema) -> list[str]:
    if isinstance(row, Mapping):
        if unknown := sorted(set(row) - set(schema.field_names)):
            raise ConfigError(f"window: rows have fields that field_names lacks: {unknown}")
        return ["" if row.get(n) is None else str(row[n]) for n in schema.field_names]
    if len(row) != len(schema.field_names):
        raise ConfigError(f"window: a row has {len(row)} cells for {len(schema.field_names)} names")
    return ["" if cell is None else str(cell) for cell in row]


def _read_body(declared: Mapping[str, Any]) -> bytes:
    if "body" in declared:
        body = declared["body"]
        return body if isinstance(body, bytes) else str(body).encode()
    try:
        return base64.b64decode(declared["body_base64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"window: body_base64: {error}") from None


def _from_path(
    declared: Mapping[str, Any], schema: Schema, slot: int, updated_at: int
) -> WindowFile:
    path = Path(declared["path"])
    if "event_count" not in declared:
        raise ConfigError("window: a file on disk needs `event_count`")
    if not path.is_file():
        raise ConfigError(f"window: path {path} is no file")
    size = _unpacked_size(path) if path.suffix == ".gz" else path.stat().st_size
    header = len(",".join(schema.field_names)) + 1 if schema.export_format == "csv" else 0
    sizes = _declared_sizes(declared, -1, max(0, size - header))
    return WindowFile(slot, schema, *sizes, updated_at, path=path)


def _unpacked_size(path: Path) -> int:
    """The size in the gzip trailer: of one member, modulo 4 GiB."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int(struct.unpack("<I", file.read(4))[0])
