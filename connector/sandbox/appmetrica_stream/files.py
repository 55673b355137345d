"""Rows -> the bytes of a CSV or JSON file, in any of the spellings section 8 of the contract allows.

Rows are lists of texts in the order of the schema; "" is no value. Lone surrogates U+DC80..U+DCFF
stand for bytes that are not UTF-8.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence

from connector.sandbox.appmetrica_stream.exports import Schema
from connector.sandbox.scenario import FileShape

Row = list[str]
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")
_NUMERIC = frozenset({"bigint", "integer", "decimal", "timestamp", "ubigint_text"})
_BREAKS = frozenset("\n\r")


def encode_file(
    rows: Sequence[Row], schema: Schema, shape: FileShape, broken: Mapping[int, str]
) -> bytes:
    """The whole file. `broken` says which records (by ordinal) are unreadable, and how."""
    write = _write_csv if schema.export_format == "csv" else _write_json
    text = write(rows, schema, shape, broken)
    return (b"\xef\xbb\xbf" if shape.bom else b"") + text.encode("utf-8", "surrogateescape")


def encode_record(row: Row, schema: Schema, shape: FileShape, how: str) -> str:
    """One record as text, without its line break; `how` is "" for a sound one."""
    if schema.export_format == "csv":
        return _csv_text([_break_row(row, how)], shape).rstrip("\r\n")
    return _json_text(row, schema, shape, how)


def measure_payload(body: bytes, schema: Schema, shape: FileShape) -> int:
    """Bytes of a file without its header line, which is how `payload_bytes` counts CSV."""
    if schema.export_format != "csv":
        return len(body)
    header = _csv_text([list(schema.field_names)], shape).encode()
    return max(0, len(body) - len(header) - (3 if shape.bom else 0))


def _write_csv(
    rows: Sequence[Row], schema: Schema, shape: FileShape, broken: Mapping[int, str]
) -> str:
    lines: list[Row] = [list(schema.field_names)]
    lines += [_break_row(row, broken.get(n, "")) for n, row in enumerate(rows)] if broken else rows
    text = _csv_text(lines, shape)
    return text if shape.final_newline else text.removesuffix("\n").removesuffix("\r")


def _csv_text(lines: Sequence[Row], shape: FileShape) -> str:
    out = io.StringIO(newline="")
    is_quoted = shape.quoting == "all"
    end = "\r\n" if shape.newline == "crlf" else "\n"
    csv.writer(
        out, lineterminator=end, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL
    ).writerows(lines)
    return out.getvalue()


def _break_row(row: Row, how: str) -> Row:
    if how == "short":
        return row[: max(1, len(row) - 3)]
    return [*row, "one", "two, too many"] if how == "long" else row


def _write_json(
    rows: Sequence[Row], schema: Schema, shape: FileShape, broken: Mapping[int, str]
) -> str:
    records = [_json_text(row, schema, shape, broken.get(n, "")) for n, row in enumerate(rows)]
    if shape.json_layout == "lines":
        text = "\n".join(records)
        return text + "\n" if records and shape.final_newline else text
    if shape.json_layout == "spread":
        end = "\n" if shape.final_newline else ""
        rows_text = ",\n".join(records) + "\n" if records else ""
        return f'{{\n"data" :\n[\n{rows_text}]\n}}{end}'
    array = "[" + ",\n".join(records) + "]"
    return array if shape.json_layout == "array" else f'{{"data":{array}}}'


def _json_text(row: Row, schema: Schema, shape: FileShape, how: str) -> str:
    if how == "scalar":
        return "42"
    cells = list(zip(schema.field_names, row, strict=True))
    by_name = dict(reversed(cells))
    is_plain = shape.json_values == "string" and shape.json_empty == "empty"
    if is_plain and len(by_name) == len(cells):
        text = json.dumps(dict(cells), ensure_ascii=False, separators=(",", ":"))
    else:
        if schema.source == "appmetrica_stream":
            # The stream gives the first of two equal columns only, the Logs API gives both.
            cells = [(name, by_name[name]) for name in dict(cells)]
        types = schema.field_types()
        items = (
            f'"{name}":{_json_token(value, types.get(name, "text"), shape)}'
            for name, value in cells
            if value or shape.json_empty != "missing"
        )
        text = "{" + ",".join(items) + "}"
    return text[: len(text) // 2] if how == "cut" else text


def _json_token(value: str, kind: str, shape: FileShape) -> str:
    if not value and shape.json_empty == "null":
        return "null"
    if shape.json_values == "native":
        if kind in _NUMERIC and _NUMBER.match(value):
            return value
        if kind == "boolean" and value in {"true", "false"}:
            return value
        if kind == "array_json" and shape.json_arrays == "native" and _is_array(value):
            return value
    return json.dumps(value, ensure_ascii=False)


def _is_array(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list) and not _BREAKS & set(text)
    except ValueError:
        return False
