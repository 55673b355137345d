r"""Lists as MyTracker writes them, `['a','it\'s','x\ny',-1.5]` -> the JSON arrays they say.

    literal = "[" [ item { "," item } ] "]"        item = "'" characters "'" | a JSON number
    escapes: \n \t \r \b \f \0; a backslash before anything else stands for that character

Most cells hold nothing that is written otherwise in JSON but the quotes: those are turned as whole
columns. The others are parsed one by one. What is no literal stays as it came.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.cast import to_text
from connector.decode.records import Reject
from connector.fields import Field

_PLAIN_ITEM = r"""'[^'"\\\x00-\x1f]*'"""
_PLAIN = (
    rf"^(?:\[(?:{_PLAIN_ITEM}(?:,{_PLAIN_ITEM})*)?\])?$"  # the empty text is no list, and right
)
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_ITEM = re.compile(rf"'([^'\\]*(?:\\.[^'\\]*)*)'|({_NUMBER})", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_JSON = json.JSONEncoder(ensure_ascii=False)
_NOT_ONE = -1  # the length of what is no literal


@dataclass(frozen=True, slots=True)
class Literals:
    """A column of literals: `texts` as they came, `arrays` as JSON (where a text is no literal, the
    text) and `lengths`, -1 where it is none.
    """

    texts: pa.Array
    arrays: pa.Array
    lengths: pa.Array


def cast_literals(
    columns: Mapping[Field, pa.Array], rows: pa.Array
) -> tuple[dict[str, pa.Array], list[Reject]]:
    """Raw columns of the fields with literals, by name, and the cells that are none; `rows` are the
    file ordinals.

    Fields with the same name before the dot hold pairs by position. A row in which they differ in
    length keeps the texts, and is one reject.
    """
    read: dict[str, Literals] = {}
    rejects: list[Reject] = []
    for field, column in columns.items():
        texts, unfit = to_text(column, field.name, rows)
        read[field.column] = literals = read_literals(texts)
        rejects += unfit + _reject_unread(literals, field, rows)
    arrays = {name: literals.arrays for name, literals in read.items()}
    for pair in _find_pairs(list(columns)):
        unequal, unfit = _compare_lengths(pair, read, rows)
        rejects += unfit
        if unfit:
            for field in pair:
                texts = read[field.column].texts
                arrays[field.column] = pc.if_else(unequal, texts, arrays[field.column])
    return arrays, rejects


def read_literals(texts: pa.Array) -> Literals:
    """The column of JSON arrays, most of it at once."""
    is_plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN), fill_value=True)
    arrays = pc.replace_substring(texts, "'", '"')
    quotes = pc.fill_null(pc.count_substring(texts, "'"), 0)
    lengths = pc.divide(quotes, pa.scalar(2, pa.int32()))
    is_special = pc.invert(is_plain)
    if not pc.any(is_special).as_py():
        return Literals(texts, arrays, lengths)
    special = texts.filter(
        is_special
    ).dictionary_encode()  # the same few lists come again and again
    made = [(text, read_literal(text)) for text in special.dictionary.to_pylist()]
    parsed = [(text, _NOT_ONE) if found is None else found for text, found in made]
    parsed_arrays = pa.array([array for array, _ in parsed], pa.string()).take(special.indices)
    parsed_lengths = pa.array([length for _, length in parsed], pa.int32()).take(special.indices)
    return Literals(
        texts,
        pc.replace_with_mask(arrays, is_special, parsed_arrays),
        pc.replace_with_mask(lengths, is_special, parsed_lengths),
    )


def read_literal(text: str) -> tuple[str, int] | None:
    """The JSON array a literal says, and its length; None where the text is no literal."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    if text == "[]":
        return "[]", 0
    items: list[str] = []
    at, end = 1, len(text) - 1
    while found := _ITEM.match(text, at, end):
        quoted, number = found.groups()
        items.append(number if quoted is None else _JSON.encode(_unescape(quoted)))
        at = found.end()
        if at == end:
            return f"[{','.join(items)}]", len(items)
        if text[at] != ",":
            return None
        at += 1
    return None


def _unescape(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), quoted)


def _reject_unread(literals: Literals, field: Field, rows: pa.Array) -> list[Reject]:
    is_none = pc.equal(literals.lengths, _NOT_ONE)
    if not pc.any(is_none).as_py():
        return []
    cells = zip(literals.texts.filter(is_none).to_pylist(), rows.filter(is_none), strict=True)
    return [
        Reject("cell", "is no list", row.as_py(), field=field.name, value=text.encode())
        for text, row in cells
    ]


def _find_pairs(fields: list[Field]) -> list[list[Field]]:
    groups: dict[str, list[Field]] = {}
    for field in fields:
        group, dot, _ = field.name.partition(".")
        if dot:
            groups.setdefault(group, []).append(field)
    return [group for group in groups.values() if len(group) > 1]


def _compare_lengths(
    pair: list[Field], read: Mapping[str, Literals], rows: pa.Array
) -> tuple[pa.Array, list[Reject]]:
    """Which rows hold lists of unequal length, and their rejects; a cell that is no list is one
    already. Without a cell there are no elements.
    """
    lengths = [read[field.column].lengths for field in pair]
    least, most = pc.min_element_wise(*lengths), pc.max_element_wise(*lengths)
    unequal = pc.and_(pc.greater(most, least), pc.greater(least, _NOT_ONE))
    if not pc.any(unequal).as_py():
        return unequal, []
    texts = read[pair[0].column].texts.filter(unequal).to_pylist()
    found = zip(*(column.filter(unequal).to_pylist() for column in lengths), strict=True)
    names = [field.name for field in pair]
    return unequal, [
        Reject(
            "cell",
            f"has no pairs: {', '.join(f'{n} in {name}' for name, n in zip(names, counts, strict=True))}",
            row.as_py(),
            field=names[0],
            value=(text or "").encode(),
        )
        for text, counts, row in zip(texts, found, rows.filter(unequal), strict=True)
    ]
