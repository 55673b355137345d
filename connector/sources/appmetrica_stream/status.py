"""The status document of Data Stream -> units.

Source page: appmetrica.yandex.com/docs/en/mobile-api/datastream/ref/status.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.errors import ServerError
from connector.units import Unit

SOURCE = "appmetrica_stream"
WINDOW = timedelta(seconds=300)
FILE_LIFE = timedelta(days=7)  # how long the vendor keeps a window's file
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)
"""What reading a document of another form than documented raises."""


def parse_status(
    body: Any, application_id: str, tables: Sequence[str], *, schema_split: bool = True
) -> list[Unit]:
    """The windows of a status document, for the data types in `tables`.

    Unknown keys are ignored, windows may come in any order. A window listed under two schema ids
    is two units, or one with `schema_split` off. Raises ServerError when the document is no status.
    """
    try:
        status = body["status"]
        schemas = {
            str(schema["export_schema_id"]): tuple(schema["field_names"])
            for schema in status.get("export_fields", ())
        }
        units = [
            _to_unit(window, stream["data_type"], application_id, schemas)
            for stream in status.get("streams", ())
            if stream["data_type"] in tables
            for window in stream.get("stream_windows", ())
        ]
    except MALFORMED as error:
        raise ServerError(
            f"{SOURCE}: the status of application {application_id} is not of the documented"
            f" form: {type(error).__name__}: {error}",
            source=SOURCE,
        ) from error
    return units if schema_split else _join_schemas(units)


def _join_schemas(units: Iterable[Unit]) -> list[Unit]:
    """One unit per window: counts added up, fields of all its schemas, its newest change."""
    joined: dict[str, Unit] = {}
    for unit in units:
        key = unit.id.rsplit("/", 1)[0]
        other = joined.get(key)
        joined[key] = replace(unit, id=key) if other is None else _join(other, unit)
    return list(joined.values())


def _join(one: Unit, other: Unit) -> Unit:
    times = [time for time in (one.vendor_updated_at, other.vendor_updated_at) if time]
    return replace(
        one,
        schema_id="+".join(sorted({*one.schema_id.split("+"), other.schema_id})),
        declared_rows=(one.declared_rows or 0) + (other.declared_rows or 0),
        declared_bytes=(one.declared_bytes or 0) + (other.declared_bytes or 0),
        vendor_updated_at=max(times, default=None),
        field_names=tuple(dict.fromkeys((*one.field_names, *other.field_names))),
    )


def _to_unit(
    window: dict[str, Any], table: str, application_id: str, schemas: dict[str, tuple[str, ...]]
) -> Unit:
    key = int(window["stream_window_timestamp"])
    schema_id = str(window.get("export_schema_id", ""))
    lower_at = datetime.fromtimestamp(key, UTC)
    updated = window.get("update_timestamp")
    return Unit(
        id=f"{application_id}/{table}/{key}/{schema_id}",
        source=SOURCE,
        table=table,
        application_id=application_id,
        axis="window",
        lower_at=lower_at,
        upper_at=lower_at + WINDOW,
        remote_id=str(key),
        declared_rows=_optional_int(window.get("event_count")),
        declared_bytes=_optional_int(window.get("payload_bytes")),
        schema_id=schema_id,
        vendor_updated_at=None if updated is None else datetime.fromtimestamp(int(updated), UTC),
        expires_at=lower_at + FILE_LIFE,
        field_names=schemas.get(schema_id, ()),
    )


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)
