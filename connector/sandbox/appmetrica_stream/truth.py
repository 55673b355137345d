"""What the stream has really sent: every row of every listed window, as texts."""

from typing import Any

from connector.sandbox.appmetrica_stream.content import Content
from connector.sandbox.appmetrica_stream.datastream import DataStream
from connector.sandbox.appmetrica_stream.files import encode_record


def list_truth(stream: DataStream, app_id: int, data_type: str) -> dict[str, Any]:
    """`{application_id, data_type, rows, unread}` of the windows listed now.

    A row is `{window, schema_id, ordinal, values}`: `ordinal` counts from 0 in the file, `values`
    has the cells that are not empty, as text, bad bytes as U+FFFD (their fields are named in
    `invalid_utf8`). A record that cannot be read has `broken` (how) and `raw` instead of values.
    `unread` are injected windows whose rows only their author knows.
    """
    rows: list[dict[str, Any]] = []
    unread: list[dict[str, int]] = []
    windows = stream.windows_of(app_id, data_type)
    now = stream.world.live()
    listed = stream.listed(app_id, data_type)
    known: dict[int, dict[int, Content]] = {}
    for file in listed:
        slot = file.timestamp
        if slot not in known:
            known[slot] = {c.schema.id: c for c in windows.contents(data_type, slot, now)}
        content = known[slot].get(file.schema.id)
        if content is not None:
            rows += _describe_rows(content, slot)
        else:
            place = {"window": slot, "schema_id": file.schema.id}
            unread.append(place | {"event_count": file.event_count})
    return {"application_id": app_id, "data_type": data_type, "rows": rows, "unread": unread}


def _describe_rows(content: Content, slot: int) -> list[dict[str, Any]]:
    names = content.schema.field_names
    doubled = {name for place, name in enumerate(names) if name in names[:place]}
    described: list[dict[str, Any]] = []
    for ordinal, row in enumerate(content.rows):
        item: dict[str, Any] = {"window": slot, "schema_id": content.schema.id, "ordinal": ordinal}
        how = content.broken.get(ordinal, "")
        if how:
            raw = encode_record(row, content.schema, content.shape, how)
            described.append(item | {"broken": how, "raw": _to_utf8(raw), "values": {}})
            continue
        values: dict[str, str] = {}
        for name, value in zip(names, row, strict=True):
            if name not in values and (value or name in doubled):
                values[name] = value
        clean = {name: _to_utf8(value) for name, value in values.items() if value}
        bad = [name for name, value in values.items() if value and clean[name] != value]
        described.append(item | {"values": clean} | ({"invalid_utf8": bad} if bad else {}))
    return described


def _to_utf8(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
