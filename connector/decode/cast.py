"""Bytes -> typed Arrow columns. A cell that does not fit becomes NULL and a reject."""

import json

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.records import Reject
from connector.fields import Field, arrow_type

_YEAR_1_S, _YEAR_9999_S = -62_135_596_800, 253_402_300_799
_YEAR_1_DAYS = -719_162  # since 1970
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}


def cast_column(column: pa.Array, field: Field, rows: pa.Array) -> tuple[pa.Array, list[Reject]]:
    """The typed column and the cells that did not fit; `rows` are the file ordinals of its rows.

    Text that is no UTF-8 stays, with U+FFFD for the bad bytes, and is a reject too. An array literal
    does not fit by itself: only with its row it is known to be right, see `decode.literals`.
    """
    text, rejects = to_text(column, field.name, rows)
    if field.type == "array_json":
        return text, rejects + _check_arrays(text, field, rows)
    if field.type == "array_literal":
        return text, rejects + _reject_all(text, field, rows)
    if field.is_text:
        return text, rejects
    if field.absent:
        text = pc.if_else(pc.equal(text, field.absent), pa.scalar(None, pa.string()), text)
    try:
        return _cast_whole(text, field), rejects
    except pa.ArrowInvalid:
        present = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        typed, unfit = _cast_fitting(present, field, rows)
        return typed, rejects + unfit


def to_text(column: pa.Array, name: str, rows: pa.Array) -> tuple[pa.Array, list[Reject]]:
    """The column as valid UTF-8, and the cells that were not."""
    if pa.types.is_string(column.type):
        return column, []
    try:
        return column.cast(pa.string()), []
    except pa.ArrowInvalid:
        return _repair_text(column, name, rows)


def _repair_text(column: pa.Array, name: str, rows: pa.Array) -> tuple[pa.Array, list[Reject]]:
    rejects, repaired = [], []
    for value, row in zip(column.to_pylist(), rows.to_pylist(), strict=True):
        try:
            repaired.append(None if value is None else value.decode("utf-8"))
        except UnicodeDecodeError:
            repaired.append(value.decode("utf-8", "replace"))
            rejects.append(Reject("cell", "is not valid UTF-8", row, field=name, value=value))
    return pa.array(repaired, pa.string()), rejects


def _cast_fitting(text: pa.Array, field: Field, rows: pa.Array) -> tuple[pa.Array, list[Reject]]:
    """Cast at once; where a cell does not fit, by halves, so that one bad cell costs little and a
    cell's fate never depends on its neighbours.
    """
    try:
        return _cast_whole(text, field), []
    except pa.ArrowInvalid:
        if len(text) == 1:
            value = text[0].as_py().encode()
            reject = Reject("cell", f"is no {field.type}", rows[0].as_py(), None, field.name, value)
            return pa.nulls(1, arrow_type(field.type)), [reject]
    middle = len(text) // 2
    left, left_rejects = _cast_fitting(text[:middle], field, rows[:middle])
    right, right_rejects = _cast_fitting(text[middle:], field, rows[middle:])
    return pa.concat_arrays([left, right]), left_rejects + right_rejects


def _cast_whole(text: pa.Array, field: Field) -> pa.Array:
    kind = arrow_type(field.type)
    if field.type == "timestamp":
        return _to_timestamps(text, field.unit)
    if pa.types.is_integer(kind):
        return _to_integers(text)
    values = text.cast(kind)
    if field.type == "double" and not pc.all(pc.is_finite(values), min_count=0).as_py():
        raise pa.ArrowInvalid("is no number")
    if field.type == "date":
        _check_bounds(values.cast(pa.int32()), _YEAR_1_DAYS, None)
    return values


def _to_timestamps(text: pa.Array, unit: str) -> pa.Array:
    """Numbers since 1970, or with the unit `iso` ISO 8601 texts that name their zone; what is less than
    a microsecond is cut off.
    """
    if unit == "iso":
        kind = arrow_type("timestamp")
        try:
            times = text.cast(kind)
        except pa.ArrowInvalid:
            times = _cut_fractions(text).cast(kind)
        _check_bounds(times.cast(pa.int64()), _YEAR_1_S * _PER_SECOND["us"], None)
        return times
    numbers, per_second = _to_integers(text), _PER_SECOND[unit]
    _check_bounds(numbers, _YEAR_1_S * per_second, (_YEAR_9999_S + 1) * per_second - 1)
    return numbers.cast(pa.timestamp(unit, tz="UTC")).cast(arrow_type("timestamp"))


def _cut_fractions(text: pa.Array) -> pa.Array:
    """ISO 8601 texts with six digits of a second at most, and a capital Z."""
    short = pc.replace_substring_regex(text, r"(:\d\d\.\d{6})\d+", r"\1")
    return pc.replace_substring_regex(short, "z$", "Z")


def _to_integers(text: pa.Array) -> pa.Array:
    """Decimal digits as int64; what Arrow reads as hexadecimal is no number here."""
    numbers = text.cast(pa.int64())
    buffer = text.buffers()[2]  # of the whole column, of which `text` may be a slice
    characters = b"" if buffer is None else buffer.to_pybytes()
    may_be_hex = b"x" in characters or b"X" in characters
    if may_be_hex and pc.any(pc.match_substring_regex(text, "[xX]")).as_py():
        raise pa.ArrowInvalid("is hexadecimal")
    return numbers


def _check_bounds(numbers: pa.Array, least: int, most: int | None) -> None:
    """Raise ArrowInvalid for times outside the years 1 to 9999."""
    bounds = pc.min_max(numbers)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is not None and (low < least or (most is not None and high > most)):
        raise pa.ArrowInvalid("outside the years 1 to 9999")


def _check_arrays(text: pa.Array, field: Field, rows: pa.Array) -> list[Reject]:
    """Cells that should hold a JSON array and do not; their text is loaded all the same."""
    if text.null_count == len(text):
        return []
    return [
        Reject("cell", "is no JSON array", row, field=field.name, value=value.encode())
        for value, row in zip(text.to_pylist(), rows.to_pylist(), strict=True)
        if value and not _is_json_array(value)
    ]


def _reject_all(text: pa.Array, field: Field, rows: pa.Array) -> list[Reject]:
    cells = zip(text.to_pylist(), rows.to_pylist(), strict=True)
    return [
        Reject(
            "cell", "is read with its whole row only", row, field=field.name, value=cell.encode()
        )
        for cell, row in cells
        if cell
    ]


def _is_json_array(value: str) -> bool:
    try:
        return isinstance(json.loads(value, parse_int=str), list)
    except (ValueError, RecursionError):
        return False
