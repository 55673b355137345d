"""The object within each of many JSON records, taken out to the letter, without reading it."""

import re
from collections.abc import Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.json_blocks import read_json, read_texts
from connector.decode.json_text import decode
from connector.decode.nested import Nested

_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT = rb"\{(?:[^{}\"]++|" + _TEXT + rb")*+\}"
_DEEP = rb"\{(?:[^{}\"]++|" + _TEXT + rb"|" + _FLAT + rb")*+\}"
_OBJECT = re.compile(rb"\{(?:[^{}\"]++|" + _TEXT + rb"|" + _DEEP + rb")*+\}", re.DOTALL)
_SAMPLE = 100  # records whose names are looked at before all are read
_SPACE = " \t"
_BLANK = b" \t\r"
_ODD_BEFORE = b"{, \t\r"  # before the comma that the object's key follows
_DEEP_LEVELS = 500  # the exact reader takes somewhat more, and refuses what is deeper


def parse_nested(
    lines: pa.Array, nested: Nested, *, keep_empty: bool
) -> dict[str, pa.Array] | None:
    """The columns of records, whose other members are texts, or numbers where they are to be; the
    object is what stood in the record. None where the exact reader might read them otherwise.

    The records are cut at the object's key; nothing is checked but the ends. Whether both pieces are
    JSON is found out by reading them, and if they are then so was the record: a key within a text has
    a backslash before its quote. Each piece opens an object, so that as many objects as there are
    pieces are one each.
    """
    heads, objects = _cut_last(lines, nested.field) or _cut_each(lines, nested.field)
    inner = objects.drop_null()
    if not _all_open(heads) or not _all_open(inner) or _has_deep(inner):
        return None
    if len(inner) and read_json(_join(inner), len(inner), pa.schema([]), "ignore") is None:
        return None
    data, count = _join(heads), len(heads)
    columns = None
    for names in (_list_names(heads, nested), nested.own):  # a column costs also where it is empty
        columns = columns or read_texts(
            data, count, sorted(names), nested.numbers, keep_empty=keep_empty
        )
    return None if columns is None else {**columns, nested.field: objects}


def _list_names(heads: pa.Array, nested: Nested) -> set[str]:
    """The names of the row's own fields that the first records have."""
    found: set[str] = set()
    for head in heads.slice(0, _SAMPLE).to_pylist():
        with suppress(ValueError):
            value, _ = decode(head)
            found |= value.keys() & nested.own
    return found


def _all_open(texts: pa.Array) -> bool:
    """True where each text opens an object."""
    return bool(pc.all(pc.starts_with(texts, "{"), min_count=0).as_py())


def _has_deep(texts: pa.Array) -> bool:
    """True where one may be nested too deeply for the exact reader; few are long enough for that."""
    long = texts.filter(pc.greater(pc.binary_length(texts), 2 * _DEEP_LEVELS))
    levels = pc.add(pc.count_substring(long, "{"), pc.count_substring(long, "["))
    return bool(pc.any(pc.greater(levels, _DEEP_LEVELS), min_count=0).as_py())


def _join(texts: pa.Array) -> pa.Buffer:
    """The texts as lines."""
    lists = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return pc.binary_join(lists, "\n")[0].as_buffer()


def _cut_last(lines: pa.Array, field: str) -> tuple[pa.Array, pa.Array] | None:
    """The records without their last member, and that member's object, NULL where a record has none;
    None unless it is the last one wherever it occurs.
    """
    parts = pc.split_pattern(lines, f'"{field}":', max_splits=1)
    has = pc.equal(pc.list_value_length(parts), 2)
    first, pieces = parts.offsets.slice(0, len(lines)), parts.values
    heads = pc.ascii_rtrim(pieces.take(first), _SPACE)
    second = pc.if_else(has, pc.add(first, 1), pa.scalar(None, pa.int32()))
    tails = pc.ascii_ltrim(pieces.take(second), _SPACE)
    before = pc.binary_slice(heads.view(pa.binary()), -2, -1)
    is_odd = pc.or_(
        pc.invert(pc.ends_with(heads, ",")),
        pc.is_in(before, value_set=pa.array([bytes([byte]) for byte in _ODD_BEFORE])),
    )
    is_last = pc.and_(pc.starts_with(tails, "{"), pc.ends_with(tails, "}}"))
    is_good = pc.and_(is_last, pc.invert(is_odd))
    if not pc.all(pc.or_(pc.invert(has), pc.fill_null(is_good, fill_value=False))).as_py():
        return None
    cut = pc.binary_join_element_wise(_drop_last(heads), "}", "")
    return pc.if_else(has, cut, heads), _drop_last(tails)


def _drop_last(texts: pa.Array) -> pa.Array:
    """The texts without their last byte, which is a character of its own."""
    return pc.binary_slice(texts.view(pa.binary()), 0, -1).view(pa.string())


def _cut_each(lines: pa.Array, field: str) -> tuple[pa.Array, pa.Array]:
    """The records without the member of that name, wherever it stands, and its object."""
    records = [line.encode() for line in lines.to_pylist()]
    heads, objects = _cut_objects(records, b'"%s":' % field.encode())
    return pa.array(heads, pa.binary()).view(pa.string()), pa.array(objects, pa.binary()).view(
        pa.string()
    )


def _cut_objects(records: Sequence[bytes], key: bytes) -> tuple[list[bytes], list[bytes | None]]:
    """Each record without the member of that key, where it has one that is an object, and the member's
    value.

    Nothing is checked but the ends: whoever reads the two finds out whether they are JSON, and if
    both are then so was the record. A key within a text has a backslash before its quote.
    """
    heads: list[bytes] = []
    objects: list[bytes | None] = []
    for record in records:
        head, found, text = record.partition(key)
        is_last = text[:1] == b"{" and text[-2:] == b"}}"
        if is_last and head[-1:] == b"," and head[-2:-1] not in _ODD_BEFORE:
            heads.append(head[:-1] + b"}")
            objects.append(text[:-1])
        else:
            rest, value = _cut_within(head, text.lstrip(_BLANK)) if found else (record, None)
            heads.append(record if value is None else rest)
            objects.append(value)
    return heads, objects


def _cut_within(head: bytes, text: bytes) -> tuple[bytes, bytes | None]:
    """The record without the object at the start of `text`, and that object; no object where it is
    none, or one that is nested deeply.
    """
    found, head = _OBJECT.match(text), head.rstrip(_BLANK)
    before = head.removesuffix(b",").rstrip(_BLANK)
    is_next = head[-1:] == b"," and before[-1:] not in b"{,"
    if found is None or not (is_next or head[-1:] == b"{"):
        return head, None
    rest = text[found.end() :].lstrip(_BLANK)
    if rest == b"}":
        return before + rest, found.group()
    is_followed = rest[:1] == b"," and rest[1:].lstrip(_BLANK)[:1] != b"}"
    return (head + rest[1:], found.group()) if is_followed else (head, None)
